#pragma once

#include <benchmark/benchmark.h>

#include <atomic>
#include <chrono>
#include <string>
#include <utility>

/// How a scenario is entered, and how it says what it found.
namespace harness {

using Clock = std::chrono::steady_clock;

/// Registers "scenario/contestant". `body(state)` times each iteration itself, by `set_time`. Once it has failed it is
/// not run again: Google Benchmark 1.7 crashes in its statistics if the first repetition fails and a later one does
/// not.
template <class Body>
benchmark::internal::Benchmark* add(const std::string& scenario, const std::string& contestant, Body body) {
  const auto run = [body = std::move(body), has_failed = false](benchmark::State& state) mutable {
    if (has_failed) return state.SkipWithError("an earlier repetition failed");
    body(state);
    has_failed = state.error_occurred();
  };
  return benchmark::RegisterBenchmark((scenario + "/" + contestant).c_str(), run)->UseManualTime();
}

/// For scenarios that wait for real time to pass, and would do so again and again: one iteration a repetition.
template <class Body>
void add_once(const std::string& scenario, const std::string& contestant, Body body) {
  add(scenario, contestant, std::move(body))->Iterations(1);
}

inline void set_time(benchmark::State& state, Clock::duration took) {
  state.SetIterationTime(std::chrono::duration<double>(took).count());
}

[[nodiscard]] inline double nanoseconds(Clock::duration length) {
  return std::chrono::duration<double, std::nano>(length).count();
}

/// A figure of the row, in the unit that ends its name, as in `ns_per_job`; the less the better.
inline void set_figure(benchmark::State& state, const std::string& name, double value) {
  state.counters[name] = benchmark::Counter(value);
}

/// Set once any check of any scenario has failed: then the program fails, too.
inline std::atomic<bool> any_failed{false};

/// Ends the row: its result was wrong, so its time means nothing. The loop over `state` must be left at once.
inline void fail(benchmark::State& state, const char* why) {
  any_failed.store(true);
  state.SkipWithError(why);
}

/// The time that so far all iterations took, shared out among what they did.
class Costs {
 public:
  /// One iteration took `took` for `parts` jobs, items or calls.
  void add(benchmark::State& state, Clock::duration took, double parts) {
    set_time(state, took);
    took_ += nanoseconds(took);
    parts_ += parts;
  }
  /// Sets the figure `name`.
  void report(benchmark::State& state, const std::string& name) const {
    if (parts_ > 0) set_figure(state, name, took_ / parts_);
  }

 private:
  double took_ = 0;
  double parts_ = 0;
};

}  // namespace harness
