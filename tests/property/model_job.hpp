#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "setup.hpp"
#include "turns.hpp"
#include "windlass/dead_letter.hpp"
#include "windlass/options.hpp"

namespace property {

using Wall = std::chrono::system_clock::time_point;

/// What of a queue is not in its options.
struct Form {
  bool is_copyable = true;  ///< Its payloads.
  bool is_at_most_once = false;
};

/// Where a job is, as its queue's users know it.
enum class Place : std::uint8_t {
  ready,
  waiting,
  running,    ///< Some run, or pulled lease, has it.
  committed,  ///< The same, after try_commit.
  lost,       ///< Its lease is lost, and nobody has worked out what follows.
  asked,      ///< Its policy, or on_hung, is being asked what follows.
  stalled,    ///< Waits for its hung runs to return.
  dying,      ///< About to be offered to the sink.
  kept,
  over,
};

enum class Tried : std::uint8_t { not_yet, granted, refused };

/// One run, or pulled lease.
struct Run {
  std::uint32_t number = 0;  ///< Its job's.
  std::uint64_t serial = 0;
  std::uint32_t attempt = 0;
  Taker taker = reserver;
  bool is_lost = false;
  Tried commit = Tried::not_yet;
};

/// What the model knows of a job.
struct Job {
  std::uint32_t number = 0;
  std::uint8_t lane = 1;
  Place place = Place::ready;
  std::uint32_t failures = 0;
  std::uint32_t hangs = 0;
  std::uint32_t deliveries = 0;
  std::uint32_t max_failures = 0;
  std::uint32_t max_deliveries = 0;
  Duration lease{};
  Duration max_runtime{};
  Duration retry_for{};
  std::optional<Time> enqueued_at{};  ///< If it must be known.
  Time due{};                         ///< waiting: rounded up to a tick.
  std::uint64_t linked = 0;           ///< waiting: in which order they were.
  std::optional<Wall> at{};
  Duration previous_delay{};                     ///< What its policy answered last.
  std::string asked_about{};                     ///< asked: the failure's reason.
  std::optional<windlass::DeadReason> reason{};  ///< dead, or asked: what it dies of if its policy says never.
  std::string first_error{};
  std::string last_error{};
  std::uint32_t refusals = 0;  ///< Of the sink, so far.
  std::uint64_t newest_run = 0;
  std::uint32_t inside = 0;   ///< Runs that lost it and have not returned.
  bool is_cancelled = false;  ///< While a run had it.
  bool is_in_lane = false;    ///< So is a tombstone.
  bool is_errand = false;     ///< What follows from its lost lease is to be worked out.
  bool owes_letter = false;   ///< The second one, with the payload.

  /// Whether it takes room in its queue.
  [[nodiscard]] bool is_here() const noexcept {
    return place != Place::over || is_in_lane || is_errand || inside > 0 || owes_letter;
  }
  [[nodiscard]] bool is_present() const noexcept { return place < Place::dying; }
};

/// Whether `options` contradict themselves or are out of range.
[[nodiscard]] inline bool is_invalid(const windlass::EnqueueOptions& options) {
  const auto is_short = [](const std::optional<Duration>& length) {
    return length && *length != Duration{} && *length < 1ms;
  };
  return (options.at && options.delay != Duration{}) || (options.priority && static_cast<int>(*options.priority) > 2) ||
         is_short(options.lease) || is_short(options.max_runtime) ||
         (options.max_failures && *options.max_failures == 0);
}

/// When a job for `at` is looked at next: once a second, for the wall clock may be set.
[[nodiscard]] inline Time look_at(Wall at, Time now, Wall wall) {
  return at <= wall ? now : now + std::min<Duration>(at - wall, 1s);
}

[[nodiscard]] inline bool is_too_old(const Job& job, Time now) {
  return job.retry_for != Duration{} && now - *job.enqueued_at >= job.retry_for;
}

/// The numbers that Stats and the model both have.
struct Counts {
  std::uint64_t accepted = 0, done = 0, dead = 0, abandoned = 0, cancelled = 0, discarded = 0, returned = 0;
  std::uint64_t deliveries = 0, failures = 0, exceptions = 0, retries = 0, snoozes = 0, expiries = 0;
  std::uint64_t redeliveries = 0, stale_settles = 0, late_successes = 0, sink_failures = 0, user_errors = 0;
};

/// Jobs by what can be seen of them.
struct Tally {
  std::uint32_t taken = 0, present = 0, waiting = 0, kept = 0, tombstones = 0, ready = 0, busy = 0, owed = 0;
};
[[nodiscard]] inline Tally tally_of(const std::vector<Job>& jobs) {
  Tally sums;
  for (const Job& job : jobs) {
    if (!job.is_here()) continue;
    ++sums.taken;
    sums.present += job.is_present() ? 1U : 0U;
    sums.waiting += job.place == Place::waiting ? 1U : 0U;
    sums.kept += job.place == Place::kept ? 1U : 0U;
    sums.tombstones += job.place == Place::over && job.is_in_lane ? 1U : 0U;
    sums.ready += job.place == Place::ready ? 1U : 0U;
    sums.busy += job.is_present() && job.place != Place::waiting && job.place != Place::ready ? 1U : 0U;
    const bool is_owed = job.place == Place::over && job.owes_letter && job.inside == 0;
    sums.owed += job.place == Place::dying || is_owed ? 1U : 0U;
  }
  return sums;
}

}  // namespace property
