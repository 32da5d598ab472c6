#include <atomic>
#include <chrono>
#include <cstdint>
#include <random>
#include <thread>
#include <vector>

#include "await.hpp"
#include "catch.hpp"
#include "windlass/job_queue.hpp"

using namespace std::chrono_literals;
using windlass::Delivery;
using windlass::JobQueue;
using windlass::Outcome;
using windlass::StopSource;
using windlass::WaitError;
using windlass::WorkerPool;

// A wake that is missed leaves a job beside sleeping workers for good: nothing else comes, and a wait ends in vain.
// Each round is a job, or a few, for workers that are just going to sleep.

namespace {

// Makes the moment of the next enqueue differ from round to round.
void dawdle(std::mt19937& random) {
  for (auto n = random() % 512; n > 0; --n) std::atomic_signal_fence(std::memory_order_seq_cst);
}

void ignore(const int&) {}

}  // namespace

TEST_CASE("one job at a time for sleeping workers: none is left lying", "[wake][stress]") {
  constexpr int rounds = 10'000;
  const auto workers = GENERATE(1U, 2U, 4U);
  std::mt19937 random(workers);
  JobQueue<int> queue{ignore, {.workers = workers}};
  int in_vain = 0;
  for (int round = 0; round < rounds && in_vain == 0; ++round) {
    dawdle(random);
    queue.enqueue(round).or_throw();
    in_vain += queue.wait_idle_for(10s) ? 0 : 1;
  }
  CHECK(in_vain == 0);
  CHECK(queue.stats().done == rounds);
}

TEST_CASE("of two jobs for two sleeping workers each gets a worker, though they come at once", "[wake][stress]") {
  constexpr int rounds = 5'000;
  std::mt19937 random(5);
  std::atomic<int> inside{0}, alone{0};
  JobQueue<int> queue{[&](const int& round) {  // each waits for the other to be inside
                        ++inside;
                        const auto end = std::chrono::steady_clock::now() + 10s;
                        while (inside < 2 * (round + 1) && alone == 0) {
                          std::this_thread::yield();
                          if (std::chrono::steady_clock::now() > end) ++alone;
                        }
                      },
                      {.workers = 2}};
  for (int round = 0; round < rounds && alone == 0; ++round) {
    dawdle(random);
    queue.enqueue(round).or_throw();
    for (auto n = random() % 64; n > 0; --n) std::atomic_signal_fence(std::memory_order_seq_cst);
    queue.enqueue(round).or_throw();
    alone += queue.wait_idle_for(20s) ? 0 : 1;
  }
  CHECK(alone == 0);
  CHECK(queue.stats().done == 2 * rounds);
}

TEST_CASE("producers that race with workers going to sleep leave no job lying", "[wake][stress]") {
  constexpr int producers = 3, rounds = 3'000;
  WorkerPool pool{{.workers = 3}};
  JobQueue<int> left{ignore, {.pool = &pool}}, right{ignore, {.pool = &pool}};
  std::atomic<int> come{0}, in_vain{0};
  std::vector<std::thread> threads;
  for (int p = 0; p < producers; ++p) {
    threads.emplace_back([&, p] {
      std::mt19937 random(static_cast<unsigned>(p));
      for (int round = 0; round < rounds && in_vain == 0; ++round) {
        ++come;
        while (come < (round + 1) * producers && in_vain == 0) std::this_thread::yield();  // all at once
        dawdle(random);
        JobQueue<int>& queue = p == 0 ? left : right;
        queue.enqueue(round).or_throw();
        in_vain += queue.wait_idle_for(10s) ? 0 : 1;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(in_vain == 0);
  CHECK(left.stats().done == rounds);
  CHECK(right.stats().done == 2 * rounds);
}

TEST_CASE("no job is left lying that a handler, a timer, a retry or resume makes ready", "[wake][stress]") {
  std::mt19937 random(7);
  JobQueue<> queue{{.workers = 2, .max_failures = 2}};
  std::uint64_t expected = 0;
  int in_vain = 0;
  for (int round = 0; round < 2'000 && in_vain == 0; ++round) {
    dawdle(random);
    switch (round % 4) {
      case 0:
        queue.enqueue([&] { queue.enqueue([] {}).or_throw(); }).or_throw();
        ++expected;
        break;
      case 1:
        queue.enqueue([] {}, {.delay = 1us}).or_throw();
        break;
      case 2:
        queue
            .enqueue(
                [](Delivery& delivery) { return delivery.attempt() == 1 ? Outcome::retry_after(0s) : Outcome::done(); })
            .or_throw();
        break;
      default:
        queue.pause();
        queue.enqueue([] {}).or_throw();
        queue.resume();
    }
    ++expected;
    in_vain += await([&] { return queue.stats().done == expected; }) ? 0 : 1;
  }
  CHECK(in_vain == 0);
}

TEST_CASE("jobs for threads that wait to reserve, or lend themselves, are not left lying", "[wake][stress]") {
  constexpr int jobs = 20'000;
  const bool reserves = GENERATE(true, false);
  JobQueue<int> queue{ignore, {.capacity = 16, .workers = 0}};
  std::atomic<int> in_vain{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      StopSource never;
      if (!reserves) return queue.run(never.token());
      for (;;) {
        auto lease = queue.reserve_for(10s);
        if (lease.error() == WaitError::closed) return;
        if (!lease || !lease->done()) ++in_vain;
        if (in_vain != 0) return;
      }
    });
  }
  std::mt19937 random(9);
  int refused = 0;
  for (int n = 0; n < jobs && refused == 0; ++n) {
    if (n % 32 == 0) dawdle(random);
    refused += queue.enqueue_for(n, 10s) ? 0 : 1;
  }
  queue.close();
  for (auto& thread : threads) thread.join();
  CHECK(in_vain == 0);
  CHECK(refused == 0);
  CHECK(queue.stats().done == jobs);
}
