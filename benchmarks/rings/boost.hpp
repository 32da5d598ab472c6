#pragma once

#include <boost/lockfree/queue.hpp>
#include <cstddef>
#include <thread>

#include "item.hpp"

namespace rings {

/// boost::lockfree::queue with nodes for all items from the beginning.
class Boost {
 public:
  static constexpr const char* name = "boost_lockfree";
  static constexpr bool has_bulk = false;
  explicit Boost(std::size_t items) : queue_(items) {}
  void push(Item item) {
    while (!queue_.push(item)) std::this_thread::yield();
  }
  bool pop(Item& item) { return queue_.pop(item); }

 private:
  boost::lockfree::queue<Item> queue_;
};

}  // namespace rings
