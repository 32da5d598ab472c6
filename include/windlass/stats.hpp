#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "clock.hpp"

namespace windlass {

/// How often a length of time fell into which power of two of nanoseconds: bucket `n` counts [2^(n-1), 2^n) ns.
struct Histogram {
  static constexpr std::size_t buckets = 64;

  std::array<std::uint64_t, buckets> counts{};

  /// The bucket of `length`; a negative one counts as zero. O(1).
  [[nodiscard]] static constexpr std::size_t bucket_of(Duration length) noexcept {
    const auto ns = length > Duration::zero() ? static_cast<std::uint64_t>(length.count()) : 0U;
    return static_cast<std::size_t>(std::bit_width(ns));
  }

  /// How many lengths were counted.
  [[nodiscard]] constexpr std::uint64_t total() const noexcept {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : counts) sum += count;
    return sum;
  }

  /// A length that at least `share` (0 to 1) of those counted do not exceed: the upper end of the bucket where the
  /// share is reached, so up to twice too long. Zero if nothing was counted.
  [[nodiscard]] constexpr Duration quantile(double share) const noexcept {
    const double wanted = share * static_cast<double>(total());
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < buckets; ++i) {
      sum += counts[i];
      if (sum > 0 && static_cast<double>(sum) >= wanted)
        return Duration{static_cast<Duration::rep>((std::uint64_t{1} << i) - 1)};
    }
    return Duration::zero();
  }
};

/// What became of all jobs ever offered to a queue. A snapshot; no number is ever negative, and
/// `accepted == done + dead + cancelled + discarded + returned + present`.
struct Report {
  std::uint64_t accepted = 0;   ///< Jobs that enqueue took.
  std::uint64_t done = 0;       ///< Succeeded.
  std::uint64_t dead = 0;       ///< Became dead letters, the abandoned and the kept ones included.
  std::uint64_t abandoned = 0;  ///< Of the dead: left over at shutdown.
  std::uint64_t cancelled = 0;  ///< Ended by `cancel`.
  std::uint64_t discarded = 0;  ///< Ended by `Outcome::discard`, or left over and discarded.
  std::uint64_t returned = 0;   ///< Handed back at shutdown.
  std::uint64_t present = 0;    ///< Still in the queue: ready, waiting, running or hung.
};

/// A queue's counters at one moment. All but the gauges only grow.
struct Stats : Report {
  std::uint64_t deliveries = 0;      ///< Runs and pulled leases that came to their end, successes, snoozes and stale
                                     ///< ones included, unlike a job's own `deliveries`.
  std::uint64_t failures = 0;        ///< Attempts that failed.
  std::uint64_t exceptions = 0;      ///< Of these, by a thrown exception.
  std::uint64_t retries = 0;         ///< Failures and hangs after which another attempt was planned.
  std::uint64_t snoozes = 0;         ///< Outcomes snooze and yield.
  std::uint64_t expiries = 0;        ///< Leases lost.
  std::uint64_t redeliveries = 0;    ///< Runs started of a job whose earlier run lost its lease.
  std::uint64_t stale_settles = 0;   ///< Settles, extends and commits refused because the lease was lost.
  std::uint64_t late_successes = 0;  ///< Successes that came after expiry but before a redelivery, and counted.
  std::uint64_t sink_failures = 0;   ///< Times the dead letter sink threw.
  std::uint64_t user_errors = 0;     ///< Exceptions from policies and hooks, contained.
  std::uint64_t waiting = 0;         ///< Gauge: jobs that wait for a time.
  std::uint64_t tombstones = 0;      ///< Gauge: cancelled jobs whose slot still lies in a lane, and is taken.
  std::uint64_t kept = 0;            ///< Gauge: dead letters that the sink would not take, and whose slots are taken.
  std::uint64_t hung = 0;            ///< Gauge: workers whose run lost its lease and has not returned.
  std::uint64_t substitutes = 0;     ///< Gauge: workers beyond the number asked for.
  bool is_degraded = false;          ///< A substitute was needed and could not be started.
  /// How long the job at the front of a lane has waited so far; from sampled jobs (trait `timing`), zero if none is
  /// among the first 128 of each lane.
  Duration oldest_wait{};
  Histogram wait{};  ///< From enqueue to the first start, of jobs without a delay that a handler runs (trait `timing`).
  Histogram run{};   ///< How long those runs took.
};

}  // namespace windlass
