#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

#include "fork.hpp"

namespace windlass::detail {

/// Lets leases outlive their queue, and waiting calls leave before it goes: each passes the gate, and the queue's
/// destructor shuts it and waits until nobody is inside.
class Gate {
 public:
  /// True if the queue is there until leave(). Never in the child of a fork().
  [[nodiscard]] bool enter() noexcept {
    if (is_forked()) return false;
    if ((word_.fetch_add(1, std::memory_order_relaxed) & shut_bit) == 0)
      return true;  // one word: its own order decides
    leave();
    return false;
  }

  /// Whether this is the child of a fork() that came after the queue was made: nothing of it may be locked.
  [[nodiscard]] bool is_forked() const noexcept {
    return fork_generation.load(std::memory_order_relaxed) != generation_;
  }

  void leave() noexcept { word_.fetch_sub(1, std::memory_order_release); }  // [gate.left] release, pairs with shut()

  /// A call that passed the gate, or not, until the end of its scope.
  class Visit {
   public:
    explicit Visit(Gate& gate) noexcept : gate_(gate), is_inside_(gate.enter()) {}
    ~Visit() {
      if (is_inside_) gate_.leave();
    }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;
    [[nodiscard]] explicit operator bool() const noexcept { return is_inside_; }

   private:
    Gate& gate_;
    const bool is_inside_;
  };

  /// Nobody enters any more; returns when all have left. It yields until then, and is not notified: whoever leaves last
  /// would have to touch the gate once more, which may be gone by then.
  void shut() noexcept {
    word_.fetch_or(shut_bit, std::memory_order_relaxed);
    // [gate.left] acquire: what was done inside comes before what the destructor does.
    while (word_.load(std::memory_order_acquire) != shut_bit) std::this_thread::yield();
  }

 private:
  static constexpr std::uint32_t shut_bit = std::uint32_t{1} << 31U;
  const std::uint32_t generation_ = watch_for_fork();
  std::atomic<std::uint32_t> word_{0};
};

}  // namespace windlass::detail
