#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>
#include <windlass/windlass.hpp>

namespace pools {

/// windlass with its default traits and every promise on: leases, fencing, retries, dead letters, and functions that
/// are redelivered while a hung run of theirs is still going on.
class Windlass {
 public:
  static constexpr const char* name = "windlass";
  Windlass(std::uint32_t workers, std::uint32_t jobs, windlass::Duration lease = std::chrono::seconds{30})
      : queue_({.capacity = jobs, .workers = workers, .lease = lease, .dead_letters = &dead_letters_}) {}
  template <class F>
  void enqueue(F function) {
    queue_.enqueue(windlass::concurrent(std::move(function))).or_throw();
  }

 private:
  windlass::DeadLetterBox<windlass::Callable<>> dead_letters_{1};
  windlass::JobQueue<> queue_;
};

/// The same in memory of the caller, which is touched before the first job comes.
class WindlassOwnMemory {
 public:
  static constexpr const char* name = "windlass_own_memory";
  WindlassOwnMemory(std::uint32_t workers, std::uint32_t jobs)
      : memory_(windlass::JobQueue<>::required_bytes({.capacity = jobs})),
        queue_({.capacity = jobs, .workers = workers, .memory = memory_, .dead_letters = &dead_letters_}) {}
  template <class F>
  void enqueue(F function) {
    queue_.enqueue(windlass::concurrent(std::move(function))).or_throw();
  }

 private:
  windlass::DeadLetterBox<windlass::Callable<>> dead_letters_{1};
  std::vector<std::byte> memory_;
  windlass::JobQueue<> queue_;
};

}  // namespace pools
