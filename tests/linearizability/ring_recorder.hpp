#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/dawdle.hpp"
#include "engine/history.hpp"
#include "engine/team.hpp"
#include "specs/fifo.hpp"

namespace linearizability {

/// How a history of a ring is to be made.
struct RingPlan {
  std::uint64_t seed = 0;
  std::uint32_t cells = 4;   // numbers in the ring and in the threads' hands, together
  std::uint32_t filled = 0;  // of these in the ring to begin with
  std::uint32_t steps = 12;  // calls of each thread
};

/// One thread's view of a ring whose calls are recorded.
template <class Ring>
class RecordedRing {
 public:
  RecordedRing(Ring& ring, Stamps& stamps, Log<Fifo::Op>& log) : ring_(ring), stamps_(stamps), log_(log) {}

  void push(std::uint32_t number) {
    const Stamp begun = stamps_.begin();
    ring_.push(number);
    log_.push_back({{Fifo::Call::push, number}, begun, stamps_.end()});
  }
  /// The number, or `no_slot`.
  std::uint32_t pop() {
    const Stamp begun = stamps_.begin();
    const std::uint32_t number = ring_.pop();
    log_.push_back({{Fifo::Call::pop, number}, begun, stamps_.end()});
    return number;
  }
  void look() {
    const Stamp begun = stamps_.begin();
    const bool is_empty = ring_.empty();
    log_.push_back({{Fifo::Call::empty, is_empty ? 1U : 0U}, begun, stamps_.end()});
  }

 private:
  Ring& ring_;
  Stamps& stamps_;
  Log<Fifo::Op>& log_;
};

/// Lets the threads of `team` push and pop at random, then the caller empties the ring, and pushes and pops twice: so
/// nothing may be lost. Every number is pushed once. The ring is never overfilled, even if it is broken: only who has
/// popped a number before anybody else, or has a share of what is not filled to begin with, may push.
template <class Ring>
History<Fifo::Op> record_ring(Team& team, Ring& ring, const RingPlan& plan) {
  Stamps stamps;
  History<Fifo::Op> history(team.size() + 1);
  for (Log<Fifo::Op>& log : history) log.reserve(plan.steps + plan.cells + 8);
  std::vector<std::atomic<bool>> popped(64 * (team.size() + 1));
  const Dawdle dawdle(~plan.seed);
  RecordedRing caller(ring, stamps, history.back());
  for (std::uint32_t i = 0; i < plan.filled; ++i) caller.push(i);

  team.run([&](std::size_t thread) {
    const Dawdle dawdles(plan.seed + thread);
    windlass::detail::Rng draws(~(plan.seed + thread));
    const auto own = static_cast<std::uint32_t>(thread);
    const auto all = static_cast<std::uint32_t>(team.size());
    const std::uint32_t unfilled = plan.cells - plan.filled;
    std::uint32_t may_push = unfilled / all + (own < unfilled % all ? 1 : 0);
    RecordedRing recorded(ring, stamps, history[thread]);
    for (std::uint32_t step = 0; step < plan.steps; ++step) {
      const std::uint64_t draw = draws.next();
      if (draw % 8 == 0) {
        recorded.look();
      } else if (may_push > 0 && draw % 2 == 0) {
        recorded.push(64 * (own + 1) + step);
        --may_push;
      } else {
        const std::uint32_t number = recorded.pop();
        if (number != windlass::detail::no_slot && !popped[number].exchange(true, std::memory_order_relaxed))
          ++may_push;
      }
    }
  });

  const auto empty_it = [&] {
    for (std::uint32_t left = plan.cells + 1; left > 0 && caller.pop() != windlass::detail::no_slot; --left) {
    }
  };
  empty_it();
  caller.push(62);
  caller.push(63);
  empty_it();
  return history;
}

}  // namespace linearizability
