#pragma once

#include <array>
#include <cstdint>

#include "../machines/atomics.hpp"
#include "../machines/locks.hpp"
#include "../machines/seq_cst.hpp"
#include "windlass/clock.hpp"
#include "windlass/stop.hpp"

namespace windlass::detail {

class QueueBase;

/// What a worker publishes about the run it is in: one line that the lease watch reads.
///
/// Only the worker writes `running`, `queue`, `lease` and `max_runtime`, the last three while `running` is 0.
/// [line.begun] `running` is stored with release and read with acquire: who sees a run sees its queue and lease.
/// [line.ended] So are the others: who sees one that belongs to a later run sees that the run before it has ended.
template <class Policy = StdAtomics>
struct alignas(cache_line) BasicRunLine {
  static constexpr std::uint32_t max_queues = 64;  // that one worker serves

  template <class T>
  using Atomic = typename Policy::template Atomic<T>;
  using Mutex = typename Locks<Policy>::Mutex;
  using Condition = typename Locks<Policy>::Condition;

  Atomic<std::uint64_t> running{0};            // {low stamp:32 | slot + 1:32}; 0 = no run
  Atomic<QueueBase*> queue{nullptr};           // whose slot
  Atomic<std::uint32_t> beats{0};              // heartbeats
  Atomic<std::uint32_t> runs{0};               // tells two runs of one job apart from one extended run
  Atomic<Duration::rep> lease{0};              // ns; 0 = never expires
  Atomic<Duration::rep> max_runtime{0};        // ns; 0 = no limit
  Atomic<Duration::rep> extend_until{0};       // lease time since the epoch; only grows within a run
  SeqCst<std::uint64_t, Policy> over_time{0};  // the round that took longer than max_runtime; by the watch
  alignas(cache_line) BasicStopState<Atomic<std::uint64_t>, Mutex, Condition> stop;
  Mutex sleep_mutex;
  Condition sleep;                                // sleep_for in the handler
  std::uint32_t index = 0;                        // among the lines of its crew
  bool serves_many = false;                       // its next job may be of another queue
  bool is_searching = false;                      // the worker's own: it owes Parking an end_search()
  bool owes_notice = false;                       // its own: it counted a job as done and told nobody who waits
  const std::uint64_t* ends = nullptr;            // its own: where it stops in each lane, if anywhere
  std::array<std::uint32_t, max_queues> turns{};  // its own: jobs it took of each queue with weighted lanes
  SeqCst<QueueBase*, Policy> looking{nullptr};    // a queue the worker looks into without running anything of it

  // A worker inside user code that belongs to no run: a sink, `on_hung`.
  static constexpr std::uint32_t errand = no_slot - 1;

  [[nodiscard]] static std::uint64_t name(std::uint64_t stamp, std::uint32_t slot) noexcept {
    return pack(static_cast<std::uint32_t>(stamp), slot + 1);
  }

  void begin(QueueBase* whose, std::uint64_t stamp, std::uint32_t slot, Duration for_lease, Duration limit) noexcept {
    queue.store(whose, std::memory_order_release);  // [line.ended] release, and the four below
    lease.store(for_lease.count(), std::memory_order_release);
    max_runtime.store(limit.count(), std::memory_order_release);
    extend_until.store(0, std::memory_order_release);
    runs.store(runs.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    running.store(name(stamp, slot), std::memory_order_release);  // [line.begun] release, pairs with LeaseWatch
  }

  /// The same for an errand: it can be found hung, but nothing is taken from it, and nobody asks it to stop.
  void begin_errand(QueueBase* whose, Duration patience) noexcept {
    (void)stop.begin_round();  // [line.ended] that of the run before is over
    begin(whose, 0, errand, patience, Duration{});
  }

  void end() noexcept { running.store(0, std::memory_order_release); }
};

using RunLine = BasicRunLine<>;

}  // namespace windlass::detail
