#pragma once

#include <cstdint>
#include <string_view>

#include "clock.hpp"
#include "text.hpp"

namespace windlass {

/// What a handler says of the job it was given.
enum class OutcomeKind : std::uint8_t { done, retry, retry_after, snooze, yield, dead, discard };

/// A handler's final word on a delivery. A value; owns its text; allocates nothing.
// done() is not constexpr: g++ 12 would make a constant of it and copy all 112 bytes.
class [[nodiscard]] Outcome {
 public:
  /// The job succeeded and is over.
  [[nodiscard]] static Outcome done() noexcept { return {OutcomeKind::done, {}, {}}; }

  /// A failed attempt; the retry policy says when the next one starts.
  [[nodiscard]] static constexpr Outcome retry(std::string_view reason = {}) noexcept {
    return {OutcomeKind::retry, {}, reason};
  }

  /// A failed attempt; the next one starts after `delay`, at once if that is not above zero, unless a limit is reached.
  [[nodiscard]] static constexpr Outcome retry_after(Duration delay, std::string_view reason = {}) noexcept {
    return {OutcomeKind::retry_after, delay, reason};
  }

  /// Not now: run again after `delay`. Not a failure, counts against no limit; only `retry_for` ends it, as
  /// `failures_exhausted`. With `at_most_once` the job is dead, `rejected`; after `try_commit`, `failed_after_commit`.
  [[nodiscard]] static constexpr Outcome snooze(Duration delay) noexcept { return {OutcomeKind::snooze, delay, {}}; }

  /// Run again behind the jobs that are ready now. No failure, counts against no limit; only `retry_for` ends it. See
  /// `snooze`.
  [[nodiscard]] static constexpr Outcome yield() noexcept { return {OutcomeKind::yield, {}, {}}; }

  /// The job can never succeed: to the dead letters at once.
  [[nodiscard]] static constexpr Outcome dead(std::string_view reason = {}) noexcept {
    return {OutcomeKind::dead, {}, reason};
  }

  /// The job is over without success and without a dead letter.
  [[nodiscard]] static constexpr Outcome discard() noexcept { return {OutcomeKind::discard, {}, {}}; }

  /// Which of the outcomes this is.
  [[nodiscard]] constexpr OutcomeKind kind() const noexcept { return kind_; }

  /// How long to wait before the next run; zero unless `retry_after` or `snooze`.
  [[nodiscard]] constexpr Duration delay() const noexcept { return delay_; }

  /// Why, at most 95 bytes; empty if no reason was given.
  [[nodiscard]] constexpr std::string_view reason() const noexcept { return reason_.view(); }

 private:
  constexpr Outcome(OutcomeKind kind, Duration delay, std::string_view reason) noexcept
      : delay_(delay), reason_(reason), kind_(kind) {}

  Duration delay_;
  ReasonText reason_;
  OutcomeKind kind_;
};

}  // namespace windlass
