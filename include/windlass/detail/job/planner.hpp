#pragma once

#include <cstdint>

#include "../machines/atomics.hpp"
#include "../machines/locks.hpp"
#include "../machines/timing_wheel.hpp"
#include "windlass/clock.hpp"

namespace windlass::detail {

/// The slow road: everything that waits for a time. A mutex, a wheel, and the arithmetic between times and ticks.
/// A move into or out of `waiting` does its CAS and its link or unlink under one hold of `mutex()`.
///
/// Node `2 * slot` is the slot's wait, node `2 * slot + 1` its alarm (a pulled lease: its end, its max_runtime).
template <class Policy = StdAtomics>
class BasicPlanner {
 public:
  static constexpr std::uint32_t per_hold = 64;  // due nodes taken at most under one hold of the lock

  BasicPlanner(WheelNode* nodes, Time origin, Duration tick) noexcept
      : nodes_(nodes), wheel_(nodes), origin_(origin), tick_(tick) {}

  [[nodiscard]] typename Locks<Policy>::Mutex& mutex() noexcept { return mutex_; }

  /// Links `node` for `due`, rounded up to a tick: never early. Under the lock.
  /// Returns true if this is the earliest deadline now.
  bool insert(std::uint32_t node, Time due) noexcept {
    wheel_.insert(node, tick_at_or_after(due));
    return publish();
  }

  /// Unlinks `node` if it is linked. Under the lock.
  void remove(std::uint32_t node) noexcept {
    if (nodes_[node].linked()) wheel_.remove(node);
    publish();
  }

  /// Takes one due node. Under the lock.
  [[nodiscard]] bool take_due(Time now, std::uint32_t& node) noexcept {
    const bool found = wheel_.take_due(tick_before(now), node);
    publish();
    return found;
  }

  /// When tick() has something to do next; Time::max() if never. Lock-free; any thread.
  [[nodiscard]] Time next_due() const noexcept { return Time{Duration{next_.load(std::memory_order_seq_cst)}}; }

 private:
  // The last tick that there is means never: take_due(Time::max()) takes that, too.
  [[nodiscard]] std::uint64_t last_tick() const noexcept { return tick_before(Time::max()); }

  [[nodiscard]] std::uint64_t tick_at_or_after(Time due) const noexcept {
    if (due <= origin_) return 0;
    const Duration::rep past = (due - origin_).count();
    const auto tick = static_cast<std::uint64_t>(past / tick_.count() + (past % tick_.count() != 0 ? 1 : 0));
    return tick < last_tick() ? tick : last_tick();
  }
  [[nodiscard]] std::uint64_t tick_before(Time now) const noexcept {
    return now <= origin_ ? 0 : static_cast<std::uint64_t>((now - origin_) / tick_);
  }

  bool publish() noexcept {
    const std::uint64_t tick = wheel_.next_due();
    const Time due = tick >= last_tick() ? Time::max() : origin_ + tick_ * static_cast<Duration::rep>(tick);
    const Duration::rep before = next_.load(std::memory_order_relaxed);
    if (due.time_since_epoch().count() == before) return false;
    next_.store(due.time_since_epoch().count(), std::memory_order_seq_cst);
    return due.time_since_epoch().count() < before;
  }

  typename Locks<Policy>::Mutex mutex_;
  WheelNode* const nodes_;
  TimingWheel wheel_;
  const Time origin_;
  const Duration tick_;
  typename Policy::template Atomic<Duration::rep> next_{Time::max().time_since_epoch().count()};
};

using Planner = BasicPlanner<>;

}  // namespace windlass::detail
