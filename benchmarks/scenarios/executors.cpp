#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>

#include "../harness/report.hpp"
#include "../harness/spin.hpp"
#include "../harness/tally.hpp"
#include "../harness/threads.hpp"
#include "../pools/pools.hpp"
#include "scenarios.hpp"

// (a) and (e): empty 16-byte jobs, what a pool costs per job. (b): jobs that work for a microsecond. (i): more threads
// than cores.
namespace {

using harness::TallyBoard;

struct Load {
  std::uint32_t producers = 1;
  std::uint32_t workers = 2;
  std::uint32_t jobs = 1U << 17U;
  std::uint64_t spin_rounds = 0;  // of each job; 0: nothing but the count
};

// Enqueues every `load.producers`-th job, from `first` on. 16 bytes of captures in either case.
template <class Pool>
void produce(Pool& pool, const Load& load, std::uint64_t first) {
  for (std::uint64_t i = first; i < load.jobs; i += load.producers) {
    if (load.spin_rounds == 0) {
      pool.enqueue([i, pool_of_job = &pool] {
        benchmark::DoNotOptimize(pool_of_job);
        TallyBoard::add(i);
      });
    } else {
      pool.enqueue([i, rounds = load.spin_rounds] {
        harness::spin(rounds);
        TallyBoard::add(i);
      });
    }
  }
}

// Returns how long the jobs took, from the producers' common start; nothing if not every job ran exactly once.
template <class Pool>
std::optional<harness::Clock::duration> run_batch(Pool& pool, const Load& load) {
  const auto before = TallyBoard::total();
  const auto produced = harness::run_together(load.producers, [&](std::uint32_t index) { produce(pool, load, index); });
  const auto enqueued = harness::Clock::now();
  const auto ran = TallyBoard::wait_for(before, load.jobs);
  if (ran != harness::Tally::of(load.jobs)) return std::nullopt;
  return produced + (harness::Clock::now() - enqueued);
}

template <class Pool>
void run_jobs(benchmark::State& state, const Load& load) {
  harness::Costs costs;
  const auto at_first = TallyBoard::total();
  std::uint64_t batches = 1;
  {
    Pool pool(load.workers, load.jobs);
    auto took = run_batch(pool, load);  // not counted: it touches the memory for the first time
    for (auto _ : state) {
      if (took) took = run_batch(pool, load);
      if (!took) return harness::fail(state, "not every job ran exactly once");
      costs.add(state, *took, load.jobs);
      ++batches;
    }
  }
  if ((TallyBoard::total() - at_first).count != batches * load.jobs) {  // now that nothing runs any more
    return harness::fail(state, "a job ran twice");
  }
  costs.report(state, "ns_per_job");
}

// What threads take that do such jobs and share nothing: two cores need not be worth two of one.
void without_a_queue(benchmark::State& state, const Load& load) {
  harness::Costs costs;
  for (auto _ : state) {
    const auto before = TallyBoard::total();
    const auto took = harness::run_together(load.workers, [&](std::uint32_t index) {
      for (std::uint64_t i = index; i < load.jobs; i += load.workers) {
        harness::spin(load.spin_rounds);
        TallyBoard::add(i);
      }
    });
    if (TallyBoard::total() - before != harness::Tally::of(load.jobs)) {
      return harness::fail(state, "not every job was done exactly once");
    }
    costs.add(state, took, load.jobs);
  }
  costs.report(state, "ns_per_job");
}

void add(const std::string& scenario, const Load& load) {
  pools::for_each([&]<class Pool>(std::type_identity<Pool>) {
    harness::add(scenario, Pool::name, [load](benchmark::State& state) { run_jobs<Pool>(state, load); });
  });
}

}  // namespace

void scenarios::add_executors() {
  add("a_empty_1_producer", {});
  const Load working{.jobs = 1U << 13U, .spin_rounds = harness::rounds_per_microsecond()};
  add("b_1us_of_work", working);
  harness::add("b_1us_of_work", "machine", [working](benchmark::State& state) { without_a_queue(state, working); });
  add("e_empty_4_producers", {.producers = 4});
  const std::uint32_t cores = std::max(1U, std::thread::hardware_concurrency());
  add("i_threads_4x_cores", {.producers = 2 * cores, .workers = 2 * cores});
}
