#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>

#include "report.hpp"
#include "tally.hpp"

namespace harness {

/// Times batches of jobs numbered 0 to `jobs` - 1: `enqueue_all()` hands them all out, each must count its number once.
/// A first batch, which touches the memory, is not timed. Sets the figure `ns_per_job`.
template <class EnqueueAll>
void time_batches(benchmark::State& state, std::uint64_t jobs, EnqueueAll enqueue_all) {
  Costs costs;
  bool is_right = true;
  const auto run = [&] {
    const auto before = TallyBoard::total();
    const auto begun = Clock::now();
    enqueue_all();
    const Tally ran = TallyBoard::wait_for(before, jobs);  // in any case: a pool must not go while jobs run
    is_right = is_right && ran == Tally::of(jobs);
    return Clock::now() - begun;
  };
  run();
  for (auto _ : state) {
    const auto took = run();
    if (!is_right) return fail(state, "not every job ran exactly once");
    costs.add(state, took, static_cast<double>(jobs));
  }
  costs.report(state, "ns_per_job");
}

}  // namespace harness
