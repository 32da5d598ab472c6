#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "windlass/clock.hpp"
#include "windlass/stats.hpp"

namespace windlass::detail {

/// A Histogram that several threads fill. Its counts are statistics only: nothing hangs on their order.
class Timings {
 public:
  void add(Duration length) noexcept { counts_[Histogram::bucket_of(length)].fetch_add(1, std::memory_order_relaxed); }

  [[nodiscard]] Histogram read() const noexcept {
    Histogram copy;
    for (std::size_t i = 0; i < copy.counts.size(); ++i) copy.counts[i] = counts_[i].load(std::memory_order_relaxed);
    return copy;
  }

 private:
  std::array<std::atomic<std::uint64_t>, Histogram::buckets> counts_{};
};

}  // namespace windlass::detail
