#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "../machines/compact.hpp"
#include "slot_word.hpp"
#include "windlass/clock.hpp"
#include "windlass/dead_letter.hpp"
#include "windlass/text.hpp"

namespace windlass::detail {

/// What every job touches. All zero is a free slot that was never used.
template <class Payload, class Policy>
struct HotSlot {
  SlotWord<Policy> word;
  typename Policy::template Atomic<std::uint64_t> birth;  // stamp at enqueue: the job's name while it lives
  typename Policy::template Atomic<std::uint64_t> link;   // of the free list; a job's: see `enqueued_at`
  typename Policy::template Atomic<bool> is_timed;        // `enqueued_at` is this job's
  typename Policy::template Atomic<bool> is_pulled;       // the current lease is a pulled one; by who popped the number
  typename Policy::template Atomic<bool> has_stop;        // its stop state was made, at its first pull; never reset
  std::uint8_t lane;
  bool has_cold;     // the cold slot is valid for this job; written by the enqueuer or the owner of `settling`
  bool emptied;      // the payload is gone already; written by whoever ended the job, read by whoever frees it
  bool owes_letter;  // the sink still gets the payload, when the hung run has returned
  alignas(Payload) std::byte place[sizeof(Payload)];

  [[nodiscard]] Payload& payload() noexcept { return *std::launder(reinterpret_cast<Payload*>(place)); }

  /// When the job was enqueued, for statistics. It lies in the link, which only a free slot needs, as a complement:
  /// negative, as a link never is, so that who looks while the slot is given back does not take the one for the other.
  void stamp_enqueue(Time now) noexcept {
    link.store(static_cast<std::uint64_t>(~now.time_since_epoch().count()), std::memory_order_relaxed);
  }
  [[nodiscard]] std::optional<Time> enqueued_at() const noexcept {
    const auto stamped = static_cast<Duration::rep>(link.load(std::memory_order_relaxed));
    return stamped < 0 ? std::optional{Time{Duration{~stamped}}} : std::nullopt;
  }
};

/// What only jobs need that wait, fail or override something. Written by the enqueuer before the job is visible, later
/// only by the owner of `settling` (or of committing -> dead). Two lines: for each run and failure, and the rest.
struct alignas(cache_line) ColdSlot {
  std::uint32_t failures = 0;
  std::uint32_t hangs = 0;
  std::uint32_t deliveries = 0;
  DeadReason dead_reason = DeadReason::rejected;
  bool is_over_time = false;  // its max_runtime is over: it is not extended any more
  bool has_errors = false;    // JobStore::errors() is this job's
  Compact<Duration> lease{};
  Compact<Duration> max_runtime{};
  Compact<std::chrono::system_clock::time_point> at{};
  Compact<Duration> retry_for{};
  std::optional<std::uint32_t> max_failures{};
  Duration previous_delay{};
  Compact<Time> enqueued_at{};
  Compact<Time> first_failure{};
  Compact<Time> died_at{};         // when its dead letter was first offered
  std::uint64_t hang_stamp = 0;    // the lease whose loss was counted last, or that was settled: each loss counts once
  std::uint64_t pulled_stamp = 0;  // the pulled lease that the alarm node times; under the planner's lock, as the next
  Time pulled_until{};             // when it expires, in lease time; Time::max() if never
  Time pulled_limit{};             // when its max_runtime is over, likewise; Time::max() too once it was told
};

/// What a job's failed attempts said. Most jobs have none, and few that fail have words for it.
struct ErrorTexts {
  ReasonText first{};
  ReasonText last{};
};

}  // namespace windlass::detail
