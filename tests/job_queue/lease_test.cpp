#include <chrono>
#include <optional>
#include <string>

#include "catch.hpp"
#include "hooked.hpp"
#include "puppet.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::ConfigError;
using windlass::Delivery;
using windlass::Duration;
using windlass::EnqueueError;
using windlass::StopReason;
using windlass::testing::ManualClock;
using windlass::testing::ManualQueue;
using windlass::testing::ManualTraits;

namespace {

using Queue = ManualQueue<int>;

constexpr Duration tick = 1ms;

// Moves on tick by tick until `queue` counts one more expiry, at most for `limit`; how long that took.
template <class AnyQueue>
std::optional<Duration> time_to_expiry(AnyQueue& queue, Duration limit) {
  const auto before = queue.stats().expiries;
  for (Duration took = tick; took <= limit; took += tick) {
    queue.clock().advance(tick);
    if (queue.stats().expiries != before) return took;
  }
  return std::nullopt;
}

void check_in_window(std::optional<Duration> took, Duration lease) {
  REQUIRE(took);
  INFO("lease " << lease.count() << " ns, took " << took->count());
  CHECK(*took >= lease);
  CHECK(*took <= lease + lease / 8 + 2 * tick);
}

template <class Construct>
std::string field_of(Construct construct) {
  try {
    construct();
  } catch (const ConfigError& error) {
    return std::string{error.field()};
  }
  return "accepted";
}

struct SlowTicks : windlass::DefaultTraits {
  static constexpr Duration tick = 10ms;
};

}  // namespace

TEST_CASE("a lease expires after its length and at most an eighth and two ticks more", "[lease]") {
  const Duration lease = GENERATE(Duration{1ms}, 2ms, 10ms, 33ms, 100ms, 1s, 30s);
  for (int phase = 0; phase < 10; ++phase) {
    Queue queue{Puppet::handle, {.lease = lease}};
    queue.try_enqueue(0, {.lease = 0s}).or_throw();
    const Puppet other(queue);  // so the watch is on its rounds
    queue.clock().advance(lease + phase * lease / 10, tick / 10);
    queue.try_enqueue(1).or_throw();
    Puppet run(queue);
    check_in_window(time_to_expiry(queue, 2 * lease + 3 * tick), lease);
    CHECK(run.stop_reason() == StopReason::lease_lost);
  }
}

TEST_CASE("a job with a lease of 100 ms in a queue of 30 s ones expires as exactly, whenever it comes", "[lease]") {
  const Duration before = GENERATE(Duration{0}, 1ms, 999ms, 1s, 3700ms);
  Queue queue{Puppet::handle, {.lease = 30s}};
  queue.try_enqueue(0).or_throw();
  const Puppet long_one(queue);
  queue.clock().advance(before);
  queue.try_enqueue(1, {.lease = 100ms}).or_throw();
  Puppet run(queue);
  check_in_window(time_to_expiry(queue, 1s), 100ms);
  CHECK(run.stop_reason() == StopReason::lease_lost);
}

TEST_CASE("a job with a longer lease than its queue's has that", "[lease]") {
  Queue queue{Puppet::handle, {.lease = 10ms}};
  queue.try_enqueue(0, {.lease = 800ms}).or_throw();
  Puppet run(queue);
  check_in_window(time_to_expiry(queue, 2s), 800ms);
}

TEST_CASE("a lease of zero is none, for a job and for a queue", "[lease]") {
  const bool of_queue = GENERATE(true, false);
  Queue queue{Puppet::handle, {.lease = of_queue ? 0ms : 10ms}};
  queue.try_enqueue(0, {.lease = of_queue ? std::nullopt : std::optional<Duration>{0ms}}).or_throw();
  Puppet endless(queue);
  queue.try_enqueue(1, {.lease = 10ms}).or_throw();  // the watch works
  Puppet hung(queue);
  queue.clock().advance(1s);
  CHECK(queue.stats().expiries == 1);
  CHECK(hung.stop_reason() == StopReason::lease_lost);
  queue.clock().advance(10s);
  CHECK(queue.stats().expiries == 1);
  CHECK(endless.stop_reason() == StopReason::none);
  endless.end();
  CHECK(queue.stats().done == 1);
}

TEST_CASE("a lease shorter than a tick is refused, not rounded", "[lease]") {
  CHECK(field_of([] { Queue{Puppet::handle, {.lease = tick - 1ns}}; }) == "lease");
  CHECK(field_of([] { Queue{Puppet::handle, {.lease = 1ns}}; }) == "lease");
  CHECK(field_of([] { Queue{Puppet::handle, {.lease = -1ns}}; }) == "lease");
  CHECK(field_of([] { Queue{Puppet::handle, {.lease = tick}}; }) == "accepted");
  CHECK(field_of([] { Queue{Puppet::handle, {.lease = 0ns}}; }) == "accepted");
  using Slow = ManualQueue<int, ManualTraits<SlowTicks>>;
  CHECK(field_of([] { Slow{Puppet::handle, {.lease = 10ms - 1ns}}; }) == "lease");
  CHECK(field_of([] { Slow{Puppet::handle, {.lease = 10ms}}; }) == "accepted");

  Queue queue{Puppet::handle};
  const auto refused = queue.try_enqueue(1, {.lease = tick - 1ns});
  CHECK(refused.error() == EnqueueError::invalid_options);
  CHECK(refused.field() == "lease");
  CHECK(queue.try_enqueue(1, {.lease = tick}));
  CHECK(queue.try_enqueue(1, {.lease = 0ns}));
}

TEST_CASE("a job that waits for its turn does not use up its lease", "[lease]") {
  Queue queue{Puppet::handle, {.lease = 100ms}};
  queue.try_enqueue(0, {.lease = 0s}).or_throw();
  queue.try_enqueue(1).or_throw();
  queue.try_enqueue(2, {.delay = 1s}).or_throw();
  const Puppet busy(queue);        // so the watch looks
  queue.clock().advance(1s + 2s);  // 30 leases ready, and ten delayed before
  CHECK(queue.stats().expiries == 0);
  for (int job = 1; job <= 2; ++job) {
    Puppet run(queue);
    queue.clock().advance(99ms);
    CHECK(run.stop_reason() == StopReason::none);
    run.end();
  }
  CHECK(queue.stats().done == 2);
  CHECK(queue.stats().expiries == 0);
}

TEST_CASE("a job that was popped but not started cannot expire", "[lease]") {
  ManualQueue<int, ManualTraits<HookedTraits>> queue{Puppet::handle, {.lease = 100ms}};
  queue.try_enqueue(0, {.lease = 0s}).or_throw();
  const Puppet other(queue);  // so the watch is on its rounds
  queue.try_enqueue(1).or_throw();
  queue.clock().advance(1s);
  const auto wait = [&] { queue.clock().advance(5s); };
  SECTION("before it is leased") {
    const Interruption here("word.swap", 1, wait);
    CHECK(queue.run_one());
    CHECK(here.has_happened());
  }
  SECTION("when it is leased, but its run does not show yet") {
    std::optional<Interruption> here;  // the next thing that is read is the job's name
    const Interruption before("word.swap", 1, [&] { here.emplace("load", 1, wait); });
    CHECK(queue.run_one());
    CHECK(here->has_happened());
  }
  CHECK(queue.stats().expiries == 0);
  CHECK(queue.stats().done == 1);
}

TEST_CASE("a handler that says so now and then runs 100 leases long in one delivery", "[lease]") {
  const bool beats = GENERATE(true, false);
  Queue queue{Puppet::handle, {.lease = 100ms}};
  queue.try_enqueue(1).or_throw();
  Puppet run(queue);
  bool extended = true;
  for (Duration lasted{}; lasted < 10s; lasted += 99ms) {
    run.tell([&](Delivery& d) {
      if (beats) {
        d.heartbeat();
      } else {
        extended = d.extend(100ms) && extended;
      }
    });
    queue.clock().advance(99ms);
  }
  CHECK(extended);
  CHECK(run.stop_reason() == StopReason::none);
  check_in_window(time_to_expiry(queue, 1s).value_or(0s) + 99ms,
                  100ms);  // and one lease after the last time it is lost
  CHECK(run.tell([](Delivery& d) { return d.attempt(); }) == 1);
  run.end(windlass::Outcome::retry());
  CHECK(queue.stats().stale_settles == 1);
}

TEST_CASE("a handler that says so until it is done is done", "[lease]") {
  Queue queue{Puppet::handle, {.lease = 10ms}};
  queue.try_enqueue(1).or_throw();
  Puppet run(queue);
  for (int i = 0; i < 1000; ++i) {
    run.tell([](Delivery& d) { d.heartbeat(); });
    queue.clock().advance(9ms);
  }
  run.end();
  const auto stats = queue.stats();
  CHECK(stats.done == 1);
  CHECK(stats.deliveries == 1);
  CHECK(stats.expiries == 0);
}
