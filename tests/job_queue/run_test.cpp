#include <atomic>
#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

#include "await.hpp"
#include "catch.hpp"
#include "proc.hpp"
#include "signal.hpp"
#include "windlass/job_queue.hpp"

using namespace std::chrono_literals;
using windlass::JobQueue;
using windlass::StopSource;

TEST_CASE("run lends the calling thread until its stop is requested", "[run]") {
  StopSource stop;
  std::atomic<int> ran{0}, elsewhere{0};
  JobQueue<int>* self = nullptr;
  JobQueue<int> queue{[&, here = std::this_thread::get_id()](const int& n) {
                        ++ran;
                        elsewhere += std::this_thread::get_id() == here ? 0 : 1;
                        if (n > 0) self->enqueue(n - 1, {.delay = 1ms}).or_throw();
                        if (n == 0) stop.request_stop();
                      },
                      {.workers = 0}};
  self = &queue;
  queue.enqueue(3).or_throw();
  queue.enqueue(3).or_throw();
  queue.run(stop.token());
  CHECK(ran >= 7);  // both got down to 1, and one to 0
  CHECK(elsewhere == 0);
  CHECK_FALSE(queue.is_closed());
  const int before = ran;
  queue.run(stop.token());
  CHECK(ran == before);
}

#if defined(__linux__)
TEST_CASE("a stop, or the end of the last job of a closed queue, wakes a thread that lends itself", "[run]") {
  StopSource stop;
  JobQueue<int> queue{[](const int&) {}, {.workers = 0}};
  std::atomic<pid_t> task{0};
  std::atomic<bool> is_over{false};
  std::thread runner([&] {
    task = gettid();
    queue.run(stop.token());
    is_over = true;
  });
  CHECK(await([&] { return task != 0 && proc::is_asleep(task); }));
  CHECK_FALSE(is_over);
  const bool stops = GENERATE(true, false);
  stops ? static_cast<void>(stop.request_stop()) : queue.close();
  CHECK(await([&] { return is_over.load(); }));
  runner.join();
}
#endif

TEST_CASE("run ends when the queue is closed and empty, not before its delayed jobs are done", "[run]") {
  StopSource never;
  int ran = 0;
  JobQueue<int> queue{[&](const int&) { ++ran; }, {.workers = 0}};
  queue.enqueue(0).or_throw();
  queue.enqueue(1, {.delay = 5ms}).or_throw();
  queue.close();
  queue.run(never.token());
  CHECK(ran == 2);
  CHECK(queue.stats().present == 0);
}

TEST_CASE("run is one more worker for a queue that has some", "[run]") {
  std::atomic<int> inside{0};
  std::atomic<int> together{0};
  JobQueue<int> queue{[&](const int&) {
                        ++inside;
                        together += await([&] { return inside == 3; }) ? 1 : 0;
                      },
                      {.workers = 2}};
  for (int n = 0; n < 3; ++n) queue.enqueue(n).or_throw();
  queue.close();
  StopSource never;
  queue.run(never.token());
  CHECK(queue.drain_for(10s));
  CHECK(together == 3);
}

TEST_CASE("four threads pump at once, a fifth finds nothing and runs again when there is a place", "[run]") {
  Signal go_on;
  std::atomic<int> inside{0}, ran{0};
  JobQueue<int> queue{[&](const int&) {
                        ++inside;
                        go_on.wait();
                        --inside;
                        ++ran;
                      },
                      {.workers = 0}};
  for (int n = 0; n < 6; ++n) queue.enqueue(n).or_throw();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) threads.emplace_back([&] { (void)queue.run_one(); });
  CHECK(await([&] { return inside == 4; }));
  CHECK_FALSE(queue.run_one());
  CHECK(queue.pump().ran == 0);
  CHECK(queue.poll() == 0);
  StopSource never;
  queue.run(never.token());  // returns
  CHECK(inside == 4);
  go_on.set();
  for (auto& thread : threads) thread.join();
  CHECK(ran == 4);
  CHECK(queue.poll() == 2);
}

TEST_CASE("threads that pump one queue run every job once", "[run][stress]") {
  constexpr int jobs = 20'000;
  std::vector<std::atomic<int>> times(jobs);
  JobQueue<int> queue{[&](const int& n) { ++times[static_cast<std::size_t>(n)]; }, {.capacity = 256, .workers = 0}};
  StopSource never;
  std::vector<std::thread> threads;
  threads.emplace_back([&] { queue.run(never.token()); });
  threads.emplace_back([&] {
    while (!queue.is_closed() || queue.stats().present > 0) {
      if (queue.poll() == 0) std::this_thread::yield();
    }
  });
  threads.emplace_back([&] {
    while (!queue.is_closed() || queue.stats().present > 0) {
      if (queue.pump({.max_jobs = 3}).ran == 0) std::this_thread::yield();
    }
  });
  int refused = 0;
  for (int n = 0; n < jobs; ++n) refused += queue.enqueue_for(n, 10s) ? 0 : 1;
  queue.close();
  for (auto& thread : threads) thread.join();
  CHECK(refused == 0);
  int wrong = 0;
  for (const auto& count : times) wrong += count == 1 ? 0 : 1;
  CHECK(wrong == 0);
}

TEST_CASE("a handler may pump its own queue, as deep as there are places", "[run]") {
  int depth = 0, deepest = 0, ran = 0;
  JobQueue<int>* self = nullptr;
  JobQueue<int> queue{[&](const int&) {
                        deepest = ++depth > deepest ? depth : deepest;
                        (void)self->run_one();
                        --depth;
                        ++ran;
                      },
                      {.workers = 0}};
  self = &queue;
  for (int n = 0; n < 10; ++n) queue.enqueue(n).or_throw();
  CHECK(queue.pump().left == 0);
  CHECK(ran == 10);
  CHECK(deepest == 4);
}
