#include <atomic>
#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

#include "await.hpp"
#include "catch.hpp"
#include "proc.hpp"
#include "signal.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::Delivery;
using windlass::EnqueueError;
using windlass::JobQueue;
using windlass::Outcome;
using windlass::WaitError;
using windlass::testing::ManualQueue;

TEST_CASE("idle means that nothing is ready or running, though delayed jobs may remain", "[drain]") {
  int ran = 0;
  ManualQueue<int> queue{[&](const int& n) {
    ++ran;
    return n == 1 ? Outcome::snooze(1h) : Outcome::done();
  }};
  const auto begun = queue.clock().now();
  CHECK(queue.wait_idle_for(0s));
  queue.enqueue(0, {.delay = 1h}).or_throw();
  CHECK(queue.wait_idle_for(10s));
  CHECK(ran == 0);
  queue.enqueue(1).or_throw();
  queue.enqueue(2).or_throw();
  CHECK(queue.wait_idle_for(10s));
  CHECK(ran == 2);
  CHECK(queue.clock().now() == begun);
  CHECK(queue.stats().waiting == 2);
  CHECK_FALSE(queue.is_closed());
}

TEST_CASE("a queue is not idle while a handler runs or a lease is out", "[drain]") {
  SECTION("a handler") {
    Signal inside, go_on;
    std::atomic<bool> has_returned{false};
    JobQueue<int> queue{[&](const int&) {
      inside.set();
      has_returned = go_on.wait();
    }};
    queue.enqueue(0).or_throw();
    REQUIRE(inside.wait());
    CHECK(queue.wait_idle_for(20ms).error() == WaitError::timed_out);
    CHECK(queue.drain_for(0s).error() == WaitError::timed_out);
    go_on.set();
    CHECK(queue.wait_idle_for(10s));
    CHECK(has_returned);
  }
  SECTION("a lease") {
    ManualQueue<int> queue{{.lease = 0s}};
    queue.enqueue(0).or_throw();
    auto lease = queue.try_reserve();
    REQUIRE(lease);
    const auto begun = queue.clock().now();
    CHECK(queue.wait_idle_for(20ms).error() == WaitError::timed_out);
    CHECK(queue.clock().now() == begun + 20ms);
    CHECK(lease->snooze(1h));
    CHECK(queue.wait_idle_for(20ms));
    CHECK(queue.drain_for(20ms).error() == WaitError::timed_out);
  }
}

TEST_CASE("drain_for closes, then waits for delayed and retrying jobs too, and no longer", "[drain]") {
  int ran = 0;
  ManualQueue<int> queue{[&](const int& n, Delivery& delivery) {
                           ++ran;
                           return n == 1 && delivery.attempt() < 4 ? Outcome::retry() : Outcome::done();
                         },
                         {.retry = windlass::FixedDelay{1s}}};
  queue.enqueue(0, {.delay = 2s}).or_throw();
  queue.enqueue(1).or_throw();
  queue.enqueue(2, {.at = queue.clock().wall_now() + 2500ms}).or_throw();
  const auto begun = queue.clock().now();
  CHECK(queue.drain_for(1h));
  CHECK(queue.clock().now() == begun + 3s);
  CHECK(ran == 6);
  CHECK(queue.stats().done == 3);
  CHECK(queue.is_closed());
  CHECK(queue.try_enqueue(3).error() == EnqueueError::closed);
}

TEST_CASE("drain_for gives up in time and loses nothing", "[drain]") {
  int ran = 0;
  ManualQueue<int> queue{[&](const int&) { ++ran; }};
  queue.enqueue(0, {.delay = 10s}).or_throw();
  const auto begun = queue.clock().now();
  const auto result = queue.drain_for(4s);
  CHECK_FALSE(result);
  CHECK(result.error() == WaitError::timed_out);
  CHECK(queue.clock().now() == begun + 4s);
  CHECK(ran == 0);
  CHECK(queue.stats().present == 1);
  CHECK(queue.drain_for(7s));
  CHECK(queue.clock().now() == begun + 10s);
  CHECK(ran == 1);
}

TEST_CASE("a wait for idleness in real time ends when the last worker has returned", "[drain]") {
  constexpr int jobs = 200;
  std::atomic<int> returned{0};
  JobQueue<int> queue{[&](const int& n) {
                        if (n % 7 == 0) std::this_thread::yield();
                        ++returned;
                        return n % 10 == 9 ? Outcome::snooze(1h) : Outcome::done();
                      },
                      {.workers = 3}};
  int early = 0, in_vain = 0;
  for (int round = 1; round <= 50; ++round) {
    for (int n = 0; n < jobs; ++n) queue.enqueue(n).or_throw();
    in_vain += queue.wait_idle_for(10s) ? 0 : 1;
    early += returned == round * jobs ? 0 : 1;
  }
  CHECK(in_vain == 0);
  CHECK(early == 0);
  CHECK(queue.stats().waiting == 50 * jobs / 10);
  (void)queue.shutdown({.leftover = windlass::Leftover::discard});
}

TEST_CASE("several threads may wait for idleness at once, and all of them are told", "[drain]") {
  Signal inside, go_on;
  JobQueue<int> queue{[&](const int&) {
    inside.set();
    go_on.wait();
  }};
  queue.enqueue(0).or_throw();
  REQUIRE(inside.wait());
  std::atomic<int> idle{0}, drained{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] { idle += queue.wait_idle_for(10s) ? 1 : 0; });
    threads.emplace_back([&] { drained += queue.drain_for(10s) ? 1 : 0; });
  }
  go_on.set();
  for (auto& thread : threads) thread.join();
  CHECK(idle == 3);
  CHECK(drained == 3);
}

#if defined(__linux__)
TEST_CASE("close wakes whoever waits for room or for a job", "[drain]") {
  JobQueue<int> queue{{.capacity = 1, .workers = 0}};
  auto& full = queue;
  full.enqueue(0).or_throw();
  JobQueue<int> empty{{.workers = 0}};
  std::vector<EnqueueError> enqueued(2);
  std::vector<WaitError> reserved(2);
  std::atomic<pid_t> tasks[4] = {};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      tasks[t] = gettid();
      enqueued[t] = (t == 0 ? full.enqueue(1) : full.enqueue_for(1, 1h)).error();
    });
    threads.emplace_back([&, t] {
      tasks[2 + t] = gettid();
      reserved[t] = (t == 0 ? empty.reserve() : empty.reserve_for(1h)).error();
    });
  }
  for (const auto& task : tasks) CHECK(await([&] { return task != 0 && proc::is_asleep(task); }));
  full.close();
  empty.close();
  for (auto& thread : threads) thread.join();
  CHECK(enqueued == std::vector{EnqueueError::closed, EnqueueError::closed});
  CHECK(reserved == std::vector{WaitError::closed, WaitError::closed});
}
#endif
