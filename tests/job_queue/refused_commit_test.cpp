#include <chrono>
#include <windlass/testing.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using windlass::testing::ManualClock;
using windlass::testing::ManualQueue;

namespace {

windlass::QueueOptions<int> short_lease() { return {.capacity = 4, .lease = 10ms, .retry = windlass::FixedDelay{}}; }

}  // namespace

TEST_CASE("a success after a refused commit ends no job: it has had no effect", "[commit]") {
  ManualClock clock;
  ManualQueue<int> queue{short_lease(), clock};
  queue.enqueue(1).or_throw();
  auto lease = queue.try_reserve();
  REQUIRE(lease);
  clock.advance(12ms);
  REQUIRE(queue.stats().expiries == 1);

  CHECK_FALSE(lease->try_commit());
  CHECK_FALSE(lease->done());
  CHECK(queue.stats().done == 0);
  CHECK(queue.stats().late_successes == 0);

  auto again = queue.try_reserve();
  REQUIRE(again);
  CHECK(again->attempt() == 2);
  CHECK(again->try_commit());
  CHECK(again->done());
  CHECK(queue.stats().done == 1);
}

TEST_CASE("a success without a commit still counts if it comes before the redelivery", "[commit]") {
  ManualClock clock;
  ManualQueue<int> queue{short_lease(), clock};
  queue.enqueue(1).or_throw();
  auto lease = queue.try_reserve();
  REQUIRE(lease);
  clock.advance(12ms);
  REQUIRE(queue.stats().expiries == 1);
  CHECK(lease->done());
  CHECK(queue.stats().late_successes == 1);
  CHECK(queue.stats().done == 1);
}

TEST_CASE("a job that was cancelled before its commit is counted as cancelled, whatever its handler says", "[commit]") {
  for (const auto& outcome : {windlass::Outcome::done(), windlass::Outcome::discard()}) {
    ManualQueue<int>* self = nullptr;
    ManualQueue<int> queue{[&](const int&, windlass::Delivery& delivery) {
      CHECK(self->cancel(delivery.id()) == windlass::CancelResult::requested);
      CHECK_FALSE(delivery.try_commit());
      return outcome;
    }};
    self = &queue;
    queue.enqueue(1).or_throw();
    CHECK(queue.step() == 1);
    CHECK(queue.stats().cancelled == 1);
    CHECK(queue.stats().done == 0);
    CHECK(queue.stats().discarded == 0);
    CHECK(queue.stats().present == 0);
  }
}
