#include <chrono>
#include <optional>
#include <utility>

#include "catch.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::CancelResult;
using windlass::Duration;
using windlass::FixedDelay;
using windlass::StopReason;
using windlass::Time;
using windlass::testing::ManualQueue;

// max_runtime for leases that are pulled by hand: what it does for a run, see max_runtime_test.cpp.

namespace {

using Queue = ManualQueue<int>;
using Lease = Queue::Lease;

Lease pull(Queue& queue) {
  auto reserved = queue.try_reserve();
  REQUIRE(reserved);
  return std::move(*reserved);
}

// Moves on tick by tick, extending by `by` at each, until the lease says `reason`; how long that took, at most `limit`.
Duration time_until(StopReason reason, const Queue& queue, Lease& lease, Duration limit, Duration by = {}) {
  const Time begun = queue.clock().now();
  while (lease.stop_reason() != reason && queue.clock().now() < begun + limit) {
    if (by > 0s) lease.extend(by);
    queue.clock().advance(1ms);
  }
  return queue.clock().now() - begun;
}

}  // namespace

TEST_CASE("a pulled lease that is extended for ever is asked to stop at max_runtime, and ends a lease later",
          "[pulled][max_runtime]") {
  const bool of_job = GENERATE(false, true);
  Queue queue{{.lease = 100ms, .max_runtime = of_job ? 1h : 1s, .retry = FixedDelay{}}};
  queue.clock().advance(300us);
  queue.try_enqueue(1, {.max_runtime = of_job ? std::optional<Duration>(1s) : std::nullopt}).or_throw();
  queue.clock().advance(1h, 1s);  // it counts from when it is pulled
  Lease lease = pull(queue);
  const Duration asked = time_until(StopReason::max_runtime, queue, lease, 5s, 100ms);
  CHECK(asked >= 1s);
  CHECK(asked <= 1s + 2ms);
  CHECK(lease.stop_requested());
  CHECK_FALSE(lease.extend(1h));
  CHECK(queue.stats().stale_settles == 0);  // it is not lost
  CHECK(queue.stats().expiries == 0);
  queue.clock().advance(98ms);  // the last extend was a tick before
  CHECK(queue.stats().expiries == 0);
  CHECK_FALSE(lease.extend(1h));
  queue.clock().advance(2ms);
  CHECK(queue.stats().expiries == 1);
  CHECK(lease.stop_reason() == StopReason::max_runtime);  // the first reason stands
  CHECK(queue.stats().stale_settles == 0);
  CHECK_FALSE(lease.extend(1h));
  CHECK(queue.stats().stale_settles == 1);  // now it is, as for a run
  CHECK(pull(queue).done());
  CHECK_FALSE(lease.extend(1h));
  CHECK_FALSE(lease.done());
}

TEST_CASE("a pulled lease whose max_runtime ends together with it says max_runtime, and is lost",
          "[pulled][max_runtime]") {
  Queue queue{{.lease = 100ms, .max_runtime = 100ms}};
  queue.try_enqueue(1).or_throw();
  const Lease lease = pull(queue);
  queue.clock().advance(101ms);
  CHECK(lease.stop_reason() == StopReason::max_runtime);  // as for a run
  CHECK(queue.stats().expiries == 1);
}

TEST_CASE("an extend that was granted before max_runtime is kept after it", "[pulled][max_runtime]") {
  Queue queue{{.lease = 100ms, .max_runtime = 1s}};
  queue.try_enqueue(1).or_throw();
  Lease lease = pull(queue);
  CHECK(lease.extend(3s));
  CHECK(time_until(StopReason::max_runtime, queue, lease, 5s) <= 1s + 2ms);
  CHECK_FALSE(lease.extend(1h));
  queue.clock().advance(1990ms);
  CHECK(queue.stats().expiries == 0);
  queue.clock().advance(12ms);
  CHECK(queue.stats().expiries == 1);
}

TEST_CASE("a pulled lease that heeds max_runtime keeps its job until it has settled", "[pulled][max_runtime]") {
  Queue queue{{.capacity = 1, .lease = 100ms, .max_runtime = 50ms}};
  queue.try_enqueue(1).or_throw();
  Lease lease = pull(queue);
  queue.clock().advance(51ms);
  REQUIRE(lease.stop_reason() == StopReason::max_runtime);
  queue.clock().advance(40ms);
  CHECK(lease.snooze(1s));
  CHECK(queue.stats().snoozes == 1);
  CHECK(queue.stats().stale_settles == 0);
  CHECK(queue.stats().expiries == 0);
  CHECK(*queue.next_due() == queue.clock().now() + 1s);  // and leaves no alarm
}

TEST_CASE("max_runtime counts each pulled lease of a job by itself", "[pulled][max_runtime]") {
  Queue queue{{.capacity = 1, .lease = 10ms, .max_runtime = 100ms}};
  queue.try_enqueue(1).or_throw();
  for (int i = 0; i < 5; ++i) {
    Lease lease = pull(queue);
    CHECK(time_until(StopReason::max_runtime, queue, lease, 95ms, 10ms) == 95ms);
    if (i == 3) CHECK(time_until(StopReason::max_runtime, queue, lease, 10ms, 10ms) <= 6ms);  // nor is it remembered
    CHECK(lease.snooze(0s));
  }
}

TEST_CASE("a job's own max_runtime goes before its queue's, pulled too", "[pulled][max_runtime]") {
  Queue queue{{.lease = 10s, .max_runtime = 1s}};
  queue.try_enqueue(1, {.max_runtime = 300ms}).or_throw();
  queue.try_enqueue(2, {.max_runtime = 0s}).or_throw();
  Lease soon = pull(queue);
  Lease never = pull(queue);
  const Duration asked = time_until(StopReason::max_runtime, queue, soon, 5s);
  CHECK(asked >= 300ms);
  CHECK(asked <= 302ms);
  queue.clock().advance(5s);
  CHECK(never.stop_reason() == StopReason::none);
  CHECK(never.extend(1s));
}

TEST_CASE("max_runtime needs no lease, pulled too", "[pulled][max_runtime]") {
  const bool of_job = GENERATE(false, true);
  Queue queue{{.lease = 0s, .max_runtime = of_job ? 0s : 1s}};
  queue.try_enqueue(1, {.max_runtime = 1s}).or_throw();
  Lease lease = pull(queue);
  CHECK(lease.extend(1ms));
  const Duration asked = time_until(StopReason::max_runtime, queue, lease, 5s);
  CHECK(asked >= 1s);
  CHECK(asked <= 1s + 2ms);
  CHECK_FALSE(lease.extend(1s));
  queue.clock().advance(10s);
  CHECK(queue.stats().expiries == 0);  // without a lease nothing is lost
  CHECK_FALSE(lease.extend(1s));
  CHECK(lease.done());
}

TEST_CASE("a standstill does not count as runtime of a pulled lease", "[pulled][max_runtime][standstill]") {
  const Duration lease_length = GENERATE(Duration{0}, 2s);
  const Duration before = GENERATE(Duration{0}, 1ms, 900ms);
  Queue queue{{.lease = lease_length, .max_runtime = 1s}};
  queue.try_enqueue(1).or_throw();
  Lease lease = pull(queue);
  queue.clock().advance(before);
  queue.clock().jump(3s);
  CHECK(lease.stop_reason() == StopReason::none);
  CHECK(lease.extend(2s));
  const Duration asked = time_until(StopReason::max_runtime, queue, lease, 9s) + before;
  CHECK(asked >= 1s - Duration{1s} / 16);  // a standstill counts as one look, of which there are sixteen
  CHECK(asked <= 1s + 2ms);
  CHECK(queue.stats().expiries == 0);
}

TEST_CASE("a committed lease is asked to stop at max_runtime, and never loses its job", "[pulled][max_runtime]") {
  Queue queue{{.lease = 100ms, .max_runtime = 1s}};
  queue.try_enqueue(1).or_throw();
  Lease lease = pull(queue);
  CHECK(lease.try_commit());
  const Duration asked = time_until(StopReason::max_runtime, queue, lease, 5s);
  CHECK(asked >= 1s);
  CHECK(asked <= 1s + 2ms);
  CHECK(lease.extend(1s));  // as for a run: nobody takes it away
  queue.clock().advance(5s);
  CHECK(queue.stats().expiries == 0);
  CHECK(lease.done());
}

TEST_CASE("a lost or cancelled lease says so, and max_runtime does not change that", "[pulled][max_runtime]") {
  Queue queue{{.lease = 100ms, .max_runtime = 200ms}};
  const auto id = queue.try_enqueue(1).or_throw();
  Lease lease = pull(queue);
  StopReason expected = StopReason::lease_lost;
  SECTION("lost") {}
  SECTION("cancelled") {
    CHECK(queue.cancel(id) == CancelResult::requested);
    expected = StopReason::user;
    CHECK(lease.extend(1s));
    queue.clock().advance(150ms);
    CHECK(lease.extend(1s));  // a cancelled lease may be extended, to tidy up; not without end
    queue.clock().advance(51ms);
    CHECK_FALSE(lease.extend(1s));
    CHECK(lease.stop_reason() == StopReason::user);
    CHECK_FALSE(lease.try_commit());
    return;
  }
  queue.clock().advance(101ms);
  CHECK(lease.stop_reason() == expected);
  queue.clock().advance(1s);
  CHECK(lease.stop_reason() == expected);
}
