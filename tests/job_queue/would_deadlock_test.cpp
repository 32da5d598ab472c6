#include <array>
#include <atomic>
#include <barrier>
#include <optional>
#include <thread>
#include <vector>

#include "await.hpp"
#include "catch.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::DeadLetter;
using windlass::EnqueueError;
using windlass::Failure;
using windlass::JobQueue;
using windlass::Outcome;
using windlass::testing::ManualQueue;

TEST_CASE("all workers enqueueing into their own full queue return", "[enqueue][deadlock]") {
  static constexpr int workers = 3;
  std::barrier full{workers};
  std::array<std::atomic<EnqueueError>, workers> errors{};
  JobQueue<int>* self = nullptr;
  const auto handler = [&](int n) {
    if (n >= workers) return;
    full.arrive_and_wait();  // every slot is held by a running job
    errors[static_cast<std::size_t>(n)] = self->enqueue(n + workers).error();
    full.arrive_and_wait();  // until everybody has asked
  };
  JobQueue<int> queue{handler, {.capacity = workers, .workers = workers, .paused = true}};
  self = &queue;
  for (int n = 0; n < workers; ++n) queue.try_enqueue(n).or_throw();
  queue.resume();
  REQUIRE(queue.wait_idle_for(10s));
  for (const auto& error : errors) CHECK(error == EnqueueError::would_deadlock);
  CHECK(queue.stats().done == workers);
}

TEST_CASE("a handler may not wait for room in another queue of its own pool", "[enqueue][deadlock]") {
  windlass::WorkerPool pool;
  JobQueue<int> full{[](int) {}, {.capacity = 1, .pool = &pool, .paused = true}};
  full.try_enqueue(0).or_throw();
  std::atomic<EnqueueError> error{};
  JobQueue<int> queue{[&](int n) { error = full.enqueue(n).error(); }, {.pool = &pool}};
  queue.enqueue(1).or_throw();
  REQUIRE(queue.wait_idle_for(10s));
  CHECK(error == EnqueueError::would_deadlock);
}

TEST_CASE("a handler may wait for room in a queue that others work", "[enqueue][deadlock]") {
  JobQueue<int> sink{[](int) {}, {.capacity = 1}};
  JobQueue<int> queue{[&](int n) { sink.enqueue(n).or_throw(); }, {.capacity = 8}};
  for (int n = 0; n < 500; ++n) queue.enqueue(n).or_throw();
  REQUIRE(queue.wait_idle_for(10s));
  REQUIRE(sink.drain_for(10s));
  CHECK(queue.stats().failures == 0);
  CHECK(sink.stats().done == 500);
}

TEST_CASE("sink and retry policy may not wait for room in their own queue", "[enqueue][deadlock]") {
  std::vector<EnqueueError> errors;
  JobQueue<int>* self = nullptr;
  const auto ask = [&] { errors.push_back(self->enqueue_for(9, 10s).error()); };
  const auto policy = [&](const Failure&) {
    ask();
    return std::optional<windlass::Duration>{};
  };
  const auto sink = [&](const DeadLetter<int>&) { ask(); };
  JobQueue<int> queue{[](int) { return Outcome::retry(); },
                      {.capacity = 1, .paused = true, .retry = policy, .dead_letters = sink}};
  self = &queue;
  queue.try_enqueue(1).or_throw();
  queue.resume();
  REQUIRE(queue.wait_idle_for(10s));
  CHECK(errors == std::vector{EnqueueError::would_deadlock, EnqueueError::would_deadlock});
}

TEST_CASE("the thread that pumps may not wait for room, whatever it last called", "[enqueue][deadlock]") {
  using Queue = ManualQueue<int>;
  struct Way {
    const char* name;
    void (*pump)(Queue&);
  };
  const std::vector<Way> ways{{"run_one", [](Queue& q) { (void)q.run_one(); }},
                              {"pump", [](Queue& q) { (void)q.pump(); }},
                              {"pump with no time", [](Queue& q) { (void)q.pump({.budget = 0ns}); }},
                              {"poll", [](Queue& q) { (void)q.poll(); }},
                              {"wait_idle_for", [](Queue& q) { (void)q.wait_idle_for(1s); }}};
  for (const Way& way : ways) {
    CAPTURE(way.name);
    Queue queue{[](int) {}, {.capacity = 1}};
    queue.try_enqueue(1, {.delay = 1h}).or_throw();
    way.pump(queue);
    // A limit, lest the test hang where it should fail: only the clock moves.
    CHECK(queue.enqueue_for(2, 1min).error() == EnqueueError::would_deadlock);
  }
}

TEST_CASE("a handler that runs on a pump may not wait for room", "[enqueue][deadlock]") {
  std::vector<EnqueueError> errors;
  ManualQueue<int>* self = nullptr;
  ManualQueue<int> queue{[&](int n) { errors.push_back(self->enqueue_for(n + 1, 1min).error()); }, {.capacity = 1}};
  self = &queue;
  queue.try_enqueue(1).or_throw();
  CHECK(queue.step() == 1);
  CHECK(errors == std::vector{EnqueueError::would_deadlock});
}

TEST_CASE("who pumped once may wait for room when somebody else pumps now", "[enqueue][deadlock]") {
  std::atomic<int> runs{0};
  JobQueue<int> queue{[&](int) { ++runs; }, {.capacity = 1, .workers = 0, .paused = true}};
  queue.try_enqueue(1).or_throw();
  REQUIRE_FALSE(queue.run_one());
  REQUIRE(queue.enqueue(2).error() == EnqueueError::would_deadlock);
  std::atomic<bool> pumps{false};
  std::thread other{[&] {
    while (runs < 2) {
      (void)queue.poll();
      pumps = true;
    }
  }};
  const bool others_turn = await([&] { return pumps.load(); });
  queue.resume();
  const auto result = queue.enqueue_for(2, 10s);
  if (!result) queue.try_enqueue(2).or_throw();  // lest the other thread pump for ever
  other.join();
  CHECK(others_turn);
  CHECK(result.error() == EnqueueError::none);
}

TEST_CASE("a thread that neither made the queue nor pumps it may wait for room", "[enqueue][deadlock]") {
  JobQueue<int> queue{[](int) {}, {.capacity = 1, .workers = 0}};
  queue.try_enqueue(1).or_throw();
  std::optional<EnqueueError> error;
  std::atomic<bool> is_over{false};
  std::thread producer([&] {
    error = queue.enqueue_for(2, 20s).error();
    is_over = true;
  });
  CHECK(await([&] {
    (void)queue.run_one();
    return is_over.load();
  }));
  producer.join();
  CHECK(error == EnqueueError::none);
}

TEST_CASE("a thread that never pumped may wait for room, though it is where one was that did", "[enqueue][deadlock]") {
  static thread_local const char mark = 0;  // its address may tell threads apart only as long as both live
  for (int round = 0; round < 20; ++round) {
    ManualQueue<int> queue{[](int) {}, {.capacity = 1}};
    const char *pumped = nullptr, *waited = nullptr;
    EnqueueError error{};
    std::thread([&] {
      pumped = &mark;
      (void)queue.pump();
    }).join();
    queue.try_enqueue(1).or_throw();
    std::thread([&] {
      waited = &mark;
      error = queue.enqueue_for(2, 1min).error();
    }).join();
    CAPTURE(round, pumped == waited);
    CHECK(error == EnqueueError::timed_out);
  }
}
