#include <algorithm>
#include <chrono>
#include <random>

#include "catch.hpp"
#include "puppet.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::Delivery;
using windlass::Duration;
using windlass::Outcome;
using windlass::StopReason;
using windlass::Time;
using windlass::testing::ManualQueue;

namespace {

using Queue = ManualQueue<int>;

bool extend(Puppet& run, Duration by) {
  return run.tell([=](Delivery& d) { return d.extend(by); });
}

// Moves on tick by tick until the run has lost its lease; when that was.
Time time_of_loss(const Queue& queue, Puppet& run, Time end) {
  while (run.stop_reason() != StopReason::lease_lost && queue.clock().now() < end) queue.clock().advance(1ms);
  return queue.clock().now();
}

}  // namespace

TEST_CASE("extend is false once the lease is lost, and leaves the new run alone", "[lease][extend]") {
  Queue queue{Puppet::handle, {.lease = 100ms, .retry = windlass::FixedDelay{}}};
  queue.try_enqueue(1).or_throw();
  Puppet old(queue);
  queue.clock().advance(200ms);
  REQUIRE(old.stop_reason() == StopReason::lease_lost);
  CHECK_FALSE(extend(old, 1h));  // nobody has it yet
  Puppet fresh(queue);
  const Time begun = queue.clock().now();
  queue.clock().advance(50ms);
  CHECK_FALSE(extend(old, 1h));
  CHECK(queue.stats().stale_settles == 2);
  const Duration took = time_of_loss(queue, fresh, begun + 1s) - begun;  // as if nothing had been said
  CHECK(took >= 100ms);
  CHECK(took <= 115ms);
}

TEST_CASE("extend by the new run is its own, whatever the old one says", "[lease][extend]") {
  Queue queue{Puppet::handle, {.lease = 100ms, .retry = windlass::FixedDelay{}}};
  queue.try_enqueue(1).or_throw();
  Puppet old(queue);
  queue.clock().advance(200ms);
  Puppet fresh(queue);
  CHECK(extend(fresh, 1s));
  CHECK_FALSE(extend(old, 10s));
  CHECK(extend(fresh, 1s));
  queue.clock().advance(1s - 1ms);
  CHECK(fresh.stop_reason() == StopReason::none);
  fresh.end();
  CHECK(queue.stats().done == 1);
}

TEST_CASE("extend never shortens a lease", "[lease][extend]") {
  const Duration by = GENERATE(Duration{-1h}, 0ns, 1ns, 1ms, 100ms);
  Queue queue{Puppet::handle, {.lease = 100ms}};
  queue.try_enqueue(1).or_throw();
  Puppet run(queue);
  const Time begun = queue.clock().now();
  SECTION("than a longer extend") {
    CHECK(extend(run, 2s));
    CHECK(extend(run, by));
    const Time lost = time_of_loss(queue, run, begun + 5s);
    CHECK(lost >= begun + 2s);
    CHECK(lost <= begun + 2s + 15ms);
  }
  SECTION("than it was without") {
    CHECK(extend(run, by));
    CHECK(time_of_loss(queue, run, begun + 5s) >= begun + 100ms);
  }
}

TEST_CASE("a true extend means that the job is not taken away before the new deadline", "[lease][extend]") {
  std::mt19937 random(20240607);
  const auto up_to = [&](int ms) { return std::chrono::milliseconds{std::uniform_int_distribution(0, ms)(random)}; };
  int extends = 0;
  for (int round = 0; round < 50; ++round) {
    Queue queue{Puppet::handle, {.lease = 50ms}};
    queue.try_enqueue(1).or_throw();
    Puppet run(queue);
    Time deadline = queue.clock().now() + 50ms;
    for (;;) {
      const Time next = queue.clock().now() + up_to(80);
      while (queue.clock().now() < next && run.stop_reason() == StopReason::none) queue.clock().advance(1ms);
      if (run.stop_reason() == StopReason::lease_lost) break;
      const Duration by = up_to(120);
      REQUIRE(extend(run, by));
      ++extends;
      deadline = std::max(deadline, queue.clock().now() + by);
    }
    CHECK(queue.clock().now() >= deadline);
    CHECK_FALSE(extend(run, 1s));
  }
  CHECK(extends > 50);
}

TEST_CASE("an endless extend is endless", "[lease][extend]") {
  Queue queue{Puppet::handle, {.lease = 10ms}};
  queue.try_enqueue(1).or_throw();
  Puppet run(queue);
  CHECK(extend(run, Duration::max()));
  queue.clock().advance(10s);
  CHECK(run.stop_reason() == StopReason::none);
  run.end();
  CHECK(queue.stats().expiries == 0);
}

TEST_CASE("an extend is of its run only: the next run of that worker has its own lease", "[lease][extend]") {
  Queue queue{Puppet::handle, {.lease = 100ms}};
  queue.try_enqueue(1).or_throw();
  queue.try_enqueue(2).or_throw();
  Puppet first(queue);
  CHECK(extend(first, 1h));
  first.end();
  Puppet second(queue);
  const Time begun = queue.clock().now();
  CHECK(time_of_loss(queue, second, begun + 1s) <= begun + 115ms);
}

TEST_CASE("a run that committed may extend as it likes, for it has nothing to lose", "[lease][extend]") {
  Queue queue{Puppet::handle, {.lease = 10ms}};
  queue.try_enqueue(1).or_throw();
  Puppet run(queue);
  REQUIRE(run.tell([](Delivery& d) { return d.try_commit(); }));
  queue.clock().advance(1s);
  CHECK(extend(run, 1ms));
  CHECK(queue.stats().stale_settles == 0);
}
