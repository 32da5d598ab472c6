#include "windlass/dead_letter.hpp"

#include <memory>
#include <utility>

#include "catch.hpp"
#include "windlass/dead_letter_box.hpp"

using windlass::DeadLetter;
using windlass::DeadLetterBox;
using windlass::DeadReason;

namespace {

using Sink = windlass::DeadLetterSink<int>;

DeadLetter<int> letter() { return {.id = windlass::JobId{1, 0, 1}, .payload = 7}; }

}  // namespace

TEST_CASE("no sink is told from one, and a null box is no sink", "[dead]") {
  CHECK_FALSE(Sink{});
  CHECK_FALSE(Sink{static_cast<DeadLetterBox<int>*>(nullptr)});
  CHECK(Sink{[](const DeadLetter<int>&) {}});
}

TEST_CASE("a sink that is a box hands letters over and reports when the box will not", "[dead]") {
  DeadLetterBox<int> box(1);
  const Sink sink{&box};
  CHECK(sink(letter()));
  CHECK(box.size() == 1);
  int refused = 0;
  box.inspect(1, [&](const DeadLetter<int>& seen) { refused += seen.payload == 7 && !sink(letter()) ? 1 : 0; });
  CHECK(refused == 1);
}

TEST_CASE("a sink may be any callable, move-only captures and exceptions included", "[dead]") {
  int sum = 0;
  const Sink sink{[&sum, own = std::make_unique<int>(35)](DeadLetter<int>&& dead) { sum += *dead.payload + *own; }};
  CHECK(sink(letter()));
  CHECK(sum == 42);
  Sink moved{[&sum](const DeadLetter<int>&) { throw sum; }};
  const Sink throwing{std::move(moved)};
  CHECK_FALSE(moved);  // NOLINT: empty by contract
  CHECK_THROWS_AS(throwing(letter()), int);
}

TEST_CASE("every reason for a death has its name", "[dead]") {
  CHECK(to_string(DeadReason::failures_exhausted) == "failures_exhausted");
  CHECK(to_string(DeadReason::deliveries_exhausted) == "deliveries_exhausted");
  CHECK(to_string(DeadReason::hung) == "hung");
  CHECK(to_string(DeadReason::rejected) == "rejected");
  CHECK(to_string(DeadReason::abandoned) == "abandoned");
  CHECK(to_string(DeadReason::failed_after_commit) == "failed_after_commit");
  CHECK(to_string(static_cast<DeadReason>(200)) == "unknown");
}
