#pragma once

#include "crew.hpp"

namespace windlass::detail {

inline void Crew::plan_changed(Time) noexcept {
  if (options_.workers > 0) {
    timekeeper_.nudge();
  } else {
    signal_ready();
  }
}

inline void Crew::lease_in_use(Duration lease) noexcept {
  Duration::rep seen = shortest_lease_.load(std::memory_order_seq_cst);
  while (seen == 0 || lease.count() < seen) {
    if (shortest_lease_.compare_exchange_weak(seen, lease.count(), std::memory_order_seq_cst)) {
      if (armed_.load(std::memory_order_seq_cst)) timekeeper_.nudge();
      return;
    }
  }
}

// The watch looks every sixteenth of the shortest lease, 1 ms to 1 s.
inline Duration Crew::interval() const noexcept {
  const Duration sixteenth = Duration{shortest_lease_.load(std::memory_order_seq_cst)} / 16;
  return std::clamp<Duration>(sixteenth, std::chrono::milliseconds{1}, std::chrono::seconds{1});
}

inline bool Crew::stop_run(const QueueBase& queue, std::uint32_t slot, std::uint32_t low_stamp,
                           StopReason why) noexcept {
  const std::uint64_t name = RunLine::name(low_stamp, slot);
  for (std::uint32_t i = 0; i < count_; ++i) {
    RunLine& line = records_[i].line;
    if (line.running.load(std::memory_order_seq_cst) != name) continue;
    if (line.queue.load(std::memory_order_seq_cst) != &queue) continue;
    const std::uint64_t round = line.stop.round();
    if (line.running.load(std::memory_order_seq_cst) != name) continue;  // the round belongs to the run if it stayed
    return line.stop.request(round, why);
  }
  return false;
}

// [watch.armed] A worker that leaves its sleep (seq_cst) then reads `armed`; disarm_if_asleep() stores `armed`, then
// counts the sleepers (both seq_cst): one of the two sees the other.
inline void Crew::arm() noexcept {
  if (armed_.load(std::memory_order_seq_cst) || shortest_lease_.load(std::memory_order_seq_cst) == 0) return;
  if (!armed_.exchange(true, std::memory_order_seq_cst)) timekeeper_.nudge();
}

inline void Crew::disarm_if_asleep() noexcept {
  const auto asleep = [this] {
    for (std::uint32_t i = first_seat(); i < count_; ++i) {
      if (records_[i].is_taken.load(std::memory_order_seq_cst)) return false;
    }
    return hung() == 0 && parking_.sleepers() == options_.workers + substitutes();
  };
  const bool is_asleep = asleep();
  if (is_asleep && was_asleep_) {
    armed_.store(false, std::memory_order_seq_cst);
    if (!asleep()) armed_.store(true, std::memory_order_seq_cst);
  }
  was_asleep_ = is_asleep;
}

// Queues of a shared crew come and go: whoever calls one on the timekeeper's behalf holds off detach(). A queue with a
// crew of its own outlives it, and needs no lock.
inline std::unique_lock<std::mutex> Crew::lock_queues() {
  return options_.is_shared ? std::unique_lock(mutex_) : std::unique_lock<std::mutex>();
}

inline Time Crew::round(Time now) {
  Time next = Time::max();
  {
    const auto lock = lock_queues();
    for (std::uint32_t i = 0; i < queue_count_.load(std::memory_order_relaxed); ++i) {
      QueueBase* const queue = queues_[i].load(std::memory_order_relaxed);
      if (queue != nullptr) next = std::min(next, queue->tick(now));
    }
  }
  if (armed_.load(std::memory_order_seq_cst)) {
    const Duration gap = now - last_watch_;
    // A stall: the whole process stood still, handlers included. It counts as one interval of lease time.
    if (was_armed_ && gap > 4 * interval()) stalled_.fetch_add((gap - interval()).count(), std::memory_order_seq_cst);
    if (!was_armed_ || gap >= interval()) {
      last_watch_ = now;
      watch(lease_time(now));
      disarm_if_asleep();
    }
    next = std::min(next, last_watch_ + interval());
  }
  was_armed_ = armed_.load(std::memory_order_seq_cst);
  if (!was_armed_) was_asleep_ = false;
  return next;
}

inline void Crew::watch(Time now) {
  for (std::uint32_t i = 0; i < count_; ++i) {
    Record& record = records_[i];
    LeaseWatch::Finding found;
    bool returned = false;
    {
      const std::lock_guard lock(watch_mutex_);
      found = record.watch.look(record.line, now);
      if (found.is_overdue) record.watch.restart(now);
      returned = record.hung_in != 0 && record.line.running.load(std::memory_order_seq_cst) != record.hung_in;
      if (returned) record.hung_in = 0;
    }
    if (returned) {
      hung_.fetch_sub(1, std::memory_order_seq_cst);
      parking_.nudge();  // a substitute may be one too many now
    }
    if (found.is_over_time) record.line.stop.request(found.round, StopReason::max_runtime);
    if (found.is_overdue) judge_hung(record, found);
  }
  if (hung() > substitutes() && timekeeper_.is_running()) start_substitute();
}

inline void Crew::judge_hung(Record& record, const LeaseWatch::Finding& found) {
  const std::uint64_t name = RunLine::name(found.low_stamp, found.slot);
  {
    const std::lock_guard lock(watch_mutex_);
    if (record.line.running.load(std::memory_order_seq_cst) != name) return;
    if (record.hung_in == 0) {
      record.hung_in = name;
      hung_.fetch_add(1, std::memory_order_seq_cst);
    }
  }
  // The run may return and its queue be destroyed as we speak: only a queue that is still attached is called.
  const auto lock = lock_queues();
  for (const auto& entry : queues_) {
    if (entry.load(std::memory_order_relaxed) != found.queue) continue;
    if (found.queue->expire(found.slot, found.low_stamp)) record.line.stop.request(found.round, StopReason::lease_lost);
    return;
  }
}

inline void Crew::start_substitute() {
  const std::lock_guard lock(mutex_);
  for (std::uint32_t i = 0; i < options_.max_substitutes; ++i) {
    Record& record = records_[options_.workers + i];
    if (record.is_taken.load(std::memory_order_acquire)) continue;
    if (record.thread.joinable()) record.thread.join();  // retired: it is past its last lock
    const auto run = [this, &record, i] {
      const ReasonText name = worker_name(options_.name, i, true);
      work(record, {name.view(), i, true});
    };
    record.is_taken.store(true, std::memory_order_relaxed);
    substitutes_.fetch_add(1, std::memory_order_seq_cst);
#if defined(__cpp_exceptions)
    try {
      record.thread = std::thread(run);
      degraded_.store(false, std::memory_order_seq_cst);
    } catch (const std::system_error&) {  // tried again with the next look
      substitutes_.fetch_sub(1, std::memory_order_seq_cst);
      record.is_taken.store(false, std::memory_order_relaxed);
      degraded_.store(true, std::memory_order_seq_cst);
    }
#else
    record.thread = std::thread(run);
#endif
    return;
  }
  degraded_.store(true, std::memory_order_seq_cst);
}

}  // namespace windlass::detail
