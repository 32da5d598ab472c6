#pragma once

#include <optional>

namespace windlass::detail {

/// An optional length or point of time that is no larger than one: the least there is means none.
template <class T>
class Compact {
 public:
  constexpr Compact() noexcept = default;
  constexpr Compact(std::optional<T> value) noexcept : value_(value.value_or(none())) {}
  constexpr Compact(T value) noexcept : value_(value) {}

  [[nodiscard]] constexpr explicit operator bool() const noexcept { return value_ != none(); }
  [[nodiscard]] constexpr T operator*() const noexcept { return value_; }
  [[nodiscard]] constexpr T value_or(T other) const noexcept { return value_ != none() ? value_ : other; }
  [[nodiscard]] constexpr operator std::optional<T>() const noexcept {
    return value_ != none() ? std::optional<T>{value_} : std::nullopt;
  }
  constexpr void reset() noexcept { value_ = none(); }

 private:
  [[nodiscard]] static constexpr T none() noexcept { return (T::min)(); }

  T value_ = none();
};

}  // namespace windlass::detail
