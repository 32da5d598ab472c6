#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "atomics.hpp"

namespace windlass::detail {

/// Where workers sleep while there is nothing to do.
///
/// Obligations, each seq_cst, for with acquire/release in place of any of them a wake-up is lost:
///   (a) an enqueuer makes the job visible, then reads `word_` in wake_one();   [park.publish]
///   (b) a worker adds itself to `word_`, then looks at every ring once more;   [park.look]
///   (c) a woken worker clears the token, then looks at the rings: an enqueuer that saw the token set made its job
///       visible before that look. If more is left after it took a job, it wakes the next sleeper.
///
/// At most one token is out: a burst of enqueues makes one system call. No allocation, no spinning.
class Parking {
 public:
  /// Wakes a sleeper unless nobody sleeps or one is being woken. One load when nobody sleeps. Any thread.
  void wake_one() noexcept {
    // [park.publish] seq_cst, pairs with [park.look] in park().
    const std::uint32_t seen = word_.load(std::memory_order_seq_cst);
    if (seen == 0 || (seen & token) != 0) return;
    {
      const std::lock_guard lock(mutex_);
      if (word_.load(std::memory_order_seq_cst) == 0) return;
      if ((word_.fetch_or(token, std::memory_order_seq_cst) & token) != 0) return;
    }
    wake_.notify_one();
  }

  /// Sleeps until a token arrives or release() was called, unless `has_work()` is true after registering.
  /// `has_work` must only read the rings, with seq_cst. Returns true if the caller took a token, and so must
  /// call wake_one() when it leaves work behind.
  template <class HasWork>
  bool park(HasWork has_work) {
    std::unique_lock lock(mutex_);
    word_.fetch_add(1, std::memory_order_seq_cst);  // [park.look] registered before the look
    const std::uint32_t nudges = nudges_;
    if (!released_ && !has_work()) {
      while (!released_ && nudges == nudges_ && (word_.load(std::memory_order_seq_cst) & token) == 0) wake_.wait(lock);
    }
    // A token without another sleeper to take it is ours, whether or not we slept for it.
    const std::uint32_t before = word_.fetch_sub(1, std::memory_order_seq_cst);
    if ((before & token) == 0) return false;
    word_.fetch_and(~token, std::memory_order_seq_cst);
    return true;
  }

  /// Wakes all sleepers once, so that each looks again at what has_work() does not tell.
  void nudge() noexcept {
    {
      const std::lock_guard lock(mutex_);
      ++nudges_;
    }
    wake_.notify_all();
  }

  /// Wakes all sleepers; nobody sleeps here any more.
  void release() noexcept {
    {
      const std::lock_guard lock(mutex_);
      released_ = true;
    }
    wake_.notify_all();
  }

  /// How many are registered as sleeping.
  [[nodiscard]] std::uint32_t sleepers() const noexcept { return word_.load(std::memory_order_seq_cst) & ~token; }

 private:
  static constexpr std::uint32_t token = std::uint32_t{1} << 31U;

  std::mutex mutex_;
  std::condition_variable wake_;
  bool released_ = false;
  std::uint32_t nudges_ = 0;
  std::atomic<std::uint32_t> word_{0};
};

}  // namespace windlass::detail
