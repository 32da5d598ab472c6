#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include "await.hpp"
#include "catch.hpp"
#include "signal.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::JobQueue;
using windlass::WaitError;
using windlass::testing::ManualQueue;

namespace {

// Counts how often a worker looked and found nothing that it may run.
struct CountParked {
  std::atomic<int> parked{0};

  void operator()(const windlass::Observation& seen) { parked += seen.event == windlass::Event::parked ? 1 : 0; }
};
struct ParkedTraits : windlass::DefaultTraits {
  using Observer = CountParked;
};

}  // namespace

TEST_CASE("a queue that starts paused runs nothing, and resume needs no further enqueue", "[pause]") {
  std::atomic<int> ran{0};
  int before = 0;
  Signal is_awake;
  windlass::WorkerPool pool{{.workers = 1}};
  JobQueue<int, ParkedTraits> queue{[&](const int&) { ++ran; }, {.pool = &pool, .paused = true}};
  JobQueue<> other{{.pool = &pool}};
  CHECK(queue.is_paused());
  for (int n = 0; n < 100; ++n) queue.enqueue(n).or_throw();
  // Wakes the worker, which then looks again, and leaves the paused ones alone before it parks once more.
  const auto note = [&] {
    before = queue.observer().parked;
    is_awake.set();
  };
  other.enqueue(note).or_throw();
  REQUIRE(is_awake.wait());
  CHECK(await([&] { return queue.observer().parked > before; }));
  CHECK(ran == 0);
  queue.resume();
  CHECK_FALSE(queue.is_paused());
  CHECK(queue.wait_idle_for(10s));
  CHECK(ran == 100);
}

TEST_CASE("pause lets the running job go on and starts no other", "[pause]") {
  Signal inside, go_on;
  std::atomic<int> ran{0};
  JobQueue<int, ParkedTraits> queue{[&](const int&) {
    inside.set();
    if (go_on.wait()) ++ran;
  }};
  queue.enqueue(0).or_throw();
  queue.enqueue(1).or_throw();
  REQUIRE(inside.wait());
  queue.pause();
  const int before = queue.observer().parked;
  go_on.set();
  CHECK(await([&] { return queue.observer().parked > before; }));
  CHECK(ran == 1);
  CHECK(queue.stats().done == 1);
  CHECK(queue.stats().present == 1);
  queue.resume();
  CHECK(queue.drain_for(10s));
  CHECK(ran == 2);
}

TEST_CASE("a paused queue runs nothing for whoever pumps it", "[pause]") {
  int ran = 0;
  ManualQueue<int> queue{[&](const int&) { ++ran; }, {.paused = true}};
  queue.enqueue(0).or_throw();
  queue.enqueue(1, {.delay = 1s}).or_throw();
  CHECK(queue.step() == 0);
  CHECK_FALSE(queue.run_one());
  CHECK(queue.pump().ran == 0);
  queue.clock().advance(2s);
  CHECK(queue.pump().left == 2);  // what is due becomes ready all the same
  CHECK(queue.run_until_idle() == 0);
  CHECK_FALSE(queue.next_due());
  CHECK(queue.wait_idle_for(1s).error() == WaitError::timed_out);
  CHECK(ran == 0);
  queue.resume();
  CHECK(queue.next_due() == queue.clock().now());
  CHECK(queue.step() == 2);
}

TEST_CASE("a paused queue lends no job, but takes back what it lent", "[pause]") {
  ManualQueue<int> queue;
  queue.enqueue(7).or_throw();
  queue.enqueue(8).or_throw();
  auto lease = queue.try_reserve();
  REQUIRE(lease);
  queue.pause();
  CHECK(queue.try_reserve().error() == WaitError::timed_out);
  const auto begun = queue.clock().now();
  CHECK(queue.reserve_for(3s).error() == WaitError::timed_out);
  CHECK(queue.clock().now() == begun + 3s);
  CHECK(lease->done());
  CHECK(queue.stats().done == 1);
  queue.resume();
  auto other = queue.try_reserve();
  REQUIRE(other);
  CHECK(**other == 8);
  CHECK(other->done());
}

TEST_CASE("resume wakes a call that waits to reserve", "[pause]") {
  JobQueue<int> queue{{.workers = 0, .paused = true}};
  queue.enqueue(7).or_throw();
  Signal begins;
  std::optional<int> got;
  std::thread taker([&] {
    begins.set();
    if (auto lease = queue.reserve_for(10s)) {
      got = **lease;
      lease->done();
    }
  });
  CHECK(begins.wait());
  std::this_thread::sleep_for(50ms);  // it sleeps by now
  queue.resume();
  taker.join();
  CHECK(got == 7);
}

TEST_CASE("a job that becomes ready while its queue is paused calls nobody", "[pause]") {
  int told = 0;
  int ran = 0;
  ManualQueue<int> queue{[&](const int&) { ++ran; }, {.paused = true, .on_ready = [&] { ++told; }}};
  queue.enqueue(0).or_throw();
  queue.clock().advance(1s);
  CHECK(told == 0);
  queue.resume();
  CHECK(told == 1);
  CHECK(queue.pump().ran == 1);
}

TEST_CASE("resume tells a host that polls that there is something to do", "[pause]") {
  int told = 0;
  int ran = 0;
  ManualQueue<int> queue{[&](const int&) { ++ran; }, {.paused = true, .on_ready = [&] { ++told; }}};
  queue.enqueue(0).or_throw();
  const bool polls = GENERATE(true, false);
  CHECK((polls ? queue.poll() : queue.pump().ran) == 0);
  queue.resume();
  CHECK(told == 1);
  CHECK(queue.poll() == 1);
}

TEST_CASE("a paused queue does not drain, and shuts down without waiting for jobs that may not start", "[pause]") {
  int dead = 0;
  int ran = 0;
  ManualQueue<int> queue{[&](const int&) { ++ran; },
                         {.paused = true, .dead_letters = [&](const windlass::DeadLetter<int>& letter) {
                            dead += letter.reason == windlass::DeadReason::abandoned ? 1 : 0;
                          }}};
  queue.enqueue(0).or_throw();
  CHECK(queue.drain_for(1s).error() == WaitError::timed_out);
  const auto begun = queue.clock().now();
  CHECK(queue.shutdown({.grace = 5s}).abandoned == 1);
  CHECK(queue.clock().now() == begun);
  CHECK(dead == 1);
  CHECK(ran == 0);
}
