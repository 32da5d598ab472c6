#pragma once

#include <concurrentqueue/concurrentqueue.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace rings {

/// moodycamel::ConcurrentQueue without tokens. Not one FIFO: each producer has its own.
class Moodycamel {
 public:
  static constexpr const char* name = "moodycamel";
  static constexpr bool has_bulk = true;
  explicit Moodycamel(std::size_t items) : queue_(items) {}
  void push(std::uint64_t item) { queue_.enqueue(item); }
  bool pop(std::uint64_t& item) { return queue_.try_dequeue(item); }
  void push_bulk(std::span<const std::uint64_t> items) { queue_.enqueue_bulk(items.data(), items.size()); }
  std::size_t pop_bulk(std::span<std::uint64_t> items) { return queue_.try_dequeue_bulk(items.data(), items.size()); }

 private:
  moodycamel::ConcurrentQueue<std::uint64_t> queue_;
};

}  // namespace rings
