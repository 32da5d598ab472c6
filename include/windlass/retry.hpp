#pragma once

#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "clock.hpp"
#include "function.hpp"

namespace windlass {

/// What a retry policy is told of the attempt that failed or lost its lease.
struct Failure {
  std::uint32_t failures = 0;      ///< Failed attempts so far, this one included if it failed.
  std::uint32_t hangs = 0;         ///< Leases lost so far, this one included if it was.
  std::uint32_t deliveries = 0;    ///< Failures and hangs together, which `max_deliveries` limits.
  Duration previous_delay{};       ///< What the policy answered last time; zero at first.
  std::optional<Duration> age{};   ///< Since the job was enqueued, if that was stamped.
  std::string_view reason{};       ///< What the handler said, or the exception's what(); empty after a hang.
  std::exception_ptr exception{};  ///< What the handler threw; null if it did not.
  std::uint64_t random = 0;        ///< Fresh random bits, from the queue's seed.
};

/// A policy that can say whether its own values make sense: why they cannot work, or null.
template <class Policy>
concept ChecksItself = requires(const Policy& policy) {
  { policy.flaw() } -> std::same_as<const char*>;
};

/// Says after which delay the job is tried again; `nullopt` means never: it becomes a dead letter now.
/// Any callable of this shape will do. Called by whichever thread settles the attempt (a worker, or whoever pumps,
/// reserves, waits for idleness or settles a `Lease`), with no lock held; several may call it at once. One that throws
/// counts as "after 1 second".
///
/// One that has a `flaw()`, as those below do, is asked once, here: a queue whose policy has one is not made.
class RetryPolicy : public Function<std::optional<Duration>(const Failure&)> {
  using Base = Function<std::optional<Duration>(const Failure&)>;

 public:
  /// No policy; a queue is not made with it.
  constexpr RetryPolicy() noexcept = default;
  constexpr RetryPolicy(std::nullptr_t) noexcept {}

  /// Takes over `policy`. Throws what constructing it throws, or std::bad_alloc for a large one.
  template <class Policy>
  requires(!std::is_same_v<std::remove_cvref_t<Policy>, RetryPolicy> && std::is_constructible_v<Base, Policy>)
      RetryPolicy(Policy&& policy)  // implicit, so that the option can be written as a lambda
      : RetryPolicy(flaw_of(policy), std::forward<Policy>(policy)) {}

  /// Anything else is refused in one sentence; so std::is_constructible says yes to it.
  template <class Wrong>
  requires(!std::is_same_v<std::remove_cvref_t<Wrong>, RetryPolicy> && !std::is_constructible_v<Base, Wrong>)
      RetryPolicy(Wrong&&) {
    static_assert(std::is_constructible_v<Base, Wrong>,
                  "windlass: retry takes a callable std::optional<Duration>(const Failure&)");
  }

  /// Why the policy's values cannot work; null if they can, or if it does not say.
  [[nodiscard]] const char* flaw() const noexcept { return flaw_; }

 private:
  template <class Policy>
  RetryPolicy(const char* flaw, Policy&& policy) : Base(std::forward<Policy>(policy)), flaw_(flaw) {}

  template <class Policy>
  static const char* flaw_of(const Policy& policy) {
    if constexpr (ChecksItself<Policy>) {
      return policy.flaw();
    } else {
      return nullptr;
    }
  }

  const char* flaw_ = nullptr;
};

/// How random a backoff is. Names and formulas after Brooker, "Exponential Backoff And Jitter" (AWS, 2015).
enum class Jitter : std::uint8_t {
  none,          ///< Exactly the delay.
  full,          ///< Between 0 and the delay.
  equal,         ///< Between half the delay and the delay.
  decorrelated,  ///< Between `first` and three times the previous delay (at first: of `first`), at most `cap`.
};

namespace detail {

/// `low` to `high`, neither negative, from random bits; `low` if `high` is less. Precise to 1 ns up to 100 days.
[[nodiscard]] inline Duration between(Duration low, Duration high, std::uint64_t random) noexcept {
  if (high <= low) return low;
  const double part = static_cast<double>(random >> 11U) * 0x1p-53;
  return low + Duration{static_cast<Duration::rep>(part * static_cast<double>((high - low).count()))};
}

/// `value`, as nanoseconds that are neither negative nor above `cap`.
[[nodiscard]] inline Duration capped(double value, Duration cap) noexcept {
  if (!(value > 0) || cap < Duration::zero()) return Duration::zero();
  if (value >= static_cast<double>(cap.count())) return cap;
  return Duration{static_cast<Duration::rep>(value)};
}

/// `delay`, or zero if it is negative.
[[nodiscard]] constexpr Duration not_negative(Duration delay) noexcept {
  return delay < Duration::zero() ? Duration::zero() : delay;
}

/// Why delays that begin with `first` and grow by `step` up to `cap` cannot be meant; null if they can.
[[nodiscard]] constexpr const char* flaw_of_growth(Duration first, Duration step, Duration cap) noexcept {
  if (first < Duration::zero()) return "first must not be negative";
  if (step < Duration::zero()) return "step must not be negative";
  if (cap < first) return "cap must be at least first";
  return nullptr;
}

/// Which try this would be, 1 for the first: failures and hangs share one backoff.
[[nodiscard]] inline double tries(const Failure& failure) noexcept {
  const double sum = static_cast<double>(failure.failures) + static_cast<double>(failure.hangs);
  return sum < 1 ? 1 : sum;
}

}  // namespace detail

/// The first failure is the last.
struct NoRetry {
  std::optional<Duration> operator()(const Failure&) const noexcept { return std::nullopt; }
};

/// The same delay every time.
struct FixedDelay {
  Duration delay{};

  std::optional<Duration> operator()(const Failure&) const noexcept { return detail::not_negative(delay); }

  /// Refuses a negative delay.
  [[nodiscard]] constexpr const char* flaw() const noexcept {
    return delay < Duration::zero() ? "delay must not be negative" : nullptr;
  }
};

/// `first`, `first + step`, `first + 2 step`, ... up to `cap`.
struct LinearBackoff {
  Duration first{};
  Duration step{};
  Duration cap = std::chrono::hours{24};

  std::optional<Duration> operator()(const Failure& failure) const noexcept {
    const double add = static_cast<double>(step.count()) * (detail::tries(failure) - 1);
    return detail::capped(static_cast<double>(first.count()) + add, cap);
  }

  /// Refuses negative values and a cap below `first`.
  [[nodiscard]] constexpr const char* flaw() const noexcept { return detail::flaw_of_growth(first, step, cap); }
};

/// `first * factor^(n - 1)` up to `cap`, spread by `jitter`; n is failures and hangs together.
struct ExponentialBackoff {
  Duration first = std::chrono::milliseconds{100};
  double factor = 2;
  Duration cap = std::chrono::seconds{30};
  Jitter jitter = Jitter::full;

  std::optional<Duration> operator()(const Failure& failure) const noexcept {
    if (jitter == Jitter::decorrelated) {
      const Duration low = detail::not_negative(first < cap ? first : cap);
      // At first there is no previous delay: all would wait exactly `first`, and come back together.
      const Duration previous = failure.previous_delay < low ? low : failure.previous_delay;
      return detail::between(low, detail::capped(3.0 * static_cast<double>(previous.count()), cap), failure.random);
    }
    const double power = std::pow(factor, detail::tries(failure) - 1);
    const Duration delay = detail::capped(static_cast<double>(first.count()) * power, cap);
    switch (jitter) {
      case Jitter::full:
        return detail::between(Duration::zero(), delay, failure.random);
      case Jitter::equal:
        return detail::between(delay / 2, delay, failure.random);
      case Jitter::none:
      case Jitter::decorrelated:
        break;
    }
    return delay;
  }

  /// Refuses negative values, a cap below `first`, and a factor below 1 or that is no finite number.
  [[nodiscard]] const char* flaw() const noexcept {
    if (!std::isfinite(factor) || factor < 1) return "factor must be a number from 1 on";
    return detail::flaw_of_growth(first, {}, cap);
  }
};

/// `first`, doubled `doublings` times, then `step` longer each time, up to `cap`.
/// With 10 s, 4 doublings, a step of 80 s and a cap of 300 s: 10, 20, 40, 80, 160, 240, 300, 300 s.
struct DoublingThenLinearBackoff {
  Duration first{};
  std::uint32_t doublings = 4;
  Duration step{};  ///< What each delay after the doublings adds; zero repeats the last doubled one.
  Duration cap = std::chrono::hours{24};

  std::optional<Duration> operator()(const Failure& failure) const noexcept {
    const double tries = detail::tries(failure) - 1;
    const double doubled = tries < doublings ? tries : static_cast<double>(doublings);
    return detail::capped(
        static_cast<double>(first.count()) * std::exp2(doubled) + static_cast<double>(step.count()) * (tries - doubled),
        cap);
  }

  /// Refuses negative values and a cap below `first`.
  [[nodiscard]] constexpr const char* flaw() const noexcept { return detail::flaw_of_growth(first, step, cap); }
};

/// A list of at most 16 delays; the last one repeats. An empty list means never.
class SteppedBackoff {
 public:
  static constexpr std::size_t max_steps = 16;

  /// The delays after the first, second, ... failure.
  template <class... Steps>
  requires(std::is_convertible_v<Steps, Duration>&&...) constexpr SteppedBackoff(Steps... steps) noexcept
      : steps_{Duration{steps}...}, size_(sizeof...(steps)) {
    static_assert(sizeof...(steps) <= max_steps, "windlass: a SteppedBackoff has at most 16 steps");
  }

  std::optional<Duration> operator()(const Failure& failure) const noexcept {
    if (size_ == 0) return std::nullopt;
    const double last = static_cast<double>(size_ - 1);
    const double at = detail::tries(failure) - 1;
    return detail::not_negative(steps_[static_cast<std::size_t>(at < last ? at : last)]);
  }

  /// Refuses a negative step.
  [[nodiscard]] constexpr const char* flaw() const noexcept {
    for (std::size_t i = 0; i < size_; ++i) {
      if (steps_[i] < Duration::zero()) return "no step must be negative";
    }
    return nullptr;
  }

 private:
  std::array<Duration, max_steps> steps_;
  std::size_t size_;
};

}  // namespace windlass
