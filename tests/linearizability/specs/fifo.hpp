#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "../engine/checker.hpp"
#include "windlass/detail/machines/atomics.hpp"

namespace linearizability {

/// A FIFO of numbers that never is full: what `IndexRing` promises to callers that do not overfill it.
struct Fifo {
  enum class Call : std::uint8_t { push, pop, empty };

  struct Op {
    Call call = Call::push;
    std::uint32_t number = 0;  // pushed, or popped, or 1 if it said to be empty
  };

  struct State {
    std::vector<std::uint32_t> numbers;

    bool operator==(const State&) const = default;
    [[nodiscard]] std::size_t hash() const noexcept {
      std::size_t hash = numbers.size();
      for (const std::uint32_t number : numbers) mix(hash, number);
      return hash;
    }
  };

  static bool apply(State& state, const Op& op, Result result) {
    switch (op.call) {
      case Call::push:
        state.numbers.push_back(op.number);
        return true;
      case Call::empty:
        return result == Result::open || (op.number == 1) == state.numbers.empty();
      case Call::pop:
        break;
    }
    const std::uint32_t front = state.numbers.empty() ? windlass::detail::no_slot : state.numbers.front();
    if (!state.numbers.empty()) state.numbers.erase(state.numbers.begin());
    return result == Result::open || op.number == front;
  }

  static std::string text(const Op& op) {
    if (op.call == Call::empty) return op.number == 1 ? "empty" : "not empty";
    if (op.number == windlass::detail::no_slot) return "pop: none";
    return (op.call == Call::push ? "push " : "pop: ") + std::to_string(op.number);
  }
};

}  // namespace linearizability
