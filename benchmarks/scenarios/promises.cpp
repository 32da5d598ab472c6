#include <benchmark/benchmark.h>

#include <cstdint>
#include <windlass/windlass.hpp>

#include "../harness/batches.hpp"
#include "../harness/report.hpp"
#include "../harness/tally.hpp"
#include "scenarios.hpp"

// (r): what windlass's promises cost. Fencing: at least once (the default), at most once, and try_commit in the
// handler. Timing: one job of 64 timed (the default), none, all.
namespace {

using harness::TallyBoard;

constexpr std::uint32_t workers = 2;
constexpr std::uint32_t jobs = 1U << 17U;

struct AtMostOnce : windlass::DefaultTraits {
  static constexpr bool at_most_once = true;
};
struct TimingNone : windlass::DefaultTraits {
  static constexpr windlass::Timing timing = windlass::Timing::none;
};
struct TimingAll : windlass::DefaultTraits {
  static constexpr windlass::Timing timing = windlass::Timing::all;
};

void count(const std::uint64_t& number) { TallyBoard::add(number); }

// A job whose commit is refused is not counted, and the row then fails.
windlass::Outcome count_if_committed(const std::uint64_t& number, windlass::Delivery& delivery) {
  if (!delivery.try_commit()) return windlass::Outcome::discard();
  TallyBoard::add(number);
  return windlass::Outcome::done();
}

template <class Traits, auto handler = &count>
void run_jobs(benchmark::State& state) {
  windlass::JobQueue<std::uint64_t, Traits> queue{handler, {.capacity = jobs, .workers = workers}};
  harness::time_batches(state, jobs, [&] {
    for (std::uint64_t i = 0; i < jobs; ++i) queue.enqueue(i).or_throw();
  });
}

}  // namespace

void scenarios::add_promises() {
  harness::add("r_fencing", "windlass", run_jobs<windlass::DefaultTraits>);
  harness::add("r_fencing", "windlass_at_most_once", run_jobs<AtMostOnce>);
  harness::add("r_fencing", "windlass_try_commit", run_jobs<windlass::DefaultTraits, &count_if_committed>);
  harness::add("r_timing", "windlass", run_jobs<windlass::DefaultTraits>);
  harness::add("r_timing", "windlass_timing_none", run_jobs<TimingNone>);
  harness::add("r_timing", "windlass_timing_all", run_jobs<TimingAll>);
}
