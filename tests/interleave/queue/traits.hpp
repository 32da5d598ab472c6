#pragma once

// What the scenarios of this folder share: the explorer, and traits for queues that run under it as a whole.

#include "../interleave.hpp"
#include "windlass/windlass.hpp"

namespace interleave {

struct QueueTraits : windlass::DefaultTraits {
  using Atomics = interleave::Atomics;
  static constexpr windlass::Lanes lanes{1, windlass::LaneOrder::strict, {1}};
  static constexpr windlass::Timing timing = windlass::Timing::none;
};

using Queue = windlass::JobQueue<int, QueueTraits>;

/// Something that happens once; whoever waits for it has no timeout, so that waiting in vain is a deadlock.
class Happening {
 public:
  void happen() {
    const std::lock_guard lock(mutex_);
    has_happened_ = true;
    wake_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return has_happened_; });
  }

 private:
  Mutex mutex_;
  Condition wake_;
  bool has_happened_ = false;
};

/// Lets a little time pass: whoever waits for some may go first.
inline void pass_time(std::chrono::milliseconds length = std::chrono::milliseconds{1}) {
  Mutex mutex;
  Condition never;
  std::unique_lock lock(mutex);
  (void)never.wait_for(lock, length, [] { return false; });
}

}  // namespace interleave
