#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

namespace harness {

/// Where threads wait for each other, again and again. None sleeps.
class Meeting {
 public:
  explicit Meeting(std::uint32_t threads) : threads_(threads) {}

  /// Returns when all threads have called it as often as this one.
  void arrive() {
    const std::uint64_t meeting = arrived_.fetch_add(1) / threads_ + 1;
    while (arrived_.load() < meeting * threads_) std::this_thread::yield();
  }

 private:
  const std::uint64_t threads_;
  std::atomic<std::uint64_t> arrived_{0};
};

}  // namespace harness
