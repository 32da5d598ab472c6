#include "child.hpp"

#if defined(__unix__)
#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "await.hpp"
#include "catch.hpp"
#include "proc.hpp"
#include "sanitized.hpp"
#include "signal.hpp"
#include "windlass/windlass.hpp"

using namespace std::chrono_literals;
using windlass::CancelResult;
using windlass::Delivery;
using windlass::EnqueueError;
using windlass::JobId;
using windlass::JobQueue;
using windlass::StopReason;
using windlass::StopSource;
using windlass::Time;
using windlass::WaitError;
using windlass::WorkerPool;

namespace {

// Says in the child what went wrong, which the parent then finds in what the child printed.
void expect(bool is_right, const char* what) {
  if (!is_right) std::fprintf(stderr, "%s; ", what);
}

// Makes every call on a queue that was forked away, with no time limit where there need not be one.
template <class Queue>
void call_everything(Queue& queue, JobId id) {
  expect(queue.try_enqueue(1).error() == EnqueueError::closed, "try_enqueue");
  expect(queue.try_emplace_with({.delay = 1s}, 1).error() == EnqueueError::closed, "try_emplace_with");
  expect(queue.enqueue(1).error() == EnqueueError::closed, "enqueue");
  expect(queue.enqueue_for(1, 1h).error() == EnqueueError::closed, "enqueue_for");
  int some[] = {1, 2};
  expect(queue.enqueue_bulk(some, some + 2).error() == EnqueueError::closed, "enqueue_bulk");
  expect(queue.try_reserve().error() == WaitError::closed, "try_reserve");
  expect(queue.reserve().error() == WaitError::closed, "reserve");
  expect(queue.reserve_for(1h).error() == WaitError::closed, "reserve_for");
  expect(queue.wait_idle_for(1h).error() == WaitError::closed, "wait_idle_for");
  expect(queue.drain_for(1h).error() == WaitError::closed, "drain_for");
  expect(!queue.run_one() && queue.poll() == 0 && queue.pump().ran == 0, "pumping");
  StopSource never;
  queue.run(never.token());
  (void)queue.next_due();
  expect(queue.cancel(id) == CancelResult::not_found, "cancel");
  expect(queue.retry_kept() == 0, "retry_kept");
  queue.pause();
  queue.resume();
  queue.close();
  expect(queue.is_closed(), "is_closed");
  const auto stats = queue.stats();
  const auto report = queue.shutdown();
  expect(report.accepted == stats.accepted && report.present == stats.present, "shutdown");
}

// A clock that stands still inside wall_now() while `blocks`: so the timekeeper is caught with the planner's lock held.
struct StuckClock {
  struct Shared {
    std::atomic<bool> blocks{false}, is_inside{false};
  };
  std::shared_ptr<Shared> shared = std::make_shared<Shared>();

  [[nodiscard]] Time now() const noexcept { return std::chrono::steady_clock::now(); }
  [[nodiscard]] std::chrono::system_clock::time_point wall_now() const noexcept {
    while (shared->blocks) {
      shared->is_inside = true;
      std::this_thread::yield();
    }
    return std::chrono::system_clock::now();
  }
};
struct StuckTraits : windlass::DefaultTraits {
  using Clock = StuckClock;
};

}  // namespace

TEST_CASE("in the child of a fork every call on a busy queue returns, and so does its destructor", "[fork]") {
  std::optional<WorkerPool> pool;
  const bool is_shared = GENERATE(false, true);
  if (is_shared) pool.emplace(windlass::WorkerPoolOptions{.workers = 2, .max_workers = 3});
  Signal go_on;
  std::atomic<int> inside{0}, waiting{0};
  auto queue = std::make_unique<JobQueue<int>>(
      [&](const int&) {
        ++inside;
        go_on.wait();
      },
      windlass::QueueOptions<int>{.capacity = 4,
                                  .workers = is_shared ? std::nullopt : std::optional{2U},
                                  .pool = is_shared ? &*pool : nullptr});
  for (int n = 0; n < 3; ++n) queue->enqueue(n).or_throw();
  REQUIRE(await([&] { return inside == 2; }));
  auto lease = queue->try_reserve();
  REQUIRE(lease);
  CHECK(**lease == 2);
  queue->enqueue(3, {.delay = 1h}).or_throw();  // now it is full
  std::vector<std::thread> waiters;             // their locks and counts are copied too
  waiters.emplace_back([&] { waiting += queue->enqueue(5) ? 1 : 0; });
  waiters.emplace_back([&] {
    auto other = queue->reserve_for(10s);
    waiting += other && other->done() ? 1 : 0;
  });
  std::thread idler([&] { waiting += queue->wait_idle_for(10s) ? 1 : 0; });
  const Child child([&] {
    call_everything(*queue, lease->id());
    expect(**lease == 2 && lease->stop_reason() == StopReason::shutdown, "lease");
    expect(!lease->extend(1s) && !lease->try_commit(), "extend");
    expect(!lease->done(), "done");
    { auto dropped = std::move(lease); }
    if (pool) pool->resize(3);
    queue.reset();
    pool.reset();
#if defined(__linux__)
    expect(proc::threads().size() == 1, "threads");
#endif
  });
  CHECK(child.ended_by() == "exit 0");
  CHECK(child.printed() == "");
  CHECK(lease->done());  // the parent has noticed nothing: there is room, and a job to reserve
  for (auto& waiter : waiters) waiter.join();
  go_on.set();
  idler.join();
  CHECK(waiting == 3);
  CHECK(queue->wait_idle_for(10s));
  CHECK(queue->shutdown({.leftover = windlass::Leftover::discard}).done == 4);
}

TEST_CASE("a lease in the child of a fork does not wait for a lock that somebody held", "[fork]") {
  StuckClock clock;
  JobQueue<int, StuckTraits> queue{[](const int&) {}, {.paused = true}, clock};
  queue.resume();
  queue.enqueue(1, {.at = clock.wall_now() + 1h}).or_throw();
  queue.pause();
  queue.enqueue(2).or_throw();
  queue.resume();
  std::optional<JobQueue<int, StuckTraits>::Lease> lease;
  CHECK(await([&] {
    if (auto taken = queue.try_reserve()) lease.emplace(std::move(*taken));
    if (!lease) (void)queue.try_enqueue(2);
    return lease.has_value();
  }));
  REQUIRE(lease);
  clock.shared->blocks = true;
  CHECK(await([&] { return clock.shared->is_inside.load(); }));  // it looks at such jobs once a second
  const Child child([&] {
    expect(!lease->done(), "done");
    expect(!queue.wait_idle_for(1h), "wait_idle_for");
    expect(queue.try_emplace_with({.delay = 1s}, 1).error() == EnqueueError::closed, "try_emplace_with");
  });
  clock.shared->blocks = false;
  CHECK(child.ended_by() == "exit 0");
  CHECK(child.printed() == "");
  CHECK(lease->done());
}

TEST_CASE("a handler that forks may use its delivery in the child", "[fork]") {
  std::optional<Child> child;
  JobQueue<int> queue{[&](const int&, Delivery& delivery) {
    child.emplace([&] {
      delivery.heartbeat();
      (void)delivery.extend(1s);
      (void)delivery.sleep_for(1ms);
      (void)delivery.try_commit();
      expect(delivery.attempt() == 1 && !delivery.stop_token().stop_requested(), "delivery");
    });
  }};
  queue.enqueue(0).or_throw();
  CHECK(queue.drain_for(20s));
  REQUIRE(child);
  CHECK(child->ended_by() == "exit 0");
  CHECK(child->printed() == "");
}

TEST_CASE("a queue that the child of a fork makes works", "[fork]") {
  // ThreadSanitizer does not let such a child start threads, and AddressSanitizer's own locks may be held in it.
  if (is_thread_sanitized || is_address_sanitized) return;
  JobQueue<int> older{[](const int&) {}, {.workers = 2}};
  const Child child([&] {
    std::atomic<int> sum{0};
    {
      JobQueue<int> queue{[&](const int& n) { sum += n; }, {.workers = 2}};
      for (int n = 1; n <= 10; ++n) queue.enqueue(n).or_throw();
      queue.enqueue(45, {.delay = 2ms}).or_throw();
      expect(queue.drain_for(5s).error() == WaitError::none, "drain_for");
    }
    expect(sum == 100, "sum");
    expect(older.try_enqueue(1).error() == EnqueueError::closed, "try_enqueue");
  });
  CHECK(child.ended_by() == "exit 0");
  CHECK(child.printed() == "");
  CHECK(older.try_enqueue(1));
}

TEST_CASE("a queue that the child of a fork makes cannot be served by a pool from before it", "[fork][pool]") {
  WorkerPool pool;
  const Child child([&] {
    std::string field;
    try {
      new JobQueue<int>{[](const int&) {}, {.pool = &pool}};  // not destroyed, if it is there
    } catch (const windlass::ConfigError& error) {
      field = error.field();
    }
    expect(field == "pool", "pool");
  });
  CHECK(child.ended_by() == "exit 0");
  CHECK(child.printed() == "");
  JobQueue<int> queue{[](const int&) {}, {.pool = &pool}};
  queue.enqueue(1).or_throw();
  CHECK(queue.drain_for(10s));
}
#endif
