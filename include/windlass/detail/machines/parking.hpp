#pragma once

#include <cstdint>
#include <mutex>
#include <utility>

#include "atomics.hpp"
#include "locks.hpp"

namespace windlass::detail {

/// Where workers sleep while there is nothing to do: one word with the numbers of sleepers and of searchers, a LIFO
/// stack of the sleepers, and a condition variable for each.
///
/// A searcher is a worker that was woken, or that found nothing and looks on for a moment. While there is one, an
/// enqueue wakes nobody: a burst of enqueues makes one system call, and the woken wake further ones.
///
/// Obligations; all seq_cst, for with acquire/release in place of any of them a wake-up is lost:
///   (a) an enqueuer makes the job visible, then reads the word in wake_one();                     [park.publish]
///   (b) a worker joins the sleepers in lie_down(), then looks at every ring once more; if it finds something it
///       calls get_up() and is a searcher again, else sleep();                                     [park.look]
///   (c) a searcher that found a job leaves in end_search(); if it was the last one it looks at the rings again and
///       calls wake_one() if anything is left.                                                     [park.search]
/// Why (c): two enqueues may both have left their jobs to this one searcher. For the same reason whoever gets up again
/// does so as a searcher: until it lay down it may have been one.
///
/// Whoever takes a sleeper off the count owes a token to one of the stack; a sleeper that leaves by itself when no
/// other is left for that takes the debt over, and the debtor, when it comes, must know: it would take one that lay
/// down since, and a token without a count.
/// Progress: blocking. wake_one() is one load if nobody sleeps or somebody searches, else it locks. Between the claim
/// of a wake and its token, and until a searcher ends its search, nobody else is woken.
///
/// Invariant, under `mutex_`: stack size = sleepers + tokens owed - debts taken over.
template <class Policy = StdAtomics>
class Parking {
 public:
  /// One worker's bed. Must outlive the Parking's last wake_one().
  class Sleeper {
    friend Parking;
    enum class Token : std::uint8_t { none, search, nudge };
    typename Locks<Policy>::Mutex mutex;
    typename Locks<Policy>::Condition wake;
    Token token = Token::none;  // under `mutex`
    Sleeper* below = nullptr;   // under the Parking's mutex, as the next
    bool is_down = false;
  };

  /// Wakes a sleeper to search, unless nobody sleeps or somebody searches. One load then. Any thread.
  void wake_one() noexcept {
    Policy::probe("park.wake.look");
    std::uint32_t seen = word_.load(std::memory_order_seq_cst);  // [park.publish] pairs with lie_down(), end_search()
    do {
      if (sleepers_in(seen) == 0 || searchers_in(seen) != 0) return;
      Policy::probe("park.wake.claim");
    } while (!word_.compare_exchange_weak(seen, seen - one_sleeper + one_searcher, std::memory_order_seq_cst,
                                          std::memory_order_seq_cst));
    Sleeper* woken = nullptr;
    {
      const std::lock_guard lock(mutex_);
      if (taken_over_ != 0) {
        --taken_over_;
        return;
      }
      woken = top_;
      take_off(*woken);
    }
    hand(*woken, Sleeper::Token::search);
  }

  /// Becomes a searcher if there is none. The caller looks on, then ends it by end_search() or lie_down().
  [[nodiscard]] bool try_search() noexcept {
    std::uint32_t seen = word_.load(std::memory_order_relaxed);
    while (searchers_in(seen) == 0) {
      if (word_.compare_exchange_weak(seen, seen + one_searcher, std::memory_order_seq_cst,
                                      std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  /// The searcher found a job and has taken it. True if it was the last one: obligation (c).
  [[nodiscard]] bool end_search() noexcept {
    Policy::probe("park.search.end");
    // [park.search] seq_cst, before the look at the rings; pairs with [park.publish].
    return searchers_in(word_.fetch_sub(one_searcher, std::memory_order_seq_cst)) == 1;
  }

  /// Joins the sleepers; a searcher stops being one in the same step. False after release(): nobody sleeps then.
  [[nodiscard]] bool lie_down(Sleeper& self, bool was_searching) noexcept {
    const std::lock_guard lock(mutex_);
    if (released_) {
      if (was_searching) word_.fetch_sub(one_searcher, std::memory_order_seq_cst);
      return false;
    }
    self.below = top_;
    self.is_down = true;
    top_ = &self;
    // [park.look] seq_cst, before the look at the rings; pairs with [park.publish].
    word_.fetch_add(was_searching ? one_sleeper - one_searcher : one_sleeper, std::memory_order_seq_cst);
    return true;
  }

  /// After lie_down(): leaves without sleeping. The caller is a searcher then.
  void get_up(Sleeper& self) noexcept {
    {
      const std::lock_guard lock(mutex_);
      if (self.is_down) {
        (void)leave(self, one_searcher);
        return;
      }
    }
    // Somebody took us off the stack: the token is on its way. It may be a mere nudge.
    if (!sleep(self)) word_.fetch_add(one_searcher, std::memory_order_seq_cst);
  }

  /// After lie_down(): sleeps until a token comes. True if the caller is a searcher now.
  [[nodiscard]] bool sleep(Sleeper& self) noexcept {
    std::unique_lock lock(self.mutex);
    self.wake.wait(lock, [&] { return self.token != Sleeper::Token::none; });
    return std::exchange(self.token, Sleeper::Token::none) == Sleeper::Token::search;
  }

  /// Makes `other` return from sleep() to look at what is not in the rings. Nothing if it is not asleep.
  void nudge(Sleeper& other) noexcept {
    bool searches = false;
    {
      const std::lock_guard lock(mutex_);
      if (!other.is_down) return;
      searches = leave(other, 0);
    }
    hand(other, searches ? Sleeper::Token::search : Sleeper::Token::nudge);
  }

  /// Makes a worker that waits in sleep() without having lain down return.
  void call(Sleeper& other) noexcept { hand(other, Sleeper::Token::nudge); }

  /// Wakes all sleepers; nobody lies down any more.
  void release() noexcept {
    for (;;) {
      Sleeper* woken = nullptr;
      bool searches = false;
      {
        const std::lock_guard lock(mutex_);
        released_ = true;
        woken = top_;
        if (woken == nullptr) return;
        searches = leave(*woken, 0);
      }
      hand(*woken, searches ? Sleeper::Token::search : Sleeper::Token::nudge);
    }
  }

  /// How many sleep, or have lain down and look once more.
  [[nodiscard]] std::uint32_t sleepers() const noexcept { return sleepers_in(word_.load(std::memory_order_seq_cst)); }

 private:
  static constexpr std::uint32_t one_sleeper = 1;
  static constexpr std::uint32_t one_searcher = 1U << 16U;
  [[nodiscard]] static constexpr std::uint32_t sleepers_in(std::uint32_t word) noexcept { return word & 0xffffU; }
  [[nodiscard]] static constexpr std::uint32_t searchers_in(std::uint32_t word) noexcept { return word >> 16U; }

  // Under the lock: off the stack by itself, and in the word `becomes` something else. True if a token was owed and
  // nobody else there to take it: then `self` is a searcher, whatever it wanted.
  bool leave(Sleeper& self, std::uint32_t becomes) noexcept {
    take_off(self);
    std::uint32_t seen = word_.load(std::memory_order_seq_cst);
    while (sleepers_in(seen) != 0) {
      if (word_.compare_exchange_weak(seen, seen - one_sleeper + becomes, std::memory_order_seq_cst)) return false;
    }
    ++taken_over_;
    return true;
  }

  void take_off(Sleeper& self) noexcept {
    Sleeper** place = &top_;
    while (*place != &self) place = &(*place)->below;
    *place = self.below;
    self.is_down = false;
  }

  static void hand(Sleeper& to, typename Sleeper::Token token) noexcept {
    {
      const std::lock_guard lock(to.mutex);
      to.token = token;
    }
    to.wake.notify_one();
  }

  typename Locks<Policy>::Mutex mutex_;
  Sleeper* top_ = nullptr;
  std::uint32_t taken_over_ = 0;  // tokens that nobody needs any more, though whoever owes them does not know yet
  bool released_ = false;
  alignas(cache_line) typename Policy::template Atomic<std::uint32_t> word_{0};
};

}  // namespace windlass::detail
