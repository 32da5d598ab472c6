#include <chrono>

#include "catch.hpp"
#include "windlass/delivery.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::Delivery;
using windlass::Duration;
using windlass::Outcome;
using windlass::testing::ManualClock;
using windlass::testing::ManualQueue;

// A job for a wall-clock time that is past at its enqueue is a job like any other: that time has no say any more.

namespace {

Outcome fail_once(const int& /*payload*/, Delivery& delivery) {
  return delivery.attempt() == 1 ? Outcome::retry_after(1s) : Outcome::done();
}

}  // namespace

TEST_CASE("a job whose wall-clock time was past at its enqueue keeps its backoff when a shutdown begins",
          "[delay][at][shutdown]") {
  const ManualClock clock;
  ManualQueue<int> queue{fail_once, {}, clock};
  queue.enqueue(0, {.at = clock.wall_now() - 1h}).or_throw();
  CHECK(queue.step() == 1);
  const auto report = queue.shutdown({.grace = 100ms});
  CHECK(report.done == 0);  // its backoff is longer than the grace
  CHECK(report.abandoned == 1);
}

TEST_CASE("a job whose wall-clock time was past at its enqueue comes back when the clock is set back", "[delay][at]") {
  const ManualClock clock;
  ManualQueue<int> queue{fail_once, {}, clock};
  queue.enqueue(0, {.at = clock.wall_now() - 1min}).or_throw();
  CHECK(queue.step() == 1);
  clock.set_wall(clock.wall_now() - 1h);
  clock.advance(1s);
  CHECK(queue.step() == 1);
  CHECK(queue.stats().done == 1);
}
