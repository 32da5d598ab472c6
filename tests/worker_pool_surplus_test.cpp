// Threads beyond the number asked for: none is counted that stands in for nobody.

#include <atomic>
#include <chrono>
#include <thread>

#include "await.hpp"
#include "catch.hpp"
#include "windlass/job_queue.hpp"

#if defined(__linux__)
#include <unistd.h>

#include "proc.hpp"

using namespace std::chrono_literals;
using windlass::JobQueue;
using windlass::WorkerInfo;
using windlass::WorkerPool;

TEST_CASE("workers that sleep while their pool is made smaller are no substitutes", "[pool]") {
  std::atomic<pid_t> workers[3] = {};
  WorkerPool pool{{.workers = 3, .on_worker_start = [&](const WorkerInfo& info) { workers[info.index] = gettid(); }}};
  JobQueue<int> queue{[](const int&) {}, {.pool = &pool}};
  const auto asleep = [&] {
    for (const auto& worker : workers) {
      if (worker == 0 || !proc::is_asleep(worker)) return false;
    }
    return true;
  };
  CHECK(await(asleep));
  pool.resize(1);
  CHECK(await([&] { return pool.substitutes() == 0; }));
  queue.enqueue(1).or_throw();
  CHECK(queue.drain_for(10s));
}

TEST_CASE("when the run of a lent thread that hung has returned, its substitute is none any more", "[pool][lease]") {
  const pid_t lent = gettid();
  std::atomic<pid_t> substitute{0};
  std::atomic<bool> has_hung{false};
  JobQueue<int> queue{[&](const int&, windlass::Delivery& delivery) {
                        if (gettid() != lent || delivery.attempt() > 1) return;
                        has_hung = true;
                        (void)await([&] { return substitute != 0 && proc::is_asleep(substitute); });
                      },
                      {.workers = 1, .lease = 20ms, .on_worker_start = [&](const WorkerInfo& info) {
                         if (info.is_substitute) substitute = gettid();
                       }}};
  while (!has_hung) {
    queue.enqueue(1).or_throw();
    (void)queue.run_one();
  }
  CHECK(await([&] { return queue.stats().hung == 0 && queue.stats().substitutes == 0; }));
  CHECK(queue.drain_for(10s));
}
#endif
