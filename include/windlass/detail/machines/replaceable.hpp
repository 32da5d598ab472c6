#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

namespace windlass::detail {

/// A value or none, and a value that cannot be moved in leaves the one before where it is.
///
/// That takes a second room where the move of `T` may throw, and none where it may not. Never allocates.
template <class T>
class Replaceable {
 public:
  /// Whether `put` may throw; if so, there are two rooms.
  static constexpr bool put_may_throw = !std::is_nothrow_move_constructible_v<T>;

  /// Moves `fresh` in and then destroys the value before. If the move throws, that one stays. Where it cannot throw,
  /// the value before goes first.
  void put(T&& fresh) {
    const std::size_t next = (used_ + 1) % rooms_.size();
    rooms_[next].emplace(std::move(fresh));
    const std::size_t before = std::exchange(used_, next);
    if (before != next) rooms_[before].reset();
  }

  /// Destroys the value, if there is one.
  void reset() noexcept { rooms_[used_].reset(); }

  /// The value; there must be one.
  [[nodiscard]] T& operator*() noexcept { return *rooms_[used_]; }
  [[nodiscard]] T* operator->() noexcept { return &**this; }

 private:
  std::array<std::optional<T>, put_may_throw ? 2 : 1> rooms_{};
  std::size_t used_ = 0;
};

}  // namespace windlass::detail
