#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "../machines/atomics.hpp"
#include "../machines/shard.hpp"

namespace windlass::detail {

/// What a queue counts. All only grow.
enum class Count : std::uint8_t {
  accepted,
  refused,
  done,
  dead,
  abandoned,
  cancelled,
  discarded,
  returned,
  entered_waiting,
  left_waiting,
  other_runs,
  failures,
  exceptions,
  retries,
  snoozes,
  expiries,
  redeliveries,
  stale_settles,
  late_successes,
  sink_failures,
  user_errors,
  tombstones_made,
  tombstones_gone,
  kept,
  unkept,
  size
};

/// Counters without a shared cache line: each thread adds to a shard that its address picks, a reader adds up.
/// seq_cst, because a producer adds to `accepted` and then reads `closed`, while close() does the reverse.
template <class Policy = StdAtomics>
class BasicCounters {
 public:
  /// Returns what this thread's shard had counted before.
  std::uint64_t add(Count what, std::uint64_t n = 1) noexcept {
    return shards_[Shards<Policy>::mine()].values[static_cast<std::size_t>(what)].fetch_add(n,
                                                                                            std::memory_order_seq_cst);
  }

  [[nodiscard]] std::uint64_t sum(Count what) const noexcept {
    std::uint64_t total = 0;
    for (const Shard& shard : shards_) {
      total += shard.values[static_cast<std::size_t>(what)].load(std::memory_order_seq_cst);
    }
    return total;
  }

  /// Jobs that are over. Read it before `accepted`, so that nothing is negative.
  [[nodiscard]] std::uint64_t finished() const noexcept {
    return sum(Count::done) + sum(Count::dead) + sum(Count::cancelled) + sum(Count::discarded) + sum(Count::returned);
  }

  /// Nothing is left. If and only if no job is alive and no accepting enqueue is under way.
  [[nodiscard]] bool is_drained() const noexcept {
    const std::uint64_t over = finished() + sum(Count::refused);
    return over == sum(Count::accepted);
  }

  /// Nothing is ready, running or stalled; delayed jobs may remain.
  [[nodiscard]] bool is_idle() const noexcept {
    const std::uint64_t quiet = finished() + sum(Count::refused) + sum(Count::entered_waiting);
    return quiet == sum(Count::accepted) + sum(Count::left_waiting);
  }

 private:
  struct alignas(cache_line) Shard {
    std::array<typename Policy::template Atomic<std::uint64_t>, static_cast<std::size_t>(Count::size)> values{};
  };

  std::array<Shard, Shards<Policy>::count> shards_{};
};

using Counters = BasicCounters<>;

}  // namespace windlass::detail
