#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>
#include <windlass/windlass.hpp>

namespace pools {

/// windlass with its default traits: leases, fencing, retries and dead letters on.
class Windlass {
 public:
  static constexpr const char* name = "windlass";
  Windlass(std::uint32_t workers, std::uint32_t jobs) : queue_({.capacity = jobs, .workers = workers}) {}
  template <class F>
  void enqueue(F function) {
    queue_.enqueue(std::move(function)).or_throw();
  }

 private:
  windlass::JobQueue<> queue_;
};

/// The same in memory of the caller, which is touched before the first job comes.
class WindlassOwnMemory {
 public:
  static constexpr const char* name = "windlass_own_memory";
  WindlassOwnMemory(std::uint32_t workers, std::uint32_t jobs)
      : memory_(windlass::JobQueue<>::required_bytes({.capacity = jobs})),
        queue_({.capacity = jobs, .workers = workers, .memory = memory_}) {}
  template <class F>
  void enqueue(F function) {
    queue_.enqueue(std::move(function)).or_throw();
  }

 private:
  std::vector<std::byte> memory_;
  windlass::JobQueue<> queue_;
};

}  // namespace pools
