#include "windlass/outcome.hpp"

#include <string>
#include <string_view>
#include <type_traits>

#include "catch.hpp"

using namespace std::chrono_literals;
using windlass::Duration;
using windlass::Outcome;
using windlass::OutcomeKind;
using windlass::ReasonText;

namespace {

std::string cut(std::string_view text) { return std::string(ReasonText(text).view()); }

}  // namespace

TEST_CASE("an outcome says what it is, how long to wait and why", "[outcome]") {
  struct Case {
    Outcome outcome;
    OutcomeKind kind;
    Duration delay;
    std::string_view reason;
  };
  const Case cases[] = {
      {Outcome::done(), OutcomeKind::done, 0s, ""},
      {Outcome::retry(), OutcomeKind::retry, 0s, ""},
      {Outcome::retry("busy"), OutcomeKind::retry, 0s, "busy"},
      {Outcome::retry_after(3s), OutcomeKind::retry_after, 3s, ""},
      {Outcome::retry_after(3s, "busy"), OutcomeKind::retry_after, 3s, "busy"},
      {Outcome::snooze(1h), OutcomeKind::snooze, 1h, ""},
      {Outcome::yield(), OutcomeKind::yield, 0s, ""},
      {Outcome::dead(), OutcomeKind::dead, 0s, ""},
      {Outcome::dead("no such user"), OutcomeKind::dead, 0s, "no such user"},
      {Outcome::discard(), OutcomeKind::discard, 0s, ""},
  };
  for (const Case& expected : cases) {
    INFO("kind " << static_cast<int>(expected.kind));
    CHECK(expected.outcome.kind() == expected.kind);
    CHECK(expected.outcome.delay() == expected.delay);
    CHECK(expected.outcome.reason() == expected.reason);
  }
}

TEST_CASE("an outcome owns its reason and can be made at compile time", "[outcome]") {
  std::string text = "disk full";
  const Outcome outcome = Outcome::dead(text);
  text.assign(text.size(), '?');
  CHECK(outcome.reason() == "disk full");
  const Outcome copy = outcome;  // NOLINT: the copy is the point
  CHECK(copy.reason() == "disk full");
  CHECK(copy.reason().data() != outcome.reason().data());
  CHECK(std::is_trivially_copyable_v<Outcome>);
  constexpr Outcome fixed = Outcome::retry_after(2s, "later");
  STATIC_REQUIRE(fixed.delay() == 2s);
  STATIC_REQUIRE(fixed.reason() == "later");
}

TEST_CASE("a text of up to 95 bytes is kept whole, zero bytes included", "[text]") {
  CHECK(ReasonText{}.empty());
  CHECK(cut("").empty());
  const std::string full(95, 'x');
  CHECK(cut(full) == full);
  CHECK_FALSE(ReasonText(full).empty());
  using namespace std::string_view_literals;
  CHECK(cut("a\0b"sv) == "a\0b"sv);
  std::string whole(92, 'x');
  whole += "\u20ac";  // its last byte is the 95th
  CHECK(cut(whole) == whole);
}

TEST_CASE("a longer text is cut to 95 bytes without splitting a character", "[text]") {
  CHECK(cut(std::string(96, 'x')) == std::string(95, 'x'));
  CHECK(cut(std::string(100'000, 'x')) == std::string(95, 'x'));
  for (const std::string_view character : {"\u00e9", "\u20ac", "\U0001f980"}) {
    for (std::size_t before = 90; before <= 95; ++before) {
      const std::string ascii(before, 'x');
      const std::string text = ascii + std::string(character) + "and so on";
      const bool fits = before + character.size() <= 95;
      INFO(character.size() << " bytes at " << before);
      CHECK(cut(text).substr(0, before) == ascii);
      CHECK(cut(text).size() == (fits ? 95 : before));
    }
  }
  std::string crabs;
  for (int i = 0; i < 30; ++i) crabs += "\U0001f980";
  CHECK(cut(crabs) == crabs.substr(0, 92));
}

TEST_CASE("a long text that is not UTF-8 loses no more than its tail", "[text]") {
  const std::string bytes(200, '\x80');  // nothing but the middles of characters
  CHECK(cut(bytes) == bytes.substr(0, 95));
  const std::string mixed = std::string(90, 'x') + bytes;
  CHECK(cut(mixed) == mixed.substr(0, 95));
}
