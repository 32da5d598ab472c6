#include <atomic>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "await.hpp"
#include "catch.hpp"
#include "proc.hpp"
#include "signal.hpp"
#include "windlass/job_queue.hpp"

using namespace std::chrono_literals;
using windlass::Delivery;
using windlass::FixedDelay;
using windlass::JobQueue;
using windlass::StopSource;
using windlass::WaitResult;

// Calls that wait while others do what they wait for, or while nobody does but them.

namespace {

// A payload whose construction, in its slot, may take as long as the test wants.
struct Slow {
  Slow() = default;
  Slow(Signal& begun, Signal& go_on) {
    begun.set();
    go_on.wait();
  }
};

// A queue without workers whose first run hangs, on a thread of its own, until `go_on`.
struct Hanging {
  Signal inside, go_on;
  std::atomic<int> runs{0};
  StopSource stop;
  JobQueue<int> queue{[this](const int&) {
                        if (++runs == 1) {
                          inside.set();
                          go_on.wait();
                        } else {
                          stop.request_stop();
                          go_on.set();
                        }
                      },
                      {.workers = 0, .lease = 20ms, .retry = FixedDelay{}}};
  std::thread hung{[this] {
    queue.enqueue(1).or_throw();
    (void)queue.run_one();
  }};

  ~Hanging() {
    stop.request_stop();
    go_on.set();
    hung.join();
  }
};

}  // namespace

TEST_CASE("who waits on a queue without workers sees to it that a hung run loses its lease", "[wait][lease]") {
  Hanging it;
  REQUIRE(it.inside.wait());
  SECTION("wait_idle_for") {
    CHECK(it.queue.wait_idle_for(5s));
    CHECK(it.runs == 2);
  }
  SECTION("drain_for") {
    CHECK(it.queue.drain_for(5s));
    CHECK(it.runs == 2);
  }
  SECTION("reserve") {  // it leaves what follows from the loss to those that run jobs
    std::thread waiter([&] { (void)it.queue.reserve(it.stop.token()); });
    CHECK(await([&] { return it.queue.stats().expiries == 1; }, 5s));
    it.stop.request_stop();
    waiter.join();
    return;
  }
  SECTION("run") {
    std::atomic<bool> has_returned{false};
    std::thread runner([&] {
      it.queue.run(it.stop.token());
      has_returned = true;
    });
    CHECK(await([&] { return has_returned.load(); }, 5s));
    CHECK(it.runs == 2);
    it.stop.request_stop();
    runner.join();
  }
  CHECK(it.queue.stats().expiries == 1);
  CHECK(it.queue.stats().redeliveries == 1);
}

#if defined(__linux__)
TEST_CASE("a job that lost its lease is redelivered, though those who wait to reserve are asked first", "[wait]") {
  Hanging it;
  std::vector<std::thread> waiters;
  std::atomic<pid_t> tasks[4] = {};
  REQUIRE(it.inside.wait());
  for (std::size_t t = 0; t < 4; ++t) {
    waiters.emplace_back([&, t] {
      tasks[t] = gettid();
      if (t == 3) return it.queue.run(it.stop.token());  // the only one that runs what follows from the loss
      if (auto lease = it.queue.reserve(it.stop.token())) {
        (void)lease->done();
        it.go_on.set();
      }
    });
    CHECK(await([&] { return tasks[t] != 0 && proc::is_asleep(tasks[t]); }));
  }
  CHECK(await(
      [&] {
        (void)it.queue.pump({.budget = 0ns});  // keeps time, runs nothing
        return it.queue.stats().redeliveries == 1;
      },
      5s));
  CHECK(it.queue.stats().expiries == 1);
  it.stop.request_stop();
  for (auto& waiter : waiters) waiter.join();
}

TEST_CASE("the end of an enqueue with a delay wakes who waits for idleness", "[wait][drain]") {
  const auto workers = GENERATE(1U, 0U);
  CAPTURE(workers);
  JobQueue<Slow> queue{[](const Slow&) {}, {.workers = workers}};
  queue.try_emplace_with({.delay = 1h}).or_throw();
  Signal begun, go_on;
  std::thread producer([&] { queue.try_emplace_with({.delay = 2h}, begun, go_on).or_throw(); });
  CHECK(begun.wait());
  std::atomic<pid_t> task{0};
  std::atomic<bool> has_returned{false};
  std::optional<WaitResult> result;
  std::thread waiter([&] {
    task = gettid();
    result = queue.wait_idle_for(1h);
    has_returned = true;
  });
  CHECK(await([&] { return task != 0 && proc::is_asleep(task); }));
  CHECK_FALSE(has_returned);  // a job may be about to become ready
  go_on.set();
  producer.join();
  CHECK(await([&] { return has_returned.load(); }, 5s));
  queue.try_emplace().or_throw();  // lest it wait for an hour
  while (!has_returned) (void)queue.poll();
  waiter.join();
  CHECK(*result);
}

TEST_CASE("who waits for idleness while a queue is destroyed is told to leave", "[wait][destructor]") {
  const auto workers = GENERATE(0U, 1U);
  const bool drains = GENERATE(false, true);
  CAPTURE(workers, drains);
  Signal inside;
  std::optional<JobQueue<int>> queue;
  queue.emplace(
      [&](const int&, Delivery& delivery) {
        inside.set();
        (void)delivery.sleep_for(1h);
      },
      windlass::QueueOptions<int>{.workers = workers, .lease = 0s, .shutdown_grace = 0s});
  if (workers == 1) {  // it must not have the other job
    queue->enqueue(0).or_throw();
    REQUIRE(inside.wait());
  }
  queue->enqueue(1).or_throw();
  auto lease = queue->try_reserve();
  REQUIRE(lease);
  std::atomic<pid_t> task{0};
  std::optional<WaitResult> result;
  std::thread waiter([&] {
    task = gettid();
    result = drains ? queue->drain_for(6s) : queue->wait_idle_for(6s);  // a limit, lest the test hang
  });
  CHECK(await([&] { return task != 0 && proc::is_asleep(task); }));
  Signal destroyed;
  std::thread destroyer([&] {
    queue.reset();
    destroyed.set();
  });
  CHECK(destroyed.wait(3s));
  destroyer.join();
  waiter.join();
  CHECK_FALSE(*result);
  CHECK_FALSE(lease->done());
}
#endif
