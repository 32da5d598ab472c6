#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "signal.hpp"
#include "tracked.hpp"
#include "windlass/testing.hpp"
#include "windlass/windlass.hpp"

using namespace std::chrono_literals;
using windlass::CancelResult;
using windlass::Duration;
using windlass::FixedDelay;
using windlass::HungInfo;
using windlass::JobQueue;
using windlass::OnHung;
using windlass::StopReason;
using windlass::Time;
using windlass::testing::ManualQueue;

namespace {

using Queue = ManualQueue<Tracked>;
using Lease = Queue::Lease;

Lease pull(Queue& queue) {
  auto reserved = queue.try_reserve();
  REQUIRE(reserved);
  return std::move(*reserved);
}

// Moves on tick by tick until the lease is lost; when that was.
Time time_of_loss(const Queue& queue, const Lease& lease, Time end) {
  while (lease.stop_reason() != StopReason::lease_lost && queue.clock().now() < end) queue.clock().advance(1ms);
  return queue.clock().now();
}

}  // namespace

TEST_CASE("a pulled lease expires at its end, rounded up to a tick", "[pulled]") {
  const Duration lease = GENERATE(Duration{1ms}, 1500us, 100ms, 30s);
  const bool of_job = GENERATE(false, true);
  Queue queue{{.lease = of_job ? 30s : lease}};
  queue.clock().advance(300us);
  queue.try_emplace_with({.lease = of_job ? std::optional(lease) : std::nullopt}, 1).or_throw();
  queue.clock().advance(1h, 1s);  // it counts from when it is pulled
  const Lease pulled = pull(queue);
  const Time begun = queue.clock().now();
  const Duration took = time_of_loss(queue, pulled, begun + 2 * lease + 10ms) - begun;
  CHECK(took >= lease);
  CHECK(took <= lease + 2ms);
  CHECK(queue.stats().expiries == 1);
}

TEST_CASE("a pulled lease of zero never expires", "[pulled]") {
  Queue queue{{.lease = 10ms}};
  queue.try_emplace_with({.lease = 0s}, 1).or_throw();
  queue.try_emplace(2).or_throw();
  Lease endless = pull(queue);
  const Lease lost = pull(queue);
  queue.clock().advance(10s);
  CHECK(lost.stop_reason() == StopReason::lease_lost);
  CHECK(endless.stop_reason() == StopReason::none);
  CHECK(endless.extend(10ms));  // and an extend gives it no end
  queue.clock().advance(10s);
  CHECK(endless.done());
}

TEST_CASE("a lost job goes to the next who pulls, and the first one's word counts for nothing", "[pulled]") {
  Tracked::reset();
  std::vector<HungInfo> told;
  windlass::QueueOptions<Tracked> options{.capacity = 1, .lease = 100ms, .retry = FixedDelay{}};
  options.on_hung = [&](const HungInfo& info) {
    told.push_back(info);
    return OnHung::redeliver;
  };
  Queue queue{std::move(options)};
  queue.try_emplace(7).or_throw();
  Lease first = pull(queue);
  queue.clock().advance(101ms);
  Lease second = pull(queue);
  CHECK(second.attempt() == 2);
  CHECK(second.id() == first.id());
  CHECK(told.size() == 1);
  CHECK(queue.stats().redeliveries == 1);
  CHECK_FALSE(first.extend(1h));
  CHECK_FALSE(first.try_commit());
  CHECK(first.stop_reason() == StopReason::lease_lost);
  CHECK(second.stop_reason() == StopReason::none);
  CHECK(second.done());
  CHECK(first->value == 7);  // it may still be read
  CHECK_FALSE(queue.try_emplace(8));
  CHECK_FALSE(first.done());
  CHECK(queue.stats().stale_settles == 3);
  CHECK(queue.stats().done == 1);
  CHECK(Tracked::live == 0);
  CHECK(queue.try_emplace(8));
}

TEST_CASE("a pulled lease that is extended holds until its new end, and is never shortened", "[pulled]") {
  Queue queue{{.lease = 100ms}};
  queue.try_emplace(1).or_throw();
  Lease lease = pull(queue);
  const Time begun = queue.clock().now();
  for (int i = 0; i < 100; ++i) {  // 100 leases long
    CHECK(lease.extend(100ms));
    queue.clock().advance(99ms);
  }
  CHECK(lease.extend(3s));
  CHECK(lease.extend(GENERATE(Duration{-1h}, 0s, 1s)));
  const Time end = queue.clock().now() + 3s;
  const Time lost = time_of_loss(queue, lease, end + 1s);
  CHECK(lost >= end);
  CHECK(lost <= end + 2ms);
  CHECK_FALSE(lease.extend(1h));
  CHECK(lost - begun >= 12s);
}

TEST_CASE("a settled lease leaves no alarm to whoever has the slot next", "[pulled]") {
  Queue queue{{.capacity = 1, .lease = 100ms}};
  queue.try_emplace(1).or_throw();
  CHECK(pull(queue).done());
  CHECK_FALSE(queue.next_due());
  queue.try_emplace_with({.lease = 10s}, 2).or_throw();
  Lease next = pull(queue);
  queue.clock().advance(9s);
  CHECK(next.stop_reason() == StopReason::none);
  CHECK(next.done());
  CHECK(queue.stats().expiries == 0);
}

TEST_CASE("more leases than the planner takes at once expire at the same tick", "[pulled]") {
  Queue queue{{.capacity = 1000, .lease = 100ms}};
  std::vector<Lease> leases;
  for (int i = 0; i < 1000; ++i) {
    queue.try_emplace(i).or_throw();
    leases.push_back(pull(queue));
  }
  queue.clock().advance(99ms);
  CHECK(queue.stats().expiries == 0);
  queue.clock().advance(1ms);
  CHECK(queue.stats().expiries == 1000);
}

TEST_CASE("a late success of a pulled lease counts while nobody has its job, wherever it lies", "[pulled]") {
  Tracked::reset();
  const Duration backoff = GENERATE(0s, 1h);
  Queue queue{{.capacity = 1, .lease = 100ms, .retry = FixedDelay{backoff}}};
  queue.try_emplace(1).or_throw();
  Lease lease = pull(queue);
  queue.clock().advance(101ms);
  queue.pause();
  if (GENERATE(false, true)) CHECK_FALSE(queue.try_reserve());  // does what follows from the loss: waiting, or ready
  CHECK(lease.done());
  queue.resume();
  CHECK_FALSE(queue.reserve_for(2h));
  CHECK(queue.stats().done == 1);
  CHECK(queue.stats().late_successes == 1);
  CHECK(Tracked::live == 0);
  CHECK(queue.try_emplace(2));
}

TEST_CASE("on_hung = wait: a lost job waits until its lease is given back", "[pulled]") {
  windlass::QueueOptions<Tracked> options{.lease = 100ms, .retry = FixedDelay{}};
  options.on_hung = [](const HungInfo&) { return OnHung::wait; };
  Queue queue{std::move(options)};
  queue.try_emplace(1).or_throw();
  std::optional<Lease> lease = pull(queue);
  queue.clock().advance(101ms);
  CHECK_FALSE(queue.try_reserve());
  queue.clock().advance(1h, 1s);
  CHECK_FALSE(queue.try_reserve());
  lease.reset();
  CHECK(queue.stats().failures == 0);  // the hang counts, the drop does not
  CHECK(pull(queue).attempt() == 2);
}

TEST_CASE("a cancelled lease that expires ends its job, and wakes who waits for that", "[pulled]") {
  Signal inside;
  Signal release;
  const auto handle = [&](const int&) {
    inside.set();
    release.wait();
  };
  JobQueue<int> queue{handle, {.workers = 1}};
  queue.try_enqueue(1).or_throw();  // keeps the worker away from the other
  REQUIRE(inside.wait());
  const auto id = queue.try_enqueue(2, {.lease = 100ms}).or_throw();
  auto lease = queue.try_reserve();
  REQUIRE(lease);
  REQUIRE(lease->id() == id);
  CHECK(queue.cancel(id) == CancelResult::requested);
  release.set();
  const auto begun = std::chrono::steady_clock::now();
  CHECK(queue.wait_idle_for(20s));
  CHECK(std::chrono::steady_clock::now() - begun < 10s);
  CHECK(queue.stats().cancelled == 1);
  CHECK(queue.stats().expiries == 1);
  CHECK_FALSE(lease->done());
}
