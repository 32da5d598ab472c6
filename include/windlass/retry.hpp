#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string_view>
#include <type_traits>

#include "clock.hpp"
#include "function.hpp"

namespace windlass {

/// What a retry policy is told of the attempt that failed.
struct Failure {
  std::uint32_t failures = 0;      ///< Failed attempts so far, this one included.
  std::uint32_t hangs = 0;         ///< Leases lost so far, this one included.
  std::uint32_t deliveries = 0;    ///< Times the job was handed to a worker.
  Duration previous_delay{};       ///< What the policy answered last time; zero at first.
  std::optional<Duration> age{};   ///< Since the job was enqueued, if that was stamped.
  std::string_view reason{};       ///< What the handler said, or the exception's what().
  std::exception_ptr exception{};  ///< What the handler threw; null if it did not throw.
  std::uint64_t random = 0;        ///< Fresh random bits, from the queue's seed.
};

/// Says after which delay the job is tried again; `nullopt` means never: it becomes a dead letter now.
/// Any callable of this shape will do. Called by the worker whose run failed, with no lock held; several workers may
/// call it at once. One that throws counts as "after 1 second".
using RetryPolicy = Function<std::optional<Duration>(const Failure&)>;

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
};

/// `first * factor^(n - 1)` up to `cap`, spread by `jitter`.
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

 private:
  std::array<Duration, max_steps> steps_;
  std::size_t size_;
};

}  // namespace windlass
