#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "puppet.hpp"
#include "windlass/dead_letter_box.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::CancelResult;
using windlass::DeadReason;
using windlass::EnqueueError;
using windlass::FixedDelay;
using windlass::Priority;
using windlass::StopReason;
using windlass::Time;
using windlass::WaitError;
using windlass::testing::ManualQueue;

namespace {

using Queue = ManualQueue<std::string>;
using Lease = Queue::Lease;

// Takes a lease that must be there.
template <class AnyQueue>
typename AnyQueue::Lease pull(AnyQueue& queue) {
  auto reserved = queue.try_reserve();
  REQUIRE(reserved);
  return std::move(*reserved);
}

}  // namespace

TEST_CASE("a pulled job is in its caller's hands until settled, once", "[pulled]") {
  Queue queue;
  const auto id = queue.try_enqueue("letter").or_throw();
  Lease lease = pull(queue);
  CHECK(*lease == "letter");
  CHECK(lease->size() == 6);
  CHECK(lease.id() == id);
  CHECK(lease.attempt() == 1);
  CHECK(lease.stop_reason() == StopReason::none);
  CHECK_FALSE(lease.stop_requested());
  CHECK_FALSE(queue.try_reserve());
  CHECK(queue.stats().present == 1);
  CHECK(lease.done());
  CHECK(queue.stats().done == 1);
  CHECK(queue.stats().deliveries == 1);
  CHECK_FALSE(lease.done());
  CHECK_FALSE(lease.retry());
  CHECK_FALSE(lease.extend(1s));
  CHECK_FALSE(lease.try_commit());
  CHECK(queue.stats().done == 1);
}

TEST_CASE("a pulled job that is settled otherwise goes where a handler's outcome would send it", "[pulled]") {
  windlass::DeadLetterBox<std::string> box;
  Queue queue{{.capacity = 1, .retry = FixedDelay{5s}, .dead_letters = &box}};
  queue.try_enqueue("letter").or_throw();
  const auto due_in = [&] { return *queue.next_due() - queue.clock().now(); };
  SECTION("retry") {
    CHECK(pull(queue).retry("busy"));
    CHECK(queue.stats().failures == 1);
    CHECK(due_in() == 5s);
    queue.clock().advance(5s);
    CHECK(pull(queue).attempt() == 2);
  }
  SECTION("retry_after") {
    CHECK(pull(queue).retry_after(7s, "busy"));
    CHECK(queue.stats().failures == 1);
    CHECK(due_in() == 7s);
  }
  SECTION("snooze") {
    CHECK(pull(queue).snooze(9s));
    CHECK(queue.stats().failures == 0);
    CHECK(queue.stats().snoozes == 1);
    CHECK(due_in() == 9s);
    queue.clock().advance(9s);
    CHECK(pull(queue).attempt() == 1);
  }
  SECTION("dead") {
    CHECK(pull(queue).dead("no such address"));
    CHECK(box.take(9, [](windlass::DeadLetter<std::string>&& letter) {
      CHECK(letter.payload == "letter");
      CHECK(letter.reason == DeadReason::rejected);
      CHECK(letter.last_error.view() == "no such address");
    }) == 1);
    CHECK(queue.try_enqueue("next"));
  }
  SECTION("discard") {
    CHECK(pull(queue).discard());
    CHECK(queue.stats().discarded == 1);
    CHECK(queue.try_enqueue("next"));
  }
}

TEST_CASE("a lease that is dropped unsettled is a failed attempt that says so", "[pulled]") {
  windlass::DeadLetterBox<std::string> box;
  Queue queue{{.max_failures = 3, .retry = FixedDelay{}, .dead_letters = &box}};
  queue.try_enqueue("letter").or_throw();
  for (std::uint32_t attempt = 1; attempt <= 3; ++attempt) CHECK(pull(queue).attempt() == attempt);
  CHECK_FALSE(queue.try_reserve());
  CHECK(queue.stats().failures == 3);
  CHECK(box.take(9, [](windlass::DeadLetter<std::string>&& letter) {
    CHECK(letter.reason == DeadReason::failures_exhausted);
    CHECK(letter.first_error.view() == "dropped");
    CHECK(letter.failures == 3);
    CHECK(letter.deliveries == 3);
  }) == 1);
}

TEST_CASE("a lease moves, what it leaves behind does nothing, and what it replaces is dropped", "[pulled]") {
  Queue queue{{.retry = FixedDelay{}}};
  queue.try_enqueue("a").or_throw();
  queue.try_enqueue("b").or_throw();
  Lease a = pull(queue);
  Lease b = pull(queue);
  {
    Lease moved = std::move(a);
    CHECK(*moved == "a");
    CHECK(queue.stats().failures == 0);
    a = std::move(moved);
  }
  CHECK(queue.stats().failures == 0);
  b = std::move(a);
  CHECK(queue.stats().failures == 1);  // b was dropped
  CHECK(*b == "a");
  CHECK(b.done());
  CHECK(*pull(queue) == "b");
}

TEST_CASE("jobs are pulled in the order in which they would be run, and not while paused", "[pulled]") {
  Queue queue{{.paused = true}};
  queue.try_enqueue("low", {.priority = Priority::low}).or_throw();
  queue.try_enqueue("late", {.delay = 1s}).or_throw();
  queue.try_enqueue("first").or_throw();
  queue.try_enqueue("second").or_throw();
  queue.try_enqueue("high", {.priority = Priority::high}).or_throw();
  CHECK_FALSE(queue.try_reserve());
  queue.resume();
  std::vector<std::string> order;
  while (auto lease = queue.try_reserve()) {
    order.push_back(**lease);
    CHECK(lease->done());
  }
  CHECK(order == std::vector<std::string>{"high", "first", "second", "low"});
}

TEST_CASE("as many leases as the queue has room may be out at once", "[pulled]") {
  constexpr std::uint32_t many = 1000;
  ManualQueue<int> queue{{.capacity = many, .retry = FixedDelay{}}};
  for (std::uint32_t i = 0; i < many; ++i) queue.try_enqueue(static_cast<int>(i)).or_throw();
  std::vector<ManualQueue<int>::Lease> leases;
  while (auto lease = queue.try_reserve()) leases.push_back(std::move(*lease));
  REQUIRE(leases.size() == many);
  CHECK(queue.try_enqueue(0).error() == EnqueueError::full);
  int settled = 0;
  for (auto& lease : leases) {
    const int rest = *lease % 3;
    if (rest == 0 && lease.done()) ++settled;
    if (rest == 1 && lease.discard()) ++settled;
  }
  CHECK(settled == 667);
  queue.clock().advance(31s);  // the rest is lost, all at once
  CHECK(queue.stats().done == 334);
  CHECK(queue.stats().discarded == 333);
  CHECK(queue.stats().expiries == 333);
  for (auto& lease : leases) CHECK_FALSE(lease.retry());
  CHECK(queue.stats().stale_settles == 333);
  int again = 0;
  while (auto lease = queue.try_reserve()) {
    if (**lease % 3 == 2 && lease->attempt() == 2 && lease->done()) ++again;
  }
  CHECK(again == 333);
  CHECK(queue.size_approx() == 0);
  CHECK(queue.stats().failures == 0);
}

TEST_CASE("a lease says why it should be given up", "[pulled]") {
  Queue queue{{.capacity = 3, .lease = 100ms}};
  const auto id = queue.try_enqueue("cancelled").or_throw();
  queue.try_enqueue("shut down", {.lease = 0s}).or_throw();
  queue.try_enqueue("lost").or_throw();
  Lease cancelled = pull(queue);
  Lease kept = pull(queue);
  Lease lost = pull(queue);
  CHECK(queue.cancel(id) == CancelResult::requested);
  CHECK(cancelled.stop_reason() == StopReason::user);
  CHECK(lost.stop_reason() == StopReason::none);
  CHECK(cancelled.retry());
  CHECK(queue.stats().cancelled == 1);
  queue.clock().advance(101ms);
  CHECK(lost.stop_reason() == StopReason::lease_lost);
  CHECK(kept.stop_reason() == StopReason::none);
  queue.shutdown({.grace = 0s});
  CHECK(kept.stop_reason() == StopReason::shutdown);
  CHECK(kept.done());  // it may still be settled
  CHECK(queue.stats().done == 1);
}

TEST_CASE("a lease that outlives its queue settles to false, and its job was abandoned", "[pulled]") {
  windlass::DeadLetterBox<std::string> box;
  std::optional<Queue> queue(std::in_place, Queue::Options{.shutdown_grace = 0s, .dead_letters = &box});
  queue->try_enqueue("held").or_throw();
  queue->try_enqueue("committed").or_throw();
  queue->try_enqueue("dropped").or_throw();
  Lease held = pull(*queue);
  std::optional<Lease> committed(pull(*queue));
  CHECK(committed->try_commit());
  std::optional<Lease> dropped(pull(*queue));
  queue.reset();
  CHECK(held.stop_reason() == StopReason::shutdown);
  CHECK_FALSE(held.extend(1s));
  CHECK_FALSE(held.try_commit());
  CHECK_FALSE(held.done());
  committed.reset();
  dropped.reset();
  std::vector<DeadReason> reasons;
  box.take(9, [&](windlass::DeadLetter<std::string>&& letter) { reasons.push_back(letter.reason); });
  CHECK(reasons == std::vector{DeadReason::abandoned, DeadReason::failed_after_commit, DeadReason::abandoned});
}

TEST_CASE("a lease commits once, and then nobody takes the job away", "[pulled]") {
  Queue queue{{.lease = 100ms}};
  queue.try_enqueue("letter").or_throw();
  Lease lease = pull(queue);
  CHECK(lease.try_commit());
  CHECK_FALSE(lease.try_commit());
  queue.clock().advance(10s);
  CHECK(queue.stats().expiries == 0);
  CHECK(lease.extend(1s));
  CHECK(lease.done());
  CHECK(queue.stats().done == 1);
  CHECK(queue.stats().deliveries == 1);
  CHECK(queue.stats().stale_settles == 0);
}
