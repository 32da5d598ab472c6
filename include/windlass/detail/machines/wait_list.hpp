#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <type_traits>

#include "atomics.hpp"
#include "locks.hpp"
#include "windlass/result.hpp"
#include "windlass/stop.hpp"

namespace windlass::detail {

/// Calls that wait for something: room, a job to reserve, idleness.
///
/// Whoever brings it about publishes that with seq_cst, then calls notify_*; a waiter adds itself with seq_cst, then
/// looks. So one of the two sees the other. [room.publish] [room.look]
template <class Policy = StdAtomics>
class BasicWaitList {
 public:
  using Deadline = std::optional<std::chrono::steady_clock::time_point>;

  /// Wakes one waiter. One load when nobody waits.
  void notify_one() noexcept {
    if (waiters_.load(std::memory_order_seq_cst) == 0) return;  // [room.publish]
    { const std::lock_guard lock(mutex_); }                     // a waiter is before its look, or asleep
    wake_.notify_one();
  }

  /// Wakes all waiters. One load when nobody waits.
  void notify_all() noexcept {
    if (waiters_.load(std::memory_order_seq_cst) == 0) return;
    { const std::lock_guard lock(mutex_); }
    wake_.notify_all();
  }

  /// Waits until `ready()` is true, which is asked under this list's mutex, takes no other lock and does not throw.
  template <class Ready>
  WaitError wait(Ready ready, Deadline deadline, StopToken stop) {
    waiters_.fetch_add(1, std::memory_order_seq_cst);  // [room.look] counted before the look
    const WaitError error = wait_counted(ready, deadline, stop);
    // Only now, when no stop request can come by any more: the last one to leave lets go of the list for good.
    const std::lock_guard lock(mutex_);
    waiters_.fetch_sub(1, std::memory_order_seq_cst);
    // A notify_one may have hit this waiter just as it gave up, or may be worth two: pass it on.
    wake_.notify_one();
    return error;
  }

 private:
  template <class Ready>
  WaitError wait_counted(Ready& ready, Deadline deadline, StopToken stop) {
    const StopWaiter registered(stop.state(), mutex_, wake_);
    std::unique_lock lock(mutex_);
    for (;;) {
      if (ready()) return WaitError::none;
      if (stop.stop_requested()) return WaitError::stopped;
      if (!deadline) {
        wake_.wait(lock);
      } else if (wake_.wait_until(lock, *deadline) == std::cv_status::timeout) {
        return ready() ? WaitError::none : WaitError::timed_out;
      }
    }
  }

  using Mutex = typename Locks<Policy>::Mutex;
  using Condition = typename Locks<Policy>::Condition;

  // Stop requests notify real condition variables; a policy with others is for tests without stop tokens.
  struct NoWaiter {
    NoWaiter(StopState* /*state*/, Mutex& /*mutex*/, Condition& /*wake*/) noexcept {}
  };
  using StopWaiter =
      std::conditional_t<std::is_same_v<Condition, std::condition_variable>, StopState::Waiter, NoWaiter>;

  typename Policy::template Atomic<std::uint32_t> waiters_{0};
  Mutex mutex_;
  Condition wake_;
};

using WaitList = BasicWaitList<>;

}  // namespace windlass::detail
