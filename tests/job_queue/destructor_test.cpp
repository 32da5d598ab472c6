#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "await.hpp"
#include "catch.hpp"
#include "proc.hpp"
#include "signal.hpp"
#include "tracked.hpp"
#include "windlass/testing.hpp"
#include "windlass/worker_pool.hpp"

#if defined(__linux__)
#include "child.hpp"
#endif

using namespace std::chrono_literals;
using windlass::DeadLetter;
using windlass::DeadReason;
using windlass::Delivery;
using windlass::EnqueueError;
using windlass::HungInfo;
using windlass::JobQueue;
using windlass::Leftover;
using windlass::OnHung;
using windlass::StopReason;
using windlass::WaitError;
using windlass::WorkerPool;
using windlass::testing::ManualClock;
using windlass::testing::ManualQueue;

TEST_CASE("the destructor runs what is due within shutdown_grace and makes dead letters of the rest", "[destructor]") {
  std::vector<int> ran, abandoned;
  ManualClock clock;
  const auto begun = clock.now();
  {
    ManualQueue<int> queue{[&](const int& n) { ran.push_back(n); },
                           {.shutdown_grace = 2s,
                            .dead_letters =
                                [&](const DeadLetter<int>& letter) {
                                  if (letter.reason == DeadReason::abandoned) abandoned.push_back(*letter.payload);
                                }},
                           clock};
    queue.enqueue(0).or_throw();
    queue.enqueue(1, {.delay = 1s}).or_throw();
    queue.enqueue(2, {.delay = 3s}).or_throw();
  }
  CHECK(ran == std::vector{0, 1});
  CHECK(abandoned == std::vector{2});
  CHECK(clock.now() == begun + 1s);
}

TEST_CASE("the destructor does with leftovers as the options say", "[destructor]") {
  Tracked::reset();
  const auto leftover = GENERATE(Leftover::dead_letter, Leftover::discard);
  int dead = 0, ran = 0;
  {
    ManualQueue<Tracked> queue{[&](const Tracked&) { ++ran; },
                               {.leftover = leftover, .dead_letters = [&](const auto&) { ++dead; }}};
    for (int n = 0; n < 3; ++n) queue.emplace_with({.delay = n * 1h}, n).or_throw();
  }
  CHECK(ran == 0);
  CHECK(dead == (leftover == Leftover::dead_letter ? 3 : 0));
  CHECK(Tracked::live == 0);
}

TEST_CASE("a stubborn handler is named by the thread that destroys, once, and joined", "[destructor]") {
  std::optional<WorkerPool> pool;
  const bool is_shared = GENERATE(false, true);
  if (is_shared) pool.emplace();
  Signal inside, named, named_again;
  std::atomic<bool> has_returned{false}, was_told{false};
  std::vector<std::pair<HungInfo, std::thread::id>> calls;
  windlass::JobId id;
  {
    JobQueue<int> queue{
        [&](const int&, Delivery& delivery) {
          inside.set();
          const bool in_time = named.wait();  // not a look at its token
          named_again.wait(50ms);             // in vain
          was_told = delivery.stop_token().reason() == StopReason::shutdown;
          has_returned = in_time;
        },
        {.pool = is_shared ? &*pool : nullptr, .shutdown_grace = 10ms, .on_hung = [&](const HungInfo& h) {
           calls.emplace_back(h, std::this_thread::get_id());
           (calls.size() == 1 ? named : named_again).set();
           return OnHung::redeliver;  // not asked
         }}};
    id = queue.enqueue(0).or_throw();
    REQUIRE(inside.wait());
  }
  CHECK(has_returned);
  CHECK(was_told);
  REQUIRE(calls.size() == 1);
  CHECK(calls[0].first.id == id);
  CHECK(calls[0].first.shutting_down);
  CHECK(calls[0].second == std::this_thread::get_id());
}

TEST_CASE("a handler that listens to its token is not named", "[destructor]") {
  Signal inside;
  std::atomic<int> named{0};
  {
    JobQueue<int> queue{[&](const int&, Delivery& delivery) {
                          inside.set();
                          (void)delivery.sleep_for(20s);
                        },
                        {.shutdown_grace = 0s, .on_hung = [&](const HungInfo&) {
                           ++named;
                           return OnHung::wait;
                         }}};
    queue.enqueue(0).or_throw();
    REQUIRE(inside.wait());
  }
  CHECK(named == 0);
}

#if defined(__linux__)
TEST_CASE("calls that wait while their queue is destroyed are told to leave", "[destructor]") {
  std::vector<EnqueueError> enqueued(2, EnqueueError::none);
  std::vector<WaitError> waited(3, WaitError::none);
  std::atomic<pid_t> tasks[5] = {};
  std::vector<std::thread> threads;
  {
    JobQueue<int> queue{
        {.capacity = 1, .workers = 0, .paused = true}};  // nothing can be reserved, and there is no room
    queue.enqueue(0).or_throw();
    const auto start = [&](std::size_t t, auto call) {
      threads.emplace_back([&tasks, t, call] {
        tasks[t] = gettid();
        call();
      });
    };
    start(0, [&] { enqueued[0] = queue.enqueue(1).error(); });
    start(1, [&] { enqueued[1] = queue.enqueue_for(1, 1h).error(); });
    start(2, [&] { waited[0] = queue.reserve().error(); });
    start(3, [&] { waited[1] = queue.reserve_for(1h).error(); });
    start(4, [&] {
      windlass::StopSource never;
      queue.run(never.token());
      waited[2] = WaitError::closed;
    });
    for (const auto& task : tasks) CHECK(await([&] { return task != 0 && proc::is_asleep(task); }));
  }
  for (auto& thread : threads) thread.join();
  CHECK(enqueued == std::vector{EnqueueError::closed, EnqueueError::closed});
  CHECK(waited == std::vector{WaitError::closed, WaitError::closed, WaitError::closed});
}

TEST_CASE("a queue that is destroyed by its own handler says its name and ends the program", "[destructor][fork]") {
  const bool by_sink = GENERATE(false, true);
  const Child child([&] {
    std::optional<JobQueue<int>> queue;
    queue.emplace(
        [&](const int&) {
          if (by_sink) throw 42;
          queue.reset();
        },
        windlass::QueueOptions<int>{
            .name = "suicidal", .max_failures = 1, .dead_letters = [&](const auto&) { queue.reset(); }});
    queue->enqueue(0).or_throw();
    Signal never;
    never.wait();
  });
  CHECK(child.ended_by() == "SIGABRT");
  CHECK(child.printed().find("suicidal") != std::string::npos);
}

TEST_CASE("a pool that is destroyed before its queue names both and ends the program", "[destructor][pool][fork]") {
  const Child child([&] {
    std::optional<WorkerPool> pool;
    pool.emplace(windlass::WorkerPoolOptions{.name = "hasty"});
    JobQueue<int> queue{[](const int&) {}, {.name = "orphan", .pool = &*pool}};
    pool.reset();
    _exit(0);  // lest the queue look for it
  });
  CHECK(child.ended_by() == "SIGABRT");
  CHECK(child.printed().find("hasty") != std::string::npos);
  CHECK(child.printed().find("orphan") != std::string::npos);
}

TEST_CASE("a pool that is destroyed before a queue that was shut down names both too", "[destructor][pool][fork]") {
  const Child child([&] {
    std::optional<WorkerPool> pool;
    pool.emplace(windlass::WorkerPoolOptions{.name = "hasty"});
    JobQueue<int> queue{[](const int&) {}, {.name = "orphan", .pool = &*pool}};
    (void)queue.shutdown();
    pool.reset();
    _exit(0);
  });
  CHECK(child.ended_by() == "SIGABRT");
  CHECK(child.printed().find("hasty") != std::string::npos);
  CHECK(child.printed().find("orphan") != std::string::npos);
}
#endif
