#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "await.hpp"
#include "catch.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::JobQueue;
using windlass::StopSource;
using windlass::testing::ManualQueue;

TEST_CASE("on_ready is called once when there is something to do, and again only after a pump", "[on_ready]") {
  int told = 0;
  std::thread::id where;
  JobQueue<int> queue{[](const int&) {}, {.workers = 0, .on_ready = [&] {
                                            ++told;
                                            where = std::this_thread::get_id();
                                          }}};
  CHECK(told == 0);
  std::thread::id there;
  std::thread other([&] {
    there = std::this_thread::get_id();
    queue.enqueue(0).or_throw();
  });
  other.join();
  CHECK(told == 1);
  CHECK(where == there);  // on the thread that brought the job
  for (int n = 1; n < 5; ++n) queue.enqueue(n).or_throw();
  CHECK(told == 1);
  CHECK(queue.pump().ran == 5);
  CHECK(told == 1);
  queue.enqueue(5).or_throw();
  CHECK(told == 2);
}

TEST_CASE("every call that runs jobs on the caller rearms on_ready", "[on_ready]") {
  int told = 0;
  StopSource stop;
  ManualQueue<int> queue{[&](const int&) { stop.request_stop(); }, {.on_ready = [&] { ++told; }}};
  queue.enqueue(0).or_throw();
  CHECK(told == 1);
  SECTION("run_one") { CHECK(queue.run_one()); }
  SECTION("poll") { CHECK(queue.poll() == 1); }
  SECTION("pump") { CHECK(queue.pump().ran == 1); }
  SECTION("wait_idle_for") { CHECK(queue.wait_idle_for(1s)); }
  SECTION("run") { queue.run(stop.token()); }
  CHECK(queue.stats().done == 1);
  CHECK(told == 1);
  queue.enqueue(1).or_throw();
  CHECK(told == 2);
}

TEST_CASE("every call that runs jobs rearms on_ready as it begins, for jobs that it leaves", "[on_ready]") {
  int told = 0;
  StopSource stop;
  ManualQueue<int> queue{[&](const int&) { stop.request_stop(); }, {.on_ready = [&] { ++told; }}};
  for (int n = 0; n < 2; ++n) queue.enqueue(n).or_throw();
  CHECK(told == 1);
  SECTION("pump") { CHECK(queue.pump({.max_jobs = 1}).left == 1); }
  SECTION("run_one") { CHECK(queue.run_one()); }
  SECTION("run") { queue.run(stop.token()); }
  CHECK(queue.stats().done == 1);
  queue.enqueue(2).or_throw();
  CHECK(told == 2);
}

TEST_CASE("a signal that a job of the same call has used up is given again for the next one", "[on_ready]") {
  int told = 0;
  StopSource stop;
  ManualQueue<int>* self = nullptr;
  ManualQueue<int> queue{
      [&](const int& n) { n == 0 ? self->enqueue(1).or_throw(), void() : (void)stop.request_stop(); },
      {.on_ready = [&] { ++told; }}};
  self = &queue;
  queue.enqueue(0).or_throw();
  SECTION("pump") { CHECK(queue.pump().ran == 2); }
  SECTION("run") { queue.run(stop.token()); }
  SECTION("wait_idle_for") { CHECK(queue.wait_idle_for(1s)); }
  CHECK(queue.stats().done == 2);
  CHECK(told == 2);
  queue.enqueue(2).or_throw();
  CHECK(told == 3);
}

TEST_CASE("poll rearms on_ready when it has run what an errand made ready", "[on_ready]") {
  int told = 0;
  ManualQueue<int> queue{[](const int&) {},
                         {.lease = 1s, .retry = windlass::FixedDelay{}, .on_ready = [&] { ++told; }}};
  queue.enqueue(0).or_throw();
  auto lease = queue.try_reserve();
  REQUIRE(lease);
  queue.clock().advance(2s);  // the lease is lost: an errand
  CHECK(queue.poll() == 1);
  const int before = told;
  queue.enqueue(1).or_throw();
  CHECK(told == before + 1);
}

TEST_CASE("while a lent thread waits for jobs, each that comes is news", "[on_ready][run]") {
  std::atomic<int> told{0};
  StopSource stop;
  JobQueue<int> queue{[](const int&) {}, {.capacity = 4096, .workers = 0, .on_ready = [&] { ++told; }}};
  std::thread lent([&] { queue.run(stop.token()); });
  CHECK(await([&] {
    (void)queue.try_enqueue(0);
    return told >= 5;  // it has run out of jobs four times
  }));
  stop.request_stop();
  lent.join();
}

TEST_CASE("poll has on_ready called for the jobs that its own jobs enqueue, and that it leaves", "[on_ready]") {
  int told = 0;
  ManualQueue<int>* self = nullptr;
  ManualQueue<int> queue{[&](const int&) { self->enqueue(1).or_throw(); }, {.on_ready = [&] { ++told; }}};
  self = &queue;
  queue.enqueue(0).or_throw();
  CHECK(queue.poll() == 1);
  CHECK(told == 2);
}

TEST_CASE("a pump that leaves jobs does not make news of the next one, if a handler's was news", "[on_ready]") {
  int told = 0;
  ManualQueue<int>* self = nullptr;
  ManualQueue<int> queue{[&](const int&) { self->enqueue(9).or_throw(); }, {.on_ready = [&] { ++told; }}};
  self = &queue;
  for (int n = 0; n < 2; ++n) queue.enqueue(n).or_throw();
  CHECK(queue.pump({.max_jobs = 1}).left == 2);
  CHECK(told == 2);
  queue.enqueue(3).or_throw();
  CHECK(told == 2);
}

TEST_CASE("calls that reserve rearm on_ready too", "[on_ready]") {
  int told = 0;
  ManualQueue<int> queue{{.on_ready = [&] { ++told; }}};
  queue.enqueue(0).or_throw();
  CHECK(told == 1);
  const bool waits = GENERATE(true, false);
  auto lease = waits ? queue.reserve() : queue.try_reserve();
  REQUIRE(lease);
  CHECK(lease->done());
  queue.enqueue(1).or_throw();
  CHECK(told == 2);
}

TEST_CASE("on_ready is called when next_due becomes earlier, not when it becomes later", "[on_ready]") {
  int told = 0;
  ManualQueue<int> queue{[](const int&) {}, {.on_ready = [&] { ++told; }}};
  queue.enqueue(0, {.delay = 50ms}).or_throw();
  CHECK(told == 1);
  CHECK(queue.pump().ran == 0);
  const auto due = queue.next_due();
  queue.enqueue(1, {.delay = 60ms}).or_throw();
  CHECK(told == 1);
  CHECK(queue.next_due() == due);
  queue.enqueue(2, {.delay = 40ms}).or_throw();
  CHECK(told == 2);
  CHECK(queue.next_due() < due);
}

TEST_CASE("on_ready is called with no lock held: it may call the queue, pump it even", "[on_ready]") {
  std::vector<std::string> calls;
  JobQueue<int>* self = nullptr;
  int ran = 0;
  JobQueue<int> queue{[&](const int&) { ++ran; }, {.workers = 0, .on_ready = [&] {
                                                     calls.push_back("on_ready");
                                                     CHECK(self->stats().present > 0);
                                                     (void)self->next_due();
                                                     if (calls.size() == 1) {
                                                       self->enqueue(100).or_throw();
                                                       self->enqueue(101, {.delay = 1h}).or_throw();
                                                     }
                                                     self->pump();
                                                   }}};
  self = &queue;
  queue.enqueue(0).or_throw();
  CHECK_FALSE(calls.empty());
  CHECK(ran >= 2);
  queue.enqueue(1, {.delay = 1min}).or_throw();
  CHECK(queue.stats().waiting == 2);
}

TEST_CASE("an on_ready that throws loses no job", "[on_ready]") {
  int ran = 0;
  ManualQueue<int> queue{[&](const int&) { ++ran; }, {.on_ready = [] { throw 42; }}};
  CHECK(queue.enqueue(0));
  CHECK(queue.enqueue(1, {.delay = 1s}));
  CHECK(queue.stats().user_errors == 1);
  CHECK(queue.run_until_idle() == 2);
  CHECK(ran == 2);
}

TEST_CASE("resume calls on_ready only if a job is ready", "[on_ready]") {
  int told = 0;
  ManualQueue<int> queue{[](const int&) {}, {.on_ready = [&] { ++told; }}};
  queue.pause();
  queue.resume();
  CHECK(told == 0);
  queue.pause();
  queue.enqueue(0).or_throw();
  CHECK(queue.pump().ran == 0);
  told = 0;
  queue.resume();
  CHECK(told == 1);
  CHECK(queue.pump().ran == 1);
}

TEST_CASE("a host that pumps whenever it is told so runs every job", "[on_ready]") {
  constexpr int producers = 3, each = 2'000;
  std::atomic<int> signals{0}, ran{0};
  JobQueue<int> queue{[&](const int&) { ++ran; }, {.capacity = 64, .workers = 0, .on_ready = [&] { ++signals; }}};
  std::vector<std::thread> threads;
  std::atomic<int> refused{0};
  for (int p = 0; p < producers; ++p) {
    threads.emplace_back([&] {
      for (int n = 0; n < each; ++n) refused += queue.enqueue_for(n, 10s) ? 0 : 1;
    });
  }
  const auto end = std::chrono::steady_clock::now() + 20s;
  for (int seen = 0; ran < producers * each && std::chrono::steady_clock::now() < end;) {
    if (signals == seen) {
      std::this_thread::yield();
      continue;
    }
    seen = signals;
    while (queue.pump({.max_jobs = 7}).ran == 7) {
    }
  }
  for (auto& thread : threads) thread.join();
  CHECK(refused == 0);
  CHECK(ran == producers * each);
}

TEST_CASE("a call that leaves nothing behind rearms on_ready, though a handler has brought a job", "[on_ready]") {
  int told = 0;
  ManualQueue<int>* self = nullptr;
  StopSource stop;
  ManualQueue<int> queue{[&](const int& n) {
                           if (n == 0) {
                             self->enqueue(1).or_throw();
                           } else {
                             stop.request_stop();
                           }
                         },
                         {.on_ready = [&] { ++told; }}};
  self = &queue;
  queue.enqueue(0).or_throw();
  SECTION("pump") { CHECK(queue.pump().left == 0); }
  SECTION("wait_idle_for") { CHECK(queue.wait_idle_for(1s)); }
  SECTION("run") { queue.run(stop.token()); }
  REQUIRE(queue.stats().done == 2);
  told = 0;
  queue.enqueue(2).or_throw();
  CHECK(told == 1);
}
