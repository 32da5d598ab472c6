#include <chrono>

#include "catch.hpp"
#include "puppet.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::Delivery;
using windlass::Duration;
using windlass::StopReason;
using windlass::Time;
using windlass::testing::ManualQueue;

namespace {

using Queue = ManualQueue<int>;

// Moves on tick by tick, beating at each, until the run is asked to stop for `reason`; when that was.
Time time_of_stop(const Queue& queue, Puppet& run, StopReason reason, Time end) {
  while (run.stop_reason() != reason && queue.clock().now() < end) {
    run.tell([](Delivery& d) { d.heartbeat(); });
    queue.clock().advance(1ms);
  }
  return queue.clock().now();
}

bool extend(Puppet& run, Duration by) {
  return run.tell([=](Delivery& d) { return d.extend(by); });
}

}  // namespace

TEST_CASE("a run that lives on is asked to stop at max_runtime, and a lease later has lost its job", "[max_runtime]") {
  Queue queue{Puppet::handle, {.lease = 100ms, .max_runtime = 1s, .retry = windlass::FixedDelay{}}};
  queue.try_enqueue(1).or_throw();
  Puppet run(queue);
  const Time begun = queue.clock().now();
  const Duration asked = time_of_stop(queue, run, StopReason::max_runtime, begun + 5s) - begun;
  CHECK(asked >= 1s);
  CHECK(asked <= 1s + 15ms);
  CHECK_FALSE(extend(run, 1h));
  CHECK(queue.stats().expiries == 0);
  const Time end = queue.clock().now() + 1s;
  while (queue.stats().expiries == 0 && queue.clock().now() < end) {
    run.tell([](Delivery& d) { d.heartbeat(); });
    queue.clock().advance(1ms);
  }
  CHECK(queue.clock().now() - begun >= 1s);
  CHECK(queue.clock().now() - begun <= 1s + asked / 8 + 115ms);
  CHECK(run.stop_reason() == StopReason::max_runtime);  // the first reason stands
  CHECK(queue.step() == 1);                             // somebody else has it
  CHECK(queue.stats().done == 1);
}

TEST_CASE("an extend that max_runtime refuses is counted as stale once the lease is lost too, and not before",
          "[max_runtime]") {
  Queue queue{Puppet::handle, {.lease = 100ms, .max_runtime = 1s, .retry = windlass::FixedDelay{}}};
  queue.try_enqueue(1).or_throw();
  Puppet run(queue);
  time_of_stop(queue, run, StopReason::max_runtime, queue.clock().now() + 5s);
  CHECK_FALSE(extend(run, 1h));
  CHECK(queue.stats().stale_settles == 0);
  queue.clock().advance(200ms);
  REQUIRE(queue.stats().expiries == 1);
  CHECK_FALSE(extend(run, 1h));
  CHECK(queue.stats().stale_settles == 1);
  Puppet newer(queue);
  CHECK_FALSE(extend(run, 1h));
  CHECK(queue.stats().stale_settles == 2);
  CHECK(extend(newer, 1ms));
  CHECK(queue.stats().stale_settles == 2);
}

TEST_CASE("a run that heeds max_runtime keeps its job until it has settled", "[max_runtime]") {
  Queue queue{Puppet::handle, {.lease = 100ms, .max_runtime = 1s}};
  queue.try_enqueue(1).or_throw();
  Puppet run(queue);
  time_of_stop(queue, run, StopReason::max_runtime, queue.clock().now() + 5s);
  REQUIRE(run.stop_reason() == StopReason::max_runtime);
  queue.clock().advance(50ms);
  run.end(windlass::Outcome::snooze(1s));
  const auto stats = queue.stats();
  CHECK(stats.snoozes == 1);
  CHECK(stats.stale_settles == 0);
  CHECK(stats.expiries == 0);
}

TEST_CASE("max_runtime counts each run by itself", "[max_runtime]") {
  Queue queue{Puppet::handle, {.lease = 10ms, .max_runtime = 100ms}};
  queue.try_enqueue(1).or_throw();
  for (int i = 0; i < 5; ++i) {
    Puppet run(queue);
    const Time end = queue.clock().now() + 95ms;
    CHECK(time_of_stop(queue, run, StopReason::max_runtime, end) == end);
    run.end(windlass::Outcome::yield());
  }
}

TEST_CASE("a job's own max_runtime goes before its queue's", "[max_runtime]") {
  Queue queue{Puppet::handle, {.lease = 100ms, .max_runtime = 1s}};
  queue.try_enqueue(1, {.max_runtime = 300ms}).or_throw();
  queue.try_enqueue(2, {.max_runtime = 0s}).or_throw();
  Puppet soon(queue);
  Puppet never(queue);
  const Time begun = queue.clock().now();
  Duration asked{};
  while (queue.clock().now() < begun + 3s) {
    for (Puppet* run : {&soon, &never}) run->tell([](Delivery& d) { d.heartbeat(); });
    queue.clock().advance(1ms);
    if (asked == 0s && soon.stop_reason() != StopReason::none) asked = queue.clock().now() - begun;
  }
  CHECK(asked >= 300ms);
  CHECK(asked <= 315ms);
  CHECK(never.stop_reason() == StopReason::none);
}

TEST_CASE("max_runtime needs no lease", "[max_runtime]") {
  const bool of_job = GENERATE(false, true);
  Queue queue{Puppet::handle, {.lease = 0s, .max_runtime = of_job ? 0s : 1s}};
  queue.try_enqueue(1, {.max_runtime = 1s}).or_throw();
  Puppet run(queue);
  const Time begun = queue.clock().now();
  const Duration asked = time_of_stop(queue, run, StopReason::max_runtime, begun + 5s) - begun;
  CHECK(asked >= 1s);
  CHECK(asked <= 1s + 125ms + 2ms);
  queue.clock().advance(10s);
  CHECK(queue.stats().expiries == 0);  // without a lease nothing is lost
}

TEST_CASE("max_runtime is as exact in a queue with long leases", "[max_runtime]") {
  Queue queue{Puppet::handle, {.lease = 30s, .max_runtime = 200ms}};
  queue.try_enqueue(1).or_throw();
  Puppet run(queue);
  const Time begun = queue.clock().now();
  const Duration asked = time_of_stop(queue, run, StopReason::max_runtime, begun + 5s) - begun;
  CHECK(asked >= 200ms);
  CHECK(asked <= 227ms);
}

TEST_CASE("a run that was told of a cancel cannot extend beyond max_runtime either", "[max_runtime][cancel]") {
  const bool has_lease = GENERATE(true, false);
  Queue queue{Puppet::handle, {.lease = has_lease ? 100ms : 0ms, .max_runtime = 1s}};
  const auto id = queue.try_enqueue(1).or_throw();
  Puppet run(queue);
  queue.clock().advance(50ms);
  CHECK(queue.cancel(id) == windlass::CancelResult::requested);
  CHECK(extend(run, 100ms));
  const Time end = queue.clock().now() + 1s;
  while (queue.clock().now() < end) {
    run.tell([](Delivery& d) { d.heartbeat(); });
    queue.clock().advance(1ms);
  }
  CHECK(run.stop_reason() == StopReason::user);  // the first reason stands
  CHECK(queue.stats().expiries == 0);
  CHECK_FALSE(extend(run, 1h));
  queue.clock().advance(1s);
  CHECK(queue.stats().expiries == (has_lease ? 1 : 0));
}
