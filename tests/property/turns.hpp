#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "windlass/traits.hpp"

namespace property {

/// Who takes jobs, with turns of his own: a thread that pumps, known by its place, or whoever reserves.
using Taker = std::uint32_t;
inline constexpr Taker reserver = 4;  // the places are 0 to 3

/// Whose turn it is among weighted lanes.
class Turns {
 public:
  explicit Turns(const windlass::Lanes& lanes) : lanes_(lanes) {}

  /// The lane whose turn it is when `who` takes a job; none if it is always the highest.
  [[nodiscard]] std::optional<std::uint32_t> lane(Taker who) const {
    if (lanes_.order == windlass::LaneOrder::strict) return std::nullopt;
    return turns_[who].lane;
  }

  /// `who` took one.
  void pass(Taker who) {
    Turn& turn = turns_[who];
    if (++turn.taken < lanes_.weights[turn.lane]) return;
    turn = {(turn.lane + 1) % lanes_.count, 0};
  }

 private:
  struct Turn {
    std::uint32_t lane = 0;
    std::uint32_t taken = 0;
  };

  const windlass::Lanes lanes_;
  std::array<Turn, reserver + 1> turns_{};
};

}  // namespace property
