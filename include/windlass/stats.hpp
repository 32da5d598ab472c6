#pragma once

#include <cstdint>

namespace windlass {

/// What became of all jobs ever offered to a queue. A snapshot; no number is ever negative, and
/// `accepted == done + dead + cancelled + discarded + returned + present`.
struct Report {
  std::uint64_t accepted = 0;   ///< Jobs that enqueue took.
  std::uint64_t done = 0;       ///< Succeeded.
  std::uint64_t dead = 0;       ///< Became dead letters, the abandoned ones included.
  std::uint64_t abandoned = 0;  ///< Of the dead: left over at shutdown.
  std::uint64_t cancelled = 0;  ///< Ended by `cancel`.
  std::uint64_t discarded = 0;  ///< Ended by `Outcome::discard`, or left over and discarded.
  std::uint64_t returned = 0;   ///< Handed back at shutdown.
  std::uint64_t present = 0;    ///< Still in the queue: ready, waiting, running, hung or kept.
};

/// A queue's counters at one moment. All but the gauges only grow.
struct Stats : Report {
  std::uint64_t deliveries = 0;      ///< Runs started.
  std::uint64_t failures = 0;        ///< Attempts that failed.
  std::uint64_t exceptions = 0;      ///< Of these, by a thrown exception.
  std::uint64_t retries = 0;         ///< Jobs queued anew after a failure or hang.
  std::uint64_t snoozes = 0;         ///< Outcomes snooze and yield.
  std::uint64_t expiries = 0;        ///< Leases lost.
  std::uint64_t redeliveries = 0;    ///< Runs started of a job whose earlier run lost its lease.
  std::uint64_t stale_settles = 0;   ///< Settles, extends and commits refused because the lease was lost.
  std::uint64_t late_successes = 0;  ///< Successes that came after expiry but before a redelivery, and counted.
  std::uint64_t sink_failures = 0;   ///< Times the dead letter sink threw or was full.
  std::uint64_t user_errors = 0;     ///< Exceptions from policies and hooks, contained.
  std::uint64_t waiting = 0;         ///< Gauge: jobs that wait for a time.
  std::uint64_t tombstones = 0;      ///< Gauge: cancelled jobs whose slot still lies in a lane.
  std::uint64_t kept = 0;            ///< Gauge: dead letters that the sink would not take.
  std::uint64_t hung = 0;            ///< Gauge: workers whose run lost its lease and has not returned.
  std::uint64_t substitutes = 0;     ///< Gauge: workers beyond the number asked for.
  bool is_degraded = false;          ///< A substitute was needed and could not be started.
};

}  // namespace windlass
