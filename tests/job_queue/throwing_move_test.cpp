#include <cstddef>
#include <limits>
#include <vector>

#include "catch.hpp"
#include "windlass/dead_letter_box.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::DeadLetter;
using windlass::DeadLetterBox;
using windlass::OnHung;
using windlass::Outcome;
using windlass::testing::ManualQueue;

// Payloads that throw as they are moved or copied on their way out of the queue: the letter is kept, and nothing is
// destroyed twice or not at all.

namespace {

// Throws at the `throws_at`th move or copy from when that was set; counts who is alive.
struct Brittle {
  static inline int throws_at = 0;
  static inline int live = 0;

  int value;

  explicit Brittle(int v) : value(v) { ++live; }
  Brittle(Brittle&& other) : value(other.value) {  // NOLINT: throws on purpose
    count();
    other.value = -1;
  }
  Brittle(const Brittle& other) : value(other.value) { count(); }
  Brittle& operator=(const Brittle&) = delete;
  ~Brittle() { --live; }

 private:
  static void count() {
    if (throws_at > 0 && --throws_at == 0) throw 42;
    ++live;
  }
};

// What a sink was given: the value, or this where there was no payload.
constexpr int none = std::numeric_limits<int>::min();

int value_of(const DeadLetter<Brittle>& letter) { return letter.payload ? letter.payload->value : none; }

}  // namespace

TEST_CASE("a payload whose move to the sink throws stays in its slot and is offered again", "[dead_letter][hostile]") {
  Brittle::live = 0;
  std::vector<int> taken;
  {
    ManualQueue<Brittle> queue{
        [](const Brittle&) { return Outcome::dead(); },
        {.dead_letters = [&](DeadLetter<Brittle>&& letter) { taken.push_back(value_of(letter)); }}};
    queue.try_emplace(7).or_throw();
    Brittle::throws_at = 1;
    CHECK(queue.step() == 1);
    CHECK(taken.empty());
    CHECK(queue.stats().kept == 1);
    CHECK(queue.stats().user_errors == 1);
    CHECK(Brittle::live == 1);
    CHECK(queue.retry_kept() == 1);
    CHECK(Brittle::live == 0);
  }
  CHECK(taken == std::vector{7});
}

TEST_CASE("a payload whose move back throws after the sink has thrown is gone but its letter is not",
          "[dead_letter][hostile]") {
  Brittle::live = 0;
  std::vector<int> taken;
  {
    ManualQueue<Brittle> queue{[](const Brittle&) { return Outcome::dead(); },
                               {.dead_letters = [&](DeadLetter<Brittle>&& letter) {
                                 taken.push_back(value_of(letter));
                                 if (taken.size() == 1) throw 43;
                               }}};
    queue.try_emplace(7).or_throw();
    Brittle::throws_at = 2;
    CHECK(queue.step() == 1);
    CHECK(queue.stats().kept == 1);
    CHECK(queue.stats().user_errors == 2);
    CHECK(Brittle::live == 0);
    CHECK(queue.retry_kept() == 1);
    CHECK(queue.size_approx() == 0);
  }
  CHECK(taken == std::vector{7, none});
  CHECK(Brittle::live == 0);
}

TEST_CASE("a payload whose copy throws while a hung run has it is offered again", "[dead_letter][hostile]") {
  Brittle::live = 0;
  std::vector<int> taken;
  {
    ManualQueue<Brittle> queue{
        [](const Brittle&) {},
        {.lease = 1s,
         .on_hung = [](const windlass::HungInfo&) { return OnHung::give_up; },
         .dead_letters = [&](DeadLetter<Brittle>&& letter) { taken.push_back(value_of(letter)); }}};
    queue.try_emplace(7).or_throw();
    auto lease = queue.try_reserve();
    REQUIRE(lease);
    queue.clock().advance(1s + 1ms);
    Brittle::throws_at = 1;
    (void)queue.step();
    CHECK(taken.empty());
    CHECK(queue.stats().kept == 1);
    CHECK((*lease)->value == 7);  // the hung run still has it
    CHECK_FALSE(lease->retry());
    CHECK(Brittle::live == 1);
    CHECK(queue.retry_kept() == 1);
    CHECK(Brittle::live == 0);
  }
  CHECK(taken == std::vector{7});
}

TEST_CASE("a letter whose move into the box throws is kept and taken by the box later", "[dead_letter][hostile]") {
  Brittle::live = 0;
  DeadLetterBox<Brittle> box;
  std::vector<int> taken;
  {
    ManualQueue<Brittle> queue{[](const Brittle&) { return Outcome::dead(); }, {.dead_letters = &box}};
    queue.try_emplace(7).or_throw();
    Brittle::throws_at = 2;  // out of the slot, then into the box
    CHECK(queue.step() == 1);
    CHECK(queue.stats().kept == 1);
    CHECK(box.size() == 0);
    CHECK(Brittle::live == 1);
    CHECK(queue.retry_kept() == 1);
    CHECK(queue.stats().kept == 0);
  }
  CHECK(box.take(9, [&](DeadLetter<Brittle>&& letter) { taken.push_back(value_of(letter)); }) == 1);
  CHECK(taken == std::vector{7});
  CHECK(Brittle::live == 0);
}

TEST_CASE("of payloads that throw at every third move no letter is lost", "[dead_letter][hostile]") {
  Brittle::live = 0;
  std::vector<bool> seen(1000);
  std::size_t times = 0;
  {
    ManualQueue<Brittle> queue{[](const Brittle&) { return Outcome::dead(); },
                               {.dead_letters = [&](DeadLetter<Brittle>&& letter) {
                                 ++times;
                                 seen.at(static_cast<std::size_t>(value_of(letter))) = true;
                               }}};
    for (int n = 0; n < 1000; ++n) {
      queue.try_emplace(n).or_throw();
      if (n % 3 == 0) Brittle::throws_at = 1;
      CHECK(queue.step() == 1);
    }
    CHECK(queue.stats().kept == 334);
    CHECK(queue.retry_kept() == 334);
    CHECK(queue.stats().dead == 1000);
  }
  CHECK(times == 1000);
  CHECK(seen == std::vector<bool>(1000, true));
  CHECK(Brittle::live == 0);
}
