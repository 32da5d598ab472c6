#include "proc.hpp"

#if defined(__linux__)
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "await.hpp"
#include "catch.hpp"
#include "job_queue/signal.hpp"
#include "sanitized.hpp"
#include "windlass/job_queue.hpp"
#include "windlass/worker_pool.hpp"

using namespace std::chrono_literals;
using windlass::Delivery;
using windlass::JobQueue;
using windlass::Outcome;
using windlass::WorkerPool;

namespace {

std::chrono::nanoseconds cpu_of_this_process() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

std::uint64_t sleeps_of(const std::vector<pid_t>& threads) {
  std::uint64_t sum = 0;
  for (const pid_t thread : threads) sum += proc::sleeps(thread);
  return sum;
}

// Until no thread has woken for longer than any interval of the lease watch.
bool falls_asleep(const std::vector<pid_t>& threads) {
  std::uint64_t seen = sleeps_of(threads);
  auto since = std::chrono::steady_clock::now();
  return await([&] {
    const auto now = std::chrono::steady_clock::now();
    if (const std::uint64_t sleeps = sleeps_of(threads); sleeps != seen) {
      seen = sleeps;
      since = now;
    }
    return now - since > 1500ms;
  });
}

}  // namespace

TEST_CASE("idle queues cost nothing: no thread of theirs wakes, and there is next to no CPU time", "[idle]") {
  const std::vector<pid_t> before = proc::threads();
  JobQueue<int> fresh{[](const int&) {}, {.workers = 4}};
  JobQueue<int> worked{[](const int& n, Delivery& delivery) {
                         return n % 10 == 0 && delivery.attempt() == 1 ? Outcome::retry() : Outcome::done();
                       },
                       {.workers = 4, .retry = windlass::FixedDelay{1ms}}};
  for (int n = 0; n < 1'000; ++n) worked.enqueue(n, {.delay = n % 3 * 1ms}).or_throw();
  WorkerPool pool{{.workers = 4}};
  JobQueue<int> waits{[](const int&) {}, {.pool = &pool}}, empty{[](const int&) {}, {.pool = &pool}};
  waits.enqueue(0).or_throw();
  waits.enqueue(1, {.delay = 1h}).or_throw();
  CHECK(worked.wait_idle_for(10s));
  CHECK(await([&] { return worked.stats().done == 1'000 && waits.stats().done == 1; }));
  std::vector<pid_t> threads;
  CHECK(await([&] {
    threads.clear();
    for (const pid_t thread : proc::threads()) {
      if (std::find(before.begin(), before.end(), thread) == before.end()) threads.push_back(thread);
    }
    return threads.size() == 3 * (4 + 1);  // each crew with its timekeeper
  }));
  REQUIRE(falls_asleep(threads));
  const std::uint64_t sleeps = sleeps_of(threads);
  const auto cpu = cpu_of_this_process();
  std::this_thread::sleep_for(2s);
  const auto used = std::chrono::duration<double, std::milli>(cpu_of_this_process() - cpu).count();
  const std::uint64_t wakes = sleeps_of(threads) - sleeps;
  std::printf("idle for 2 s, 12 workers and 3 timekeepers: %u wake-ups, %.3f ms CPU\n", static_cast<unsigned>(wakes),
              used);
  CHECK(wakes == 0);
  CHECK((used < 1 || is_thread_sanitized || is_address_sanitized));  // those use some themselves
}

TEST_CASE("a pool sleeps soundly when a queue was destroyed with a lease out", "[pool][lease]") {
  if (is_thread_sanitized) return;  // its own thread wakes
  const bool outlives = GENERATE(true, false);
  const std::vector<pid_t> before = proc::threads();
  WorkerPool pool;
  {
    std::optional<JobQueue<int>::Lease> lease;  // of 4 s: not lost before the queue has gone, and watched each 250 ms
    Signal inside, go_on;
    JobQueue<int> queue{[&](const int&) {
                          inside.set();
                          go_on.wait();
                        },
                        {.pool = &pool, .lease = 4s, .shutdown_grace = 0s}};
    queue.enqueue(0).or_throw();  // the only worker is busy
    REQUIRE(inside.wait());
    queue.enqueue(1).or_throw();
    auto reserved = queue.try_reserve();
    REQUIRE(reserved);
    lease.emplace(std::move(*reserved));
    go_on.set();
    if (!outlives) CHECK(lease->done());
  }
  std::vector<pid_t> threads;
  CHECK(await([&] {
    threads.clear();
    for (const pid_t thread : proc::threads()) {
      if (std::find(before.begin(), before.end(), thread) == before.end()) threads.push_back(thread);
    }
    return threads.size() == 2 || threads.size() == 3;  // with a substitute, if the worker was slow to return
  }));
  CHECK(falls_asleep(threads));
}
#endif
