// A shutdown that plans anew what is due by the clock on the wall.

#include <chrono>
#include <thread>

#include "catch.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::JobQueue;
using windlass::testing::ManualClock;

namespace {

struct DailyTraits : windlass::testing::ManualTraits<> {
  static constexpr windlass::Duration tick = 24h;
};

}  // namespace

TEST_CASE("a shutdown tells the timekeeper of a wall-clock job that the clock was set to", "[shutdown][delay]") {
  const ManualClock clock;
  int ran = 0;
  JobQueue<int, DailyTraits> queue{[&](const int&) { ++ran; }, {.workers = 1, .lease = 0s}, clock};
  queue.enqueue(1, {.at = clock.wall_now() + 1h}).or_throw();  // looked at again after a second: at the next tick
  std::this_thread::sleep_for(50ms);                           // the timekeeper sleeps by now
  clock.set_wall(clock.wall_now() + 2h);
  const windlass::Report report = queue.shutdown({.grace = 1h});
  CHECK(ran == 1);
  CHECK(report.done == 1);
}
