#include <benchmark/benchmark.h>

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>

#include "../harness/blockade.hpp"
#include "../harness/report.hpp"
#include "../harness/tally.hpp"
#include "../pools/pools.hpp"
#include "scenarios.hpp"

// (s): what one worker, and two at once, need to run what lies in the queue already. Nobody enqueues meanwhile, so the
// producer's share of (a) is not in it.
namespace {

using harness::Clock;
using harness::TallyBoard;

template <class Pool>
void run_backlog(benchmark::State& state, std::uint32_t workers) {
  constexpr std::uint32_t jobs = 1U << 17U;
  harness::Costs costs;
  Pool pool(workers, jobs + workers);
  for (auto _ : state) {
    const auto before = TallyBoard::total();
    std::optional<harness::Blockade> blockade(std::in_place, pool, workers);
    if (!blockade->is_complete()) return harness::fail(state, "not every worker could be kept busy");
    for (std::uint64_t i = 0; i < jobs; ++i) {
      pool.enqueue([i, pool_of_job = &pool] {
        benchmark::DoNotOptimize(pool_of_job);
        TallyBoard::add(i);
      });
    }
    const auto begun = Clock::now();
    blockade.reset();
    const auto ran = TallyBoard::wait_for(before, jobs);
    costs.add(state, Clock::now() - begun, jobs);
    if (ran != harness::Tally::of(jobs)) return harness::fail(state, "not every job ran exactly once");
  }
  costs.report(state, "ns_per_job");
}

void add(const std::string& scenario, std::uint32_t workers) {
  pools::for_each([&]<class Pool>(std::type_identity<Pool>) {
    harness::add(scenario, Pool::name, [workers](benchmark::State& state) { run_backlog<Pool>(state, workers); });
  });
}

}  // namespace

void scenarios::add_backlog() {
  add("s_backlog_1_worker", 1);
  add("s_backlog_2_workers", 2);
}
