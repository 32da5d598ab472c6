#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "windlass/detail/machines/rng.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::Duration;
using windlass::FixedDelay;
using windlass::JobQueue;
using windlass::Outcome;
using windlass::Time;
using windlass::detail::Rng;
using windlass::testing::ManualClock;
using windlass::testing::ManualQueue;

namespace {

constexpr Duration tick = 1ms;

// Writes down when each job ran.
struct Log {
  ManualClock clock;
  std::map<int, Time> ran;
  ManualQueue<int> queue{[this](int n) { ran.emplace(n, clock.now()); }, {.capacity = 8192}, clock};
};

}  // namespace

TEST_CASE("a delayed job runs at the first tick that is not before its time", "[delay]") {
  const std::vector<Duration> delays{1ns, 999'999ns, 1ms, 1'000'001ns, 63ms, 64ms, 65ms, 4096ms, 1h, 1h + 1ns};
  Log log;
  const Time begun = log.clock.now();
  int n = 0;
  for (const Duration delay : delays) log.queue.try_enqueue(n++, {.delay = delay}).or_throw();
  CHECK(log.queue.step() == 0);
  CHECK(log.queue.stats().waiting == delays.size());
  CHECK(log.queue.run_until_idle() == delays.size());
  for (const auto& [which, at] : log.ran) {
    const Duration delay = delays[static_cast<std::size_t>(which)];
    CAPTURE(delay);
    CHECK(at - begun >= delay);
    CHECK(at - begun < delay + tick);
  }
}

TEST_CASE("no delay is early and none is a tick late, whenever it begins", "[delay]") {
  constexpr std::uint64_t seed = 2024;
  Rng random{seed};
  Log log;
  std::map<int, Time> due;
  for (int n = 0; n < 4000; ++n) {
    const Duration delay{static_cast<Duration::rep>(random.next() % 100'000'000)};
    due.emplace(n, log.clock.now() + delay);
    log.queue.try_enqueue(n, {.delay = delay}).or_throw();
    // Time moves on between enqueues, by amounts that have nothing to do with ticks.
    log.clock.advance(Duration{static_cast<Duration::rep>(random.next() % 3'000'000)});
    (void)log.queue.step();
  }
  while (log.queue.stats().waiting > 0) {
    log.clock.advance(tick);
    (void)log.queue.step();
  }
  REQUIRE(log.ran.size() == due.size());
  for (const auto& [which, at] : log.ran) {
    REQUIRE(at >= due[which]);
    REQUIRE(at - due[which] < 3ms + tick);  // as far as time moved at once, and the tick
  }
}

TEST_CASE("jobs that come due in the same tick run in the order of their enqueues", "[delay]") {
  Log log;
  std::vector<int> seen;
  ManualQueue<int> queue{[&](int n) { seen.push_back(n); }};
  for (int n = 0; n < 100; ++n) queue.try_enqueue(n, {.delay = 5s}).or_throw();
  queue.clock().advance(4s);
  for (int n = 100; n < 200; ++n) queue.try_enqueue(n, {.delay = 1s}).or_throw();
  queue.clock().advance(1s);
  CHECK(queue.step() == 200);
  CHECK(std::is_sorted(seen.begin(), seen.end()));
}

TEST_CASE("a job for a wall-clock time runs then, and one for the past runs now", "[delay][at]") {
  Log log;
  const auto wall = log.clock.wall_now();
  log.queue.try_enqueue(1, {.at = wall - 1h}).or_throw();
  log.queue.try_enqueue(2, {.at = wall}).or_throw();
  log.queue.try_enqueue(3, {.at = wall + std::chrono::system_clock::duration{1}}).or_throw();
  log.queue.try_enqueue(4, {.at = wall + 1500ms}).or_throw();
  log.queue.try_enqueue(5, {.at = wall + 1h}).or_throw();
  const Time begun = log.clock.now();
  CHECK(log.queue.step() == 2);
  CHECK(log.queue.run_until_idle() == 3);
  CHECK(log.ran[1] == begun);
  CHECK(log.ran[2] == begun);
  CHECK(log.ran[3] - begun == 1ms);
  CHECK(log.ran[4] - begun == 1500ms);
  CHECK(log.ran[5] - begun == 1h);
}

TEST_CASE("when the wall clock is set forward, a job for a time now past runs within a second", "[delay][at]") {
  Log log;
  const auto wall = log.clock.wall_now();
  log.queue.try_enqueue(1, {.at = wall + 1h}).or_throw();
  log.clock.advance(10s);
  CHECK(log.queue.step() == 0);
  const Time set = log.clock.now();
  log.clock.set_wall(wall + 2h);
  log.clock.advance(1s + tick);
  CHECK(log.queue.step() == 1);
  CHECK(log.ran[1] - set <= 1s + tick);
}

TEST_CASE("when the wall clock is set back, a job waits until it shows the job's time", "[delay][at]") {
  Log log;
  const auto wall = log.clock.wall_now();
  log.queue.try_enqueue(1, {.at = wall + 10s}).or_throw();
  log.clock.advance(9s + 500ms);
  log.clock.set_wall(wall);  // half a second before it would have run
  log.clock.advance(9s + 999ms);
  CHECK(log.queue.step() == 0);
  log.clock.advance(1ms);
  CHECK(log.queue.step() == 1);
  CHECK(log.clock.wall_now() == wall + 10s);
}

TEST_CASE("setting the wall clock by an hour changes no delay, snooze, backoff or lease", "[delay][at]") {
  for (const auto by : {1h, -1h}) {
    CAPTURE(by.count());
    ManualClock clock;
    std::vector<std::pair<int, Duration>> seen;
    const Time begun = clock.now();
    ManualQueue<int> queue{[&](int n) {
                             seen.emplace_back(n, clock.now() - begun);
                             if (seen.size() <= 2) return n == 0 ? Outcome::retry() : Outcome::snooze(20s);
                             return Outcome::done();
                           },
                           {.lease = 5s, .retry = FixedDelay{10s}},
                           clock};
    queue.try_enqueue(9, {.priority = windlass::Priority::high}).or_throw();
    auto lease = queue.try_reserve();
    REQUIRE(lease);
    queue.try_enqueue(0).or_throw();
    queue.try_enqueue(1).or_throw();
    queue.try_enqueue(2, {.delay = 30s}).or_throw();
    REQUIRE(queue.step() == 2);
    clock.set_wall(clock.wall_now() + by);
    clock.advance(4s + 999ms);
    CHECK(queue.step() == 0);
    CHECK(lease->extend(0s));  // it is still there
    CHECK(lease->done());
    CHECK(queue.run_until_idle() == 3);
    CHECK(seen == std::vector<std::pair<int, Duration>>{{0, 0s}, {1, 0s}, {0, 10s}, {1, 20s}, {2, 30s}});
    CHECK(queue.stats().expiries == 0);
  }
}

TEST_CASE("a job delayed ten leases runs once", "[delay]") {
  ManualClock clock;
  int runs = 0;
  ManualQueue<int> queue{[&](int) { ++runs; }, {.lease = 1s}, clock};
  queue.try_enqueue(1, {.delay = 10s}).or_throw();
  queue.try_enqueue(2, {.at = clock.wall_now() + 10s}).or_throw();
  clock.advance(9s + 999ms);
  CHECK(queue.step() == 0);
  clock.advance(20s);
  CHECK(queue.step() == 2);
  clock.advance(20s);
  CHECK(queue.step() == 0);
  CHECK(runs == 2);
  CHECK(queue.stats().expiries == 0);
  CHECK(queue.stats().deliveries == 2);
}

TEST_CASE("a delay too long for the clock is for ever, not for now", "[delay]") {
  Log log;
  log.queue.try_enqueue(1, {.delay = Duration::max()}).or_throw();
  log.queue.try_enqueue(2, {.at = std::chrono::system_clock::time_point::max()}).or_throw();
  log.queue.try_enqueue(3, {.at = std::chrono::system_clock::time_point::min()}).or_throw();
  log.clock.advance(5s);
  CHECK(log.queue.step() == 1);
  CHECK(log.ran.contains(3));
  CHECK(log.queue.stats().waiting == 2);
}

TEST_CASE("a wall-clock time further off than a clock can count is for ever, not for now", "[delay][at]") {
  const auto end_less = [](Duration by) {
    using std::chrono::system_clock;
    return system_clock::time_point{std::chrono::duration_cast<system_clock::duration>(Duration::max() - by)};
  };
  Log log;
  log.clock.set_wall(std::chrono::system_clock::time_point{-3h});  // a machine that has lost its date
  log.queue.try_enqueue(1, {.at = end_less(2h)}).or_throw();
  log.clock.advance(5s);
  CHECK(log.queue.step() == 0);
  CHECK(log.queue.stats().waiting == 1);
  log.clock.set_wall(end_less(1h));
  log.clock.advance(5s);
  CHECK(log.queue.step() == 1);
}

TEST_CASE("a pumped queue says when it next has something to do", "[delay]") {
  Log log;
  CHECK_FALSE(log.queue.next_due());
  const Time now = log.clock.now();
  log.queue.try_enqueue(1, {.delay = 50ms}).or_throw();
  REQUIRE(log.queue.next_due());
  CHECK(*log.queue.next_due() == now + 50ms);
  log.queue.try_enqueue(2, {.delay = 20ms}).or_throw();
  CHECK(*log.queue.next_due() == now + 20ms);
  log.queue.try_enqueue(3).or_throw();
  CHECK(*log.queue.next_due() == now);
  CHECK(log.queue.run_until_idle() == 3);
  CHECK_FALSE(log.queue.next_due());
}

TEST_CASE("a timekeeper makes a delayed job ready, not early, while every worker sleeps", "[delay]") {
  std::chrono::steady_clock::time_point ran;
  JobQueue<int> queue{[&](int) { ran = std::chrono::steady_clock::now(); }};
  const auto begun = std::chrono::steady_clock::now();
  queue.enqueue(1, {.delay = 30ms}).or_throw();
  REQUIRE(queue.wait_idle_for(10s));
  CHECK(queue.stats().waiting == 1);  // idle is not empty
  REQUIRE(queue.drain_for(10s));
  CHECK(ran - begun >= 30ms);
  CHECK(queue.stats().done == 1);
}
