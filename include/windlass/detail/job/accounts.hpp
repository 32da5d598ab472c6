#pragma once

#include <cstdint>
#include <optional>

#include "job_parts.hpp"
#include "windlass/stats.hpp"

namespace windlass::detail {

/// How many jobs lie in the lanes, tombstones included; exact when no other call is in progress.
template <class Parts>
[[nodiscard]] std::uint64_t count_ready(const Parts& parts) noexcept {
  std::uint64_t total = 0;
  for (const auto& lane : parts.store.ready) total += lane->size_approx();
  return total;
}

/// The equation. What is over is read before what came in, so `present` is never negative.
template <class Parts>
[[nodiscard]] Report report_of(const Parts& parts) noexcept {
  const Counters& counters = parts.counters;
  Report report;
  report.abandoned = counters.sum(Count::abandoned);
  report.done = counters.sum(Count::done);
  report.dead = counters.sum(Count::dead);
  report.cancelled = counters.sum(Count::cancelled);
  report.discarded = counters.sum(Count::discarded);
  report.returned = counters.sum(Count::returned);
  const std::uint64_t refused = counters.sum(Count::refused);
  report.accepted = counters.sum(Count::accepted) - refused;
  report.present = report.accepted - report.done - report.dead - report.cancelled - report.discarded - report.returned;
  return report;
}

/// `more - less`, for two counters of which `less` was read first; zero if a snapshot caught them in between.
[[nodiscard]] constexpr std::uint64_t gauge(std::uint64_t less, std::uint64_t more) noexcept {
  return more > less ? more - less : 0;
}

/// The age of the oldest timed job near the front of a lane.
template <class Parts>
[[nodiscard]] Duration oldest_wait(Parts& parts) noexcept {
  static constexpr std::uint64_t places = 128;
  std::optional<Time> oldest;
  for (const auto& lane : parts.store.ready) {
    const std::uint64_t front = lane->front();
    for (std::uint64_t ahead = 0; ahead < places; ++ahead) {
      const std::uint32_t slot = lane->peek(front + ahead);
      if (slot == no_slot) break;
      auto& hot = parts.store.hot(slot);
      if (hot.word.read().state() != State::ready) continue;  // a tombstone
      if (!hot.is_timed.load(std::memory_order_relaxed)) continue;
      const std::optional<Time> enqueued = hot.enqueued_at();
      if (enqueued && (!oldest || *enqueued < *oldest)) oldest = enqueued;
    }
  }
  if (!oldest) return Duration{};
  const Duration age = parts.clock.now() - *oldest;
  return age > Duration{} ? age : Duration{};
}

/// Everything a queue counts, but for its threads.
template <class Parts>
[[nodiscard]] Stats stats_of(Parts& parts) noexcept {
  const Counters& counters = parts.counters;
  Stats stats;
  const std::uint64_t left = counters.sum(Count::left_waiting);
  const std::uint64_t gone = counters.sum(Count::tombstones_gone);
  const std::uint64_t unkept = counters.sum(Count::unkept);
  stats.waiting = gauge(left, counters.sum(Count::entered_waiting));
  stats.tombstones = gauge(gone, counters.sum(Count::tombstones_made));
  stats.kept = gauge(unkept, counters.sum(Count::kept));
  stats.exceptions = counters.sum(Count::exceptions);
  stats.failures = counters.sum(Count::failures);
  stats.retries = counters.sum(Count::retries);
  stats.snoozes = counters.sum(Count::snoozes);
  stats.redeliveries = counters.sum(Count::redeliveries);
  stats.expiries = counters.sum(Count::expiries);
  stats.stale_settles = counters.sum(Count::stale_settles);
  stats.late_successes = counters.sum(Count::late_successes);
  stats.sink_failures = counters.sum(Count::sink_failures);
  stats.user_errors = counters.sum(Count::user_errors);
  stats.wait = parts.wait_times.read();
  stats.run = parts.run_times.read();
  stats.oldest_wait = oldest_wait(parts);
  static_cast<Report&>(stats) = report_of(parts);
  stats.deliveries = stats.done + counters.sum(Count::other_runs);
  return stats;
}

}  // namespace windlass::detail
