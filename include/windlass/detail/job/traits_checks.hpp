#pragma once

#include <cstddef>
#include <type_traits>

#include "windlass/observer.hpp"
#include "windlass/traits.hpp"

namespace windlass::detail {

/// Whether each lane gets its turn.
[[nodiscard]] constexpr bool are_lanes_served(const Lanes& lanes) noexcept {
  for (std::size_t i = 0; i < lanes.count && i < lanes.weights.size(); ++i) {
    if (lanes.order == LaneOrder::weighted && lanes.weights[i] == 0) return false;
  }
  return true;
}

/// Whether a queue can make an `Observer` and tell it what happens.
template <class Observer>
inline constexpr bool is_observer_v = std::is_same_v<Observer, NoObserver> ||
                                      (std::is_default_constructible_v<Observer> &&
                                       std::is_invocable_v<Observer&, const Observation&>);

}  // namespace windlass::detail
