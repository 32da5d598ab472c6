#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "engine/dawdle.hpp"
#include "windlass/detail/machines/atomics.hpp"

// Rings that are wrong, each by one mistake that is easily made. They are long enough never to wrap in a history.

namespace linearizability {

/// What is right about them.
class LongRing {
 public:
  /// Right in itself, for each look is.
  [[nodiscard]] bool empty() const { return head_.load() >= tail_.load(); }

 protected:
  /// Producers come one after another.
  void push_in_turn(std::uint32_t number) {
    const std::lock_guard lock(mutex_);
    const std::size_t tail = tail_.load();
    cells_[tail].store(number);
    Dawdle::here();
    tail_.store(tail + 1);
  }

  static constexpr std::uint32_t unfilled = windlass::detail::no_slot;

  std::array<std::atomic<std::uint32_t>, 256> cells_{};
  std::atomic<std::size_t> head_{0};
  std::atomic<std::size_t> tail_{0};

 private:
  std::mutex mutex_;
};

/// Its consumers read the head and write it, with nothing to keep others out between the two.
class UnguardedRing : public LongRing {
 public:
  void push(std::uint32_t number) { push_in_turn(number); }

  [[nodiscard]] std::uint32_t pop() {
    const std::size_t head = head_.load();
    if (head >= tail_.load()) return windlass::detail::no_slot;
    Dawdle::here();
    head_.store(head + 1);
    return cells_[head].load();
  }
};

/// Its consumers look at the tail before the head: by then both may have moved, and the ring was never empty.
class HastyRing : public LongRing {
 public:
  void push(std::uint32_t number) { push_in_turn(number); }

  [[nodiscard]] std::uint32_t pop() {
    const std::size_t tail = tail_.load();
    Dawdle::here();
    std::size_t head = head_.load();
    while (head < tail) {
      if (head_.compare_exchange_weak(head, head + 1)) return cells_[head].load();
    }
    return windlass::detail::no_slot;
  }
};

/// Its producers take a place and fill it later. Behind a hole a number that is in cannot be found: the mistake of
/// rings that give out tickets and answer `empty` at the first unfilled cell.
class TicketRing : public LongRing {
 public:
  TicketRing() {
    for (auto& cell : cells_) cell.store(unfilled);
  }

  void push(std::uint32_t number) {
    const std::size_t place = tail_.fetch_add(1);
    Dawdle::here();
    cells_[place].store(number);
  }

  [[nodiscard]] std::uint32_t pop() {
    std::size_t head = head_.load();
    for (;;) {
      const std::uint32_t number = cells_[head].load();
      if (number == unfilled) return unfilled;
      Dawdle::here();
      if (head_.compare_exchange_weak(head, head + 1)) return number;
    }
  }
};

}  // namespace linearizability
