#pragma once

#include <boost/lockfree/queue.hpp>
#include <cstddef>
#include <cstdint>
#include <thread>

namespace rings {

/// boost::lockfree::queue with nodes for all items from the beginning.
class Boost {
 public:
  static constexpr const char* name = "boost_lockfree";
  static constexpr bool has_bulk = false;
  explicit Boost(std::size_t items) : queue_(items) {}
  void push(std::uint64_t item) {
    while (!queue_.push(item)) std::this_thread::yield();
  }
  bool pop(std::uint64_t& item) { return queue_.pop(item); }

 private:
  boost::lockfree::queue<std::uint64_t> queue_;
};

}  // namespace rings
