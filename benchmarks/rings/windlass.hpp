#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <windlass/detail/machines/index_ring.hpp>

#include "item.hpp"

namespace rings {

/// The ring of slot numbers that is a lane in windlass. It has no bulk operations.
class Windlass {
 public:
  static constexpr const char* name = "windlass";
  static constexpr bool has_bulk = false;
  explicit Windlass(std::size_t items)
      : count_(Ring::cells_for(static_cast<std::uint32_t>(items))),
        cells_(std::make_unique<Ring::Cell[]>(count_)),
        ring_(cells_.get(), count_) {}
  void push(Item item) { ring_.push(item); }
  bool pop(Item& item) {
    item = ring_.pop();
    return item != windlass::detail::no_slot;
  }

 private:
  using Ring = windlass::detail::IndexRing<>;
  std::uint64_t count_;
  std::unique_ptr<Ring::Cell[]> cells_;
  Ring ring_;
};

}  // namespace rings
