#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

/// Something that happens once. Any thread.
class Signal {
 public:
  void set() {
    const std::lock_guard lock(mutex_);
    is_set_ = true;
    changed_.notify_all();
  }

  /// Waits at most `limit`; whether it has happened.
  bool wait(std::chrono::milliseconds limit = std::chrono::seconds{30}) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [this] { return is_set_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_set_ = false;
};
