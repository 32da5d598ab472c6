#pragma once

#include <cstdint>
#include <optional>

#include "slot.hpp"
#include "windlass/outcome.hpp"
#include "windlass/retry.hpp"

namespace windlass::detail {

/// The queue's limits with a job's overrides applied.
struct Limits {
  std::uint32_t max_failures;
  std::uint32_t max_deliveries;
  std::uint32_t max_hangs;
  Duration retry_for;
};

/// What `max_deliveries` is unless it is set: 10, or as many as the other two limits allow together.
[[nodiscard]] constexpr std::uint32_t default_max_deliveries(std::uint32_t max_failures,
                                                             std::uint32_t max_hangs) noexcept {
  constexpr std::uint32_t usual = 10;
  const std::uint32_t both = max_failures > ~max_hangs ? ~std::uint32_t{0} : max_failures + max_hangs;
  return both > usual ? both : usual;
}

/// Where a job goes from `settling`.
struct Verdict {
  State to;                                  // ready, waiting, dead or done
  Duration delay{};                          // waiting: how long
  DeadReason reason = DeadReason::rejected;  // dead: why
};

inline void grow(std::uint32_t& counter) noexcept {
  if (counter != ~std::uint32_t{0}) ++counter;
}

/// Whether `job` is past its `retry_for`; snoozing does not keep it from that.
[[nodiscard]] inline bool is_too_old(const ColdSlot& job, const Limits& limits, Time now) noexcept {
  return limits.retry_for != Duration{} && job.enqueued_at && now - *job.enqueued_at >= limits.retry_for;
}

/// The limit that `job` has reached, if any.
[[nodiscard]] inline std::optional<DeadReason> exhausted(const ColdSlot& job, const Limits& limits, Time now) noexcept {
  if (job.failures >= limits.max_failures) return DeadReason::failures_exhausted;
  if (job.hangs >= limits.max_hangs) return DeadReason::hung;
  if (job.deliveries >= limits.max_deliveries) return DeadReason::deliveries_exhausted;
  if (is_too_old(job, limits, now)) return DeadReason::failures_exhausted;
  return std::nullopt;
}

/// `policy`'s answer as a verdict; `never` is the reason if it says so. What it throws is the caller's.
[[nodiscard]] inline Verdict ask(const RetryPolicy& policy, ColdSlot& job, std::string_view why,
                                 const std::exception_ptr& thrown, Time now, std::uint64_t random, DeadReason never) {
  Failure failure{job.failures, job.hangs, job.deliveries, job.previous_delay, std::nullopt, why, thrown, random};
  if (job.enqueued_at) failure.age = now - *job.enqueued_at;
  const std::optional<Duration> delay = policy(failure);
  if (!delay) return {State::dead, {}, never};
  job.previous_delay = *delay;
  return {*delay > Duration{} ? State::waiting : State::ready, *delay};
}

/// Books a failed attempt of the job in `slot`.
template <class Store>
void book_failure(Store& store, std::uint32_t slot, std::string_view why, Time now) noexcept {
  ColdSlot& job = store.cold(slot);
  grow(job.failures);
  grow(job.deliveries);
  const bool is_first = !job.first_failure;
  if (is_first) job.first_failure = now;
  if (why.empty() && !job.has_errors) return;
  ErrorTexts& errors = store.errors(slot);
  errors.last = ReasonText{why};
  if (is_first) errors.first = errors.last;
}

}  // namespace windlass::detail
