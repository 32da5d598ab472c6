#include <atomic>
#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "proc.hpp"
#include "signal.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::Delivery;
using windlass::Duration;
using windlass::JobQueue;
using windlass::Outcome;
using windlass::WaitError;
using windlass::testing::ManualClock;
using windlass::testing::ManualQueue;

#if defined(__linux__)
TEST_CASE("with workers = 0 no thread is ever made", "[pump]") {
  const auto before = proc::threads();
  JobQueue<int> queue{[](const int& n) { return n == 0 ? Outcome::retry_after(1ms) : Outcome::done(); },
                      {.workers = 0, .lease = 1ms, .max_failures = 2}};
  CHECK(proc::threads() == before);
  for (int n = 0; n < 10; ++n) queue.enqueue(n, {.delay = 1ms * n}).or_throw();
  CHECK(queue.drain_for(10s));
  CHECK(queue.stats().failures == 2);
  CHECK(proc::threads() == before);
  CHECK(queue.shutdown().done == 9);
  CHECK(proc::threads() == before);
}
#endif

TEST_CASE("run_one runs one ready job on the caller", "[pump]") {
  std::vector<int> ran;
  std::thread::id where;
  ManualQueue<int> queue{[&](const int& n) {
    ran.push_back(n);
    where = std::this_thread::get_id();
  }};
  CHECK_FALSE(queue.run_one());
  for (int n = 0; n < 2; ++n) queue.enqueue(n).or_throw();
  queue.enqueue(2, {.delay = 1s}).or_throw();
  CHECK(queue.run_one());
  CHECK(ran == std::vector{0});
  CHECK(where == std::this_thread::get_id());
  CHECK(queue.run_one());
  CHECK_FALSE(queue.run_one());
  queue.clock().sleep(1s);  // nobody was told: run_one() looks at the clock itself
  CHECK(queue.run_one());
  CHECK(ran == std::vector{0, 1, 2});
}

TEST_CASE("pump goes on until nothing is ready, with what handlers enqueue", "[pump]") {
  int ran = 0;
  ManualQueue<int>* self = nullptr;
  ManualQueue<int> queue{[&](const int& n) {
    ++ran;
    if (n > 0) self->enqueue(n - 1).or_throw();
  }};
  self = &queue;
  queue.enqueue(5).or_throw();
  const auto result = queue.pump();
  CHECK(result.ran == 6);
  CHECK(result.left == 0);
  CHECK(result.overrun == 0s);
  CHECK(ran == 6);
}

TEST_CASE("pump runs at most max_jobs and tells how many are left", "[pump]") {
  ManualQueue<int> queue{[](const int&) {}};
  for (int n = 0; n < 10; ++n) queue.enqueue(n).or_throw();
  CHECK(queue.pump({.max_jobs = 0}).ran == 0);
  const auto result = queue.pump({.max_jobs = 4});
  CHECK(result.ran == 4);
  CHECK(result.left == 6);
  CHECK(queue.pump({.max_jobs = 100}).ran == 6);
}

TEST_CASE("pump starts no job once the budget is spent and tells by how much the last one overran", "[pump]") {
  const auto [budget, ran, overrun] = GENERATE(table<Duration, std::size_t, Duration>({
      {0ms, 0, 0ms},
      {1ns, 1, 3ms - 1ns},
      {3ms, 1, 0ms},
      {4ms, 2, 2ms},
      {9ms, 3, 0ms},
      {30ms, 10, 0ms},
      {1h, 10, 0ms},
  }));
  ManualQueue<int> queue{[](const int&, Delivery& delivery) { delivery.sleep_for(3ms); }};
  for (int n = 0; n < 10; ++n) queue.enqueue(n).or_throw();
  const auto result = queue.pump({.budget = budget});
  CHECK(result.ran == ran);
  CHECK(result.left == 10 - ran);
  CHECK(result.overrun == overrun);
  CHECK(queue.pump().ran == 10 - ran);
}

TEST_CASE("pump does what is due: timers, retries and lost leases", "[pump]") {
  ManualClock clock;
  std::vector<int> ran;
  JobQueue<int, windlass::testing::ManualTraits<>> queue{[&](const int& n) {
                                                           ran.push_back(n);
                                                           return n == 1 && ran.size() == 1 ? Outcome::retry_after(2s)
                                                                                            : Outcome::done();
                                                         },
                                                         {.workers = 0, .lease = 1s, .retry = windlass::FixedDelay{}},
                                                         clock};
  queue.enqueue(1).or_throw();
  queue.enqueue(2, {.delay = 1s}).or_throw();
  CHECK(queue.pump().ran == 1);
  clock.sleep(1s);
  CHECK(queue.pump().ran == 1);
  clock.sleep(1s);
  CHECK(queue.pump().ran == 1);
  CHECK(ran == std::vector{1, 2, 1});
  queue.enqueue(3).or_throw();
  auto lease = queue.try_reserve();
  REQUIRE(lease);
  clock.sleep(2s);
  CHECK(queue.pump().ran == 1);  // the lease was lost, and the job is run here
  CHECK(ran.back() == 3);
  CHECK_FALSE(lease->done());
}

TEST_CASE("next_due is when a pumped queue next has something to do", "[pump]") {
  ManualQueue<int> queue{[](const int&) {}};
  CHECK_FALSE(queue.next_due());
  const auto begun = queue.clock().now();
  const auto id = queue.enqueue(0, {.delay = 30ms}).or_throw();
  CHECK(queue.next_due() == begun + 30ms);
  queue.enqueue(1, {.delay = 20ms}).or_throw();
  CHECK(queue.next_due() == begun + 20ms);
  queue.enqueue(2).or_throw();
  CHECK(queue.next_due() == begun);
  CHECK(queue.poll() == 1);
  CHECK(queue.next_due() == begun + 20ms);
  queue.clock().advance(20ms);
  CHECK(queue.next_due() == begun + 20ms);
  CHECK(queue.poll() == 1);
  CHECK(queue.next_due() == begun + 30ms);
  CHECK(queue.cancel(id) == windlass::CancelResult::cancelled);
  CHECK_FALSE(queue.next_due());
}

TEST_CASE("a queue that has workers can be pumped too", "[pump]") {
  Signal inside, go_on;
  std::atomic<int> ran{0};
  JobQueue<int> queue{[&](const int& n) {
    if (n == 0) {
      inside.set();
      go_on.wait();
    }
    ++ran;
  }};
  queue.enqueue(0).or_throw();
  REQUIRE(inside.wait());  // its only worker
  for (int n = 1; n < 5; ++n) queue.enqueue(n).or_throw();
  CHECK(queue.run_one());
  CHECK(queue.poll() == 3);
  CHECK(queue.pump().ran == 0);
  CHECK(ran == 4);
  go_on.set();
  CHECK(queue.drain_for(10s));
}

TEST_CASE("waiting calls pump a queue without workers on the calling thread", "[pump]") {
  const auto here = std::this_thread::get_id();
  int ran = 0, elsewhere = 0;
  {
    ManualQueue<int> queue{[&](const int&) {
      ++ran;
      elsewhere += std::this_thread::get_id() == here ? 0 : 1;
    }};
    queue.enqueue(0).or_throw();
    CHECK(queue.wait_idle_for(1s));
    CHECK(ran == 1);
    queue.enqueue(1, {.delay = 1s}).or_throw();
    SECTION("drain_for") {
      CHECK(queue.drain_for(2s));
      CHECK(ran == 2);
    }
    SECTION("shutdown") {
      CHECK(queue.shutdown({.grace = 2s}).done == 2);
      CHECK(ran == 2);
    }
    SECTION("the destructor") {}
  }
  CHECK(ran == 2);
  CHECK(elsewhere == 0);
}

TEST_CASE("a wait of a queue without workers runs no job after its time is over", "[pump]") {
  int ran = 0;
  ManualQueue<int> queue{[&](const int&, Delivery& delivery) {
    ++ran;
    delivery.sleep_for(3s);
  }};
  for (int n = 0; n < 10; ++n) queue.enqueue(n).or_throw();
  const auto begun = queue.clock().now();
  CHECK(queue.wait_idle_for(5s).error() == WaitError::timed_out);
  CHECK(ran == 2);
  CHECK(queue.clock().now() == begun + 6s);
  CHECK(queue.wait_idle_for(0s).error() == WaitError::timed_out);
  CHECK(ran == 2);
}
