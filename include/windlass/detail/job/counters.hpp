#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

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

/// Counters without a shared cache line: each thread adds to a shard that its number picks, a reader adds up.
/// seq_cst, because a producer adds to `accepted` and then reads `closed`, while close() does the reverse.
///
/// What ends plainly, as nearly all runs do, is counted without a read-modify-write, in a place that only the worker
/// itself writes.
template <class Policy = StdAtomics>
class BasicCounters {
 public:
  /// With a place of their own for workers numbered 0 to `workers` - 1.
  explicit BasicCounters(std::size_t workers = 0) : workers_(workers), own_(std::make_unique<Own[]>(workers)) {}

  /// One more is done, by the worker that alone goes by this number now. Whoever waits for that learns it only by
  /// publish_done().
  void add_done(std::size_t worker) noexcept {
    auto& done = own_[worker].done;
    // [done.counted] release: who sees the count sees what the job left behind.
    done.store(done.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  /// [done.told] seq_cst, then whoever waits is looked for; a waiter says that it waits, then reads the counters: one
  /// sees the other. A read-modify-write, for a store of add_done() alone has no place in that order.
  void publish_done(std::size_t worker) noexcept { own_[worker].done.fetch_add(0, std::memory_order_seq_cst); }

  /// The same for all workers, by any thread: nothing is lost, whatever they add meanwhile.
  void publish_all_done() noexcept {
    for (std::size_t i = 0; i < workers_; ++i) publish_done(i);
  }

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
    for (std::size_t i = 0; what == Count::done && i < workers_; ++i) {
      total += own_[i].done.load(std::memory_order_seq_cst);  // [done.counted] acquire, [done.told] seq_cst
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

  struct alignas(cache_line) Own {
    typename Policy::template Atomic<std::uint64_t> done{0};
  };

  const std::size_t workers_;
  const std::unique_ptr<Own[]> own_;
  std::array<Shard, Shards<Policy>::count> shards_{};
};

using Counters = BasicCounters<>;

}  // namespace windlass::detail
