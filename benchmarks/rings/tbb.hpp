#pragma once

#include <tbb/concurrent_queue.h>

#include <cstddef>

#include "item.hpp"

namespace rings {

/// oneTBB's concurrent_queue, or its concurrent_bounded_queue, which can also wait.
template <class Queue>
class Tbb {
 public:
  static constexpr bool has_bulk = false;
  explicit Tbb(std::size_t /*items*/) {}
  void push(Item item) { queue_.push(item); }
  bool pop(Item& item) { return queue_.try_pop(item); }

 private:
  Queue queue_;
};

class TbbQueue : public Tbb<tbb::concurrent_queue<Item>> {
 public:
  static constexpr const char* name = "tbb_concurrent_queue";
  using Tbb::Tbb;
};

class TbbBoundedQueue : public Tbb<tbb::concurrent_bounded_queue<Item>> {
 public:
  static constexpr const char* name = "tbb_bounded_queue";
  using Tbb::Tbb;
};

}  // namespace rings
