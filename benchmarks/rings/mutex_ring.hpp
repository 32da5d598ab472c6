#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <mutex>
#include <span>
#include <vector>

#include "item.hpp"

namespace rings {

/// A mutex and an array. Never holds more items than it was made for.
class MutexRing {
 public:
  static constexpr const char* name = "mutex_ring";
  static constexpr bool has_bulk = true;
  explicit MutexRing(std::size_t items) : cells_(std::bit_ceil(items)), mask_(cells_.size() - 1) {}
  void push(Item item) { push_bulk({&item, 1}); }
  bool pop(Item& item) { return pop_bulk({&item, 1}) == 1; }
  void push_bulk(std::span<const Item> items) {
    const std::lock_guard lock(mutex_);
    for (const Item item : items) cells_[tail_++ & mask_] = item;
  }
  std::size_t pop_bulk(std::span<Item> items) {
    const std::lock_guard lock(mutex_);
    const std::size_t count = std::min(items.size(), tail_ - head_);
    for (Item& item : items.first(count)) item = cells_[head_++ & mask_];
    return count;
  }

 private:
  std::mutex mutex_;
  std::vector<Item> cells_;
  const std::size_t mask_;
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
};

}  // namespace rings
