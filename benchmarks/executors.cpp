#include <benchmark/benchmark.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "pools.hpp"

// Empty 16-byte jobs on two workers: what a pool costs per job. Every job adds to a sum that is checked.
namespace {

constexpr std::uint32_t jobs = 1U << 17U;
constexpr std::uint32_t workers = 2;

// What a worker has run so far, on a line of its own: adding to it costs next to nothing.
struct alignas(64) Tally {
  std::atomic<std::uint64_t> count{0};
  std::atomic<std::uint64_t> sum{0};
};
constexpr std::size_t tallies = 64;
Tally tally[tallies];

Tally& my_tally() {
  static std::atomic<std::size_t> taken{0};
  thread_local Tally* const mine = &tally[taken.fetch_add(1) % tallies];
  return *mine;
}

void add(std::atomic<std::uint64_t>& to, std::uint64_t by) { to.fetch_add(by, std::memory_order_relaxed); }

std::uint64_t total(std::atomic<std::uint64_t> Tally::*what) {
  std::uint64_t sum = 0;
  for (const Tally& each : tally) sum += (each.*what).load(std::memory_order_relaxed);
  return sum;
}

template <class Pool>
void empty_jobs(benchmark::State& state) {
  const auto producers = static_cast<std::uint64_t>(state.range(0));
  Pool pool(workers, jobs);
  for (auto _ : state) {
    const std::uint64_t count_before = total(&Tally::count);
    const std::uint64_t sum_before = total(&Tally::sum);
    std::atomic<bool> go{false};
    const auto produce = [&](std::uint64_t first) {
      while (!go.load(std::memory_order_acquire)) std::this_thread::yield();
      for (std::uint64_t i = first; i < jobs; i += producers) {
        pool.enqueue([i, pool_of_job = &pool] {
          benchmark::DoNotOptimize(pool_of_job);
          Tally& mine = my_tally();
          add(mine.sum, i);
          add(mine.count, 1);
        });
      }
    };
    std::vector<std::thread> threads;
    for (std::uint64_t i = 1; i < producers; ++i) threads.emplace_back(produce, i);
    const auto begun = std::chrono::steady_clock::now();
    go.store(true, std::memory_order_release);
    produce(0);
    for (auto& thread : threads) thread.join();
    while (total(&Tally::count) - count_before < jobs) std::this_thread::sleep_for(std::chrono::microseconds{20});
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    state.SetIterationTime(took.count());
    if (total(&Tally::sum) - sum_before != std::uint64_t{jobs} * (jobs - 1) / 2) state.SkipWithError("wrong checksum");
  }
  state.counters["per_job"] = benchmark::Counter(static_cast<double>(state.iterations()) * jobs,
                                                 benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

template <class Pool>
void add_scenarios() {
  const std::string name = Pool::name;
  benchmark::RegisterBenchmark(("a_empty_1_producer/" + name).c_str(), empty_jobs<Pool>)->Arg(1)->UseManualTime();
  benchmark::RegisterBenchmark(("e_empty_4_producers/" + name).c_str(), empty_jobs<Pool>)->Arg(4)->UseManualTime();
}

// The leases that the figures claim to include: a job that hangs is redelivered.
bool leases_are_on() {
  std::atomic<int> runs{0};
  std::atomic<bool> is_free{false};
  windlass::JobQueue<int> queue{[&](const int&) {
                                  if (++runs > 1) return;
                                  while (!is_free) std::this_thread::yield();
                                },
                                {.lease = std::chrono::milliseconds{10}, .retry = windlass::FixedDelay{}}};
  queue.enqueue(1).or_throw();
  const bool redelivered = static_cast<bool>(queue.drain_for(std::chrono::seconds{5}));
  is_free = true;
  return redelivered && runs == 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (!leases_are_on()) {
    std::fputs("a hung job was not redelivered: these figures would be worth nothing\n", stderr);
    return EXIT_FAILURE;
  }
  add_scenarios<pools::Windlass>();
  add_scenarios<pools::MoodycamelBulk>();
  add_scenarios<pools::MutexDeque>();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return EXIT_SUCCESS;
}
