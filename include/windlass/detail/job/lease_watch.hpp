#pragma once

#include <cstdint>

#include "queue_base.hpp"
#include "run_line.hpp"

namespace windlass::detail {

/// Times one worker's runs by looking at its line now and then. Never early: the count starts when the watch first
/// sees a run, by a clock that is read after that. All times are lease time. One thread at a time per watch.
class LeaseWatch {
 public:
  /// What a look found.
  struct Finding {
    QueueBase* queue = nullptr;
    std::uint32_t slot = 0;
    std::uint32_t low_stamp = 0;
    std::uint64_t round = 0;    // of the line's stop state
    std::uint32_t runs = 0;     // of the line
    bool is_overdue = false;    // unchanged for a whole lease
    bool is_over_time = false;  // ran longer than max_runtime; reported once
  };

  /// `now` was read before this call, perhaps long before; `clock()` says what it is.
  template <class Policy, class Clock>
  [[nodiscard]] Finding look(const BasicRunLine<Policy>& line, Time now, Clock clock) noexcept {
    const std::uint32_t runs = line.runs.load(std::memory_order_acquire);
    const std::uint64_t running = line.running.load(std::memory_order_acquire);  // [line.begun] acquire
    QueueBase* const queue = line.queue.load(std::memory_order_acquire);
    const std::uint32_t beats = line.beats.load(std::memory_order_acquire);
    const Duration lease{line.lease.load(std::memory_order_acquire)};
    const Duration limit{line.max_runtime.load(std::memory_order_acquire)};
    const Time until{Duration{line.extend_until.load(std::memory_order_acquire)}};
    const std::uint64_t round = line.stop.round();
    // All of it belongs to one run only if the line shows the same run before and after, extended perhaps. [line.ended]
    const bool runs_on = line.running.load(std::memory_order_acquire) != 0;
    if (running == 0 || !runs_on || line.runs.load(std::memory_order_acquire) != runs) return {};
    const bool is_new = runs != runs_;
    if (is_new || (!is_over_time_ && (running != seen_ || beats != beats_))) since_ = clock();
    if (is_new) {
      runs_ = runs;
      run_since_ = since_;
      is_over_time_ = false;
    }
    seen_ = running;
    beats_ = beats;
    Finding found{queue, low_half(running) - 1, high_half(running), round, runs, false, false};
    if (limit > Duration{} && !is_over_time_ && now - run_since_ >= limit) found.is_over_time = is_over_time_ = true;
    found.is_overdue = lease > Duration{} && now - since_ >= lease && now >= until;
    return found;
  }

  /// Starts over: the run was dealt with.
  void restart(Time now) noexcept { since_ = now; }

 private:
  std::uint64_t seen_ = 0;
  std::uint32_t runs_ = 0;
  std::uint32_t beats_ = 0;
  bool is_over_time_ = false;
  Time since_{};
  Time run_since_{};
};

}  // namespace windlass::detail
