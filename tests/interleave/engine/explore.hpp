#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "checked.hpp"
#include "execution.hpp"

namespace interleave {

/// What a scenario's body gets: makes threads and waits for them. Objects under test are made in the body, anew for
/// each schedule; the body itself runs alone, before its threads begin and after they have ended.
class Run {
 public:
  /// A thread; it begins with join().
  void thread(std::function<void()> body) { Execution::now().add(std::move(body)); }

  /// Runs all threads until they are over.
  void join() { Execution::now().join(); }
};

using Body = std::function<void(Run&)>;

/// How far to go.
struct Options {
  std::uint32_t deviations = 4;        ///< Depth-first: all schedules with 0, then 1, ... up to so many deviations (see
  std::uint64_t depth_first = 20'000;  ///< DepthFirst) together, but no more schedules than this in all.
  std::uint64_t random = 5'000;        ///< Then, unless depth-first saw everything, so many random ones.
  std::uint32_t change_points = 8;     ///< Of a random schedule: how often at most the running thread falls behind.
  std::uint64_t seed = 1;              ///< Of the first random schedule; the next has the next seed.
  Seq seq = Seq::as_executed;          ///< Which total orders of the seq_cst operations are tried.
};

/// What was found.
struct Report {
  std::uint64_t depth_first = 0;  ///< Distinct schedules.
  std::uint64_t random = 0;       ///< Random schedules.
  std::uint64_t distinct = 0;     ///< How many of the random ones were different.
  std::uint32_t deviations = 0;   ///< All schedules with up to so many were seen,
  bool has_bound = false;         ///< if any bound was reached at all;
  bool is_exhausted = false;      ///< and there are no others.
  std::uint64_t seed = 0;         ///< Of the failure, if a random schedule found it.
  std::string failure;            ///< Empty if nothing failed.
  Seq seq = Seq::as_executed;
  std::vector<std::uint32_t> choices;
  std::vector<std::string> trace;

  [[nodiscard]] bool failed() const noexcept { return !failure.empty(); }
  /// Different schedules; a few of the random ones may be among the depth-first ones.
  [[nodiscard]] std::uint64_t schedules() const noexcept { return depth_first + distinct; }
};

namespace detail {

inline bool run_once(Execution& execution, Chooser& chooser, const Body& body) {
  return execution.run(chooser, [&body] {
    Run run;
    body(run);
  });
}

// Runs `choices` again and notes what happens.
inline void trace(Report& report, const Body& body) {
  Execution execution;
  execution.is_tracing = true;
  execution.memory.seq = report.seq;
  Replay again(report.choices);
  (void)run_once(execution, again, body);
  report.failure = execution.failure();
  report.trace = std::move(execution.trace);
}

inline void note_failure(Report& report, const Execution& execution, const Body& body) {
  report.choices = execution.choices();
  trace(report, body);
}

// False if a schedule failed.
inline bool go_deep(Execution& execution, const Options& options, const Body& body, Report& report) {
  std::uint64_t left = options.depth_first;
  for (std::uint32_t bound = 0, before = 0;; bound = before < 4 ? before + 1 : options.deviations) {
    DepthFirst chooser(bound);
    do {
      if (left-- == 0) return true;
      const bool is_well = run_once(execution, chooser, body);
      if (bound == 0 || chooser.deviations() > before) ++report.depth_first;  // else seen before
      if (!is_well) {
        note_failure(report, execution, body);
        return false;
      }
    } while (chooser.next());
    report.has_bound = true;
    report.deviations = bound;
    report.is_exhausted = !chooser.was_bounded();
    if (report.is_exhausted || bound == options.deviations) return true;
    before = bound;
  }
}

inline void go_at_random(Execution& execution, const Options& options, const Body& body, Report& report) {
  // The length is that of a fixed schedule, so that each seed alone says what its schedule is.
  Replay plain({});
  bool is_well = run_once(execution, plain, body);
  const std::uint32_t length = execution.points();
  std::unordered_set<std::uint64_t> seen;
  for (std::uint64_t i = 0; is_well && i < options.random; ++i) {
    RandomPriorities chooser((options.seed + i) * 0x2545f4914f6cdd1dU, options.change_points, length);
    is_well = run_once(execution, chooser, body);
    ++report.random;
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const std::uint32_t choice : execution.choices()) hash = (hash ^ choice) * 0x100000001b3U;
    seen.insert(hash);
    report.seed = options.seed + i;
  }
  report.distinct = seen.size();
  if (!is_well) note_failure(report, execution, body);
}

}  // namespace detail

/// Runs `body` in many schedules; ends with the first that fails.
[[nodiscard]] inline Report search(const Options& options, const Body& body) {
  Report report;
  report.seq = options.seq;
  Execution execution;
  execution.memory.seq = options.seq;
  if (detail::go_deep(execution, options, body, report) && !report.is_exhausted) {
    detail::go_at_random(execution, options, body, report);
  }
  return report;
}

/// Runs one schedule.
[[nodiscard]] inline Report replay(std::vector<std::uint32_t> choices, const Body& body, Seq seq = Seq::as_executed) {
  Report report;
  report.seq = seq;
  report.choices = std::move(choices);
  detail::trace(report, body);
  return report;
}

}  // namespace interleave
