#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>

#include "../engine/checker.hpp"
#include "windlass/detail/machines/atomics.hpp"

namespace linearizability {

/// A bag of up to 64 slots: what `FreeList` promises. Which slot is taken is its own affair.
struct Bag {
  enum class Call : std::uint8_t { take, give };

  struct Op {
    Call call = Call::take;
    std::uint32_t slot = 0;
    std::uint32_t overlooks = 0;  // how many free slots a take that found none may have missed
  };

  struct State {
    std::uint64_t free = 0;  // a bit for each slot

    bool operator==(const State&) const = default;
    [[nodiscard]] std::size_t hash() const noexcept {
      std::size_t hash = 1;
      mix(hash, static_cast<std::size_t>(free));
      return hash;
    }
  };

  /// Every call here has returned: a take that has not may have taken any slot.
  static bool apply(State& state, const Op& op, Result /*known*/) {
    if (op.slot == windlass::detail::no_slot) return std::popcount(state.free) <= static_cast<int>(op.overlooks);
    const std::uint64_t bit = std::uint64_t{1} << op.slot;
    const bool was_free = (state.free & bit) != 0;
    state.free ^= bit;
    return was_free == (op.call == Call::take);
  }

  static std::string text(const Op& op) {
    if (op.slot != windlass::detail::no_slot) {
      return (op.call == Call::give ? "give " : "take: ") + std::to_string(op.slot);
    }
    return "take: none" + (op.overlooks == 0 ? "" : ", may miss " + std::to_string(op.overlooks));
  }
};

}  // namespace linearizability
