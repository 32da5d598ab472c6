#pragma once

#include <cstdint>
#include <mutex>

#include "../machines/atomics.hpp"
#include "../machines/locks.hpp"
#include "../machines/seq_cst.hpp"
#include "../machines/timing_wheel.hpp"
#include "windlass/clock.hpp"

namespace windlass::detail {

/// The slow road: everything that waits for a time. A mutex, a wheel, and the arithmetic between times and ticks.
/// A move into or out of `waiting` does its CAS and its link or unlink under one Hold.
///
/// Node `2 * slot` is the slot's wait, node `2 * slot + 1` its alarm (a pulled lease: its end, its max_runtime).
template <class Policy = StdAtomics>
class BasicPlanner {
 public:
  static constexpr std::uint32_t per_hold = 64;  // due nodes taken at most under one hold of the lock

  BasicPlanner(WheelNode* nodes, Time origin, Duration tick) noexcept
      : nodes_(nodes), wheel_(nodes), origin_(origin), tick_(tick) {}

  /// The lock, held. Others see what it changed when it ends, and nothing in between: whoever looked while a node is
  /// out to be put elsewhere would sleep for ever.
  class [[nodiscard]] Hold {
   public:
    explicit Hold(BasicPlanner& planner) noexcept : lock_(planner.mutex_), planner_(planner) {}
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    ~Hold() { planner_.publish(); }

   private:
    const std::lock_guard<typename Locks<Policy>::Mutex> lock_;
    BasicPlanner& planner_;
  };

  [[nodiscard]] Hold hold() noexcept { return Hold(*this); }

  /// Links `node` for `due`, rounded up to a tick: never early. Under a Hold. Returns true if this is earlier than
  /// next_due(): then whoever sleeps until that must be told, after the Hold.
  bool insert(std::uint32_t node, Time due) noexcept {
    const std::uint64_t tick = tick_at_or_after(due);
    wheel_.insert(node, tick);
    return time_of(tick) < next_due();
  }

  /// Unlinks `node` if it is linked. Under a Hold.
  void remove(std::uint32_t node) noexcept {
    if (nodes_[node].linked()) wheel_.remove(node);
  }

  /// Takes one due node. Under a Hold.
  [[nodiscard]] bool take_due(Time now, std::uint32_t& node) noexcept {
    return wheel_.take_due(tick_before(now), node);
  }

  /// When tick() has something to do next, as the last Hold left it; Time::max() if never. Lock-free; any thread.
  [[nodiscard]] Time next_due() const noexcept { return Time{Duration{next_.load()}}; }

 private:
  // The last tick that there is means never: take_due(Time::max()) takes that, too.
  [[nodiscard]] std::uint64_t last_tick() const noexcept { return tick_before((Time::max)()); }

  [[nodiscard]] std::uint64_t tick_at_or_after(Time due) const noexcept {
    if (due <= origin_) return 0;
    const Duration::rep past = (due - origin_).count();
    const auto tick = static_cast<std::uint64_t>(past / tick_.count() + (past % tick_.count() != 0 ? 1 : 0));
    return tick < last_tick() ? tick : last_tick();
  }
  [[nodiscard]] std::uint64_t tick_before(Time now) const noexcept {
    return now <= origin_ ? 0 : static_cast<std::uint64_t>((now - origin_) / tick_);
  }

  [[nodiscard]] Time time_of(std::uint64_t tick) const noexcept {
    return tick >= last_tick() ? (Time::max)() : origin_ + tick_ * static_cast<Duration::rep>(tick);
  }

  void publish() noexcept {
    const Time due = time_of(wheel_.next_due());
    if (due != next_due()) next_.store(due.time_since_epoch().count());
  }

  typename Locks<Policy>::Mutex mutex_;
  WheelNode* const nodes_;
  TimingWheel wheel_;
  const Time origin_;
  const Duration tick_;
  SeqCst<Duration::rep, Policy> next_{(Time::max)().time_since_epoch().count()};
};

using Planner = BasicPlanner<>;

}  // namespace windlass::detail
