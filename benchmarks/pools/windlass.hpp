#pragma once

#include <cstdint>
#include <utility>
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

}  // namespace pools
