#pragma once

#include "crew.hpp"

namespace windlass::detail {

inline void Crew::plan_changed() noexcept {
  if (is_pumped()) {
    signal_ready();
  } else {
    timekeeper_.nudge();
  }
}

inline bool Crew::lease_in_use(Duration lease) noexcept {
  Duration::rep seen = shortest_lease_.load();
  while (seen == 0 || lease.count() < seen) {
    if (shortest_lease_.compare_exchange(seen, lease.count())) {
      start_watch();  // a worker that is up may start it without having slept
      return true;
    }
  }
  return false;
}

inline void Crew::pulled_lease_out() noexcept {
  pulled_.fetch_add(1);
  arm();
}

// The watch looks every sixteenth of the shortest lease, 1 ms to 1 s.
inline Duration Crew::interval() const noexcept {
  const Duration sixteenth = Duration{shortest_lease_.load()} / 16;
  return std::clamp<Duration>(sixteenth, std::chrono::milliseconds{1}, std::chrono::seconds{1});
}

inline bool Crew::stop_run(const QueueBase& queue, std::uint32_t slot, std::uint32_t low_stamp,
                           StopReason why) noexcept {
  const std::uint64_t name = RunLine::name(low_stamp, slot);
  for (std::uint32_t i = 0; i < count_; ++i) {
    RunLine& line = records_[i].line;
    // The same round before and after: all that was read in between belongs to its run. [line.ended]
    const std::uint64_t round = line.stop.round();
    if (line.running.load(std::memory_order_acquire) != name) continue;
    if (line.queue.load(std::memory_order_acquire) != &queue) continue;
    if (line.stop.round() != round) continue;
    line.stop.request(round, why);
    return true;
  }
  return false;
}

// [watch.armed] A worker that leaves its sleep (seq_cst) then reads `armed`; disarm_if_asleep() stores `armed`, then
// counts the sleepers (both seq_cst): one of the two sees the other.
inline void Crew::arm() noexcept {
  if (armed_.load() || !has_leases()) return;
  start_watch();
}

inline void Crew::start_watch() noexcept {
  armed_at_.store(options_.now().time_since_epoch().count());  // before `armed`: for round()
  armed_.store(true);
  timekeeper_.nudge();
}

inline bool Crew::is_asleep() const noexcept {
  for (std::uint32_t i = first_seat(); i < count_; ++i) {
    if (records_[i].is_taken.load()) return false;
  }
  return hung() == 0 && pulled_.load() == 0 && parking_.sleepers() == active_.load();
}

// Only after a whole idle interval, so that arming costs at most one wake per interval. [watch.armed]
inline void Crew::disarm_if_asleep() noexcept {
  const bool asleep = is_asleep();
  if (asleep && was_asleep_) {
    armed_.store(false);
    if (!is_asleep()) armed_.store(true);
  }
  was_asleep_ = asleep;
}

// Queues of a shared crew come and go: whoever calls one on the timekeeper's behalf holds off detach(). A queue with a
// crew of its own outlives it, and needs no lock.
inline std::unique_lock<std::mutex> Crew::lock_queues() {
  return options_.is_shared ? std::unique_lock(mutex_) : std::unique_lock<std::mutex>();
}

inline Time Crew::tick_all(Time now) {
  Time next = (Time::max)();
  const auto lock = lock_queues();
  for (std::uint32_t i = 0; i < queue_count_.load(); ++i) {
    QueueBase* const queue = queues_[i].load();
    if (queue != nullptr) next = (std::min)(next, queue->tick(now));
  }
  return next;
}

inline bool Crew::has_pumps() const noexcept {
  bool found = hung() != 0;  // has it returned?
  for (std::uint32_t i = first_seat(); i < count_ && !found; ++i) {
    found = records_[i].is_taken.load();
  }
  return found;
}

inline bool Crew::has_seat() const noexcept {
  for (std::uint32_t i = first_seat(); i < count_; ++i) {
    if (!records_[i].is_taken.load()) return true;
  }
  return false;
}

inline Time Crew::keep_time(Time now, Duration pace) {
  const Time next = tick_all(now);
  if (pace == (Duration::max)()) return next;
  watch(lease_time(now));
  return (std::min)(next, now + pace);
}

inline Time Crew::round(Time now) {
  const bool is_armed = armed_.load();
  // Late by three intervals on top of the one that was meant: the whole process stood still, handlers included.
  const Time meant = was_armed_ ? next_watch_ : Time{Duration{armed_at_.load()}};
  const Duration late = now - meant;
  if (is_armed && late > 3 * interval()) stalled_.fetch_add(late.count());
  Time next = tick_all(now);
  if (is_armed) {
    if (!was_armed_ || now - last_watch_ >= interval()) {
      last_watch_ = now;
      watch(lease_time(now));
      disarm_if_asleep();
    }
    next_watch_ = last_watch_ + interval();
    next = (std::min)(next, next_watch_);
  } else {
    was_asleep_ = false;
  }
  was_armed_ = is_armed;
  return next;
}

// One thread at a time: whoever comes meanwhile goes on without, and no thread that stops in here holds up another. Not
// a mutex, for the thread itself may come again, by an on_ready that pumps.
inline void Crew::watch(Time now) {
  if (is_watching_.exchange(true)) return;
  bool has_returned = false;
  for (std::uint32_t i = 0; i < count_; ++i) {
    Record& record = records_[i];
    const LeaseWatch::Finding found =
        record.watch.look(record.line, now, [this] { return lease_time(options_.now()); });
    const std::uint64_t hung_in = record.hung_in.load();
    if (record.line.running.load(std::memory_order_relaxed) != hung_in) has_returned |= come_back(record);
    if (found.is_over_time) {
      record.line.over_time.store(found.round);  // whatever it was told to stop for before
      record.line.stop.request(found.round, StopReason::max_runtime);
    }
    if (found.is_overdue) {
      record.watch.restart(now);
      judge_hung(record, found);
    }
  }
  is_watching_.store(false);
  if (has_returned) nudge_all();
  // In this order: while the timekeeper's first rounds run beside its start(), nobody hangs yet.
  if ((hung() > substitutes() || is_degraded()) && timekeeper_.is_running()) start_substitutes();
}

inline void Crew::judge_hung(Record& record, const LeaseWatch::Finding& found) {
  const std::uint64_t name = RunLine::name(found.low_stamp, found.slot);
  if (record.hung_in.load() == 0) {
    hung_.fetch_add(1);
    record.hung_in.store(name);  // before the expiry: whoever loses its job by it sees this
  }
  if (found.slot != RunLine::errand) expire(record, found);  // inside a sink: the job stays with its owner
}

inline void Crew::expire(Record& record, const LeaseWatch::Finding& found) {
  // The run may return and its queue be destroyed as we speak, and another be made in its place: only a queue that is
  // still attached is called, and only while the line shows that run of it, which holds off detach().
  const auto lock = lock_queues();
  if (record.line.running.load(std::memory_order_acquire) != RunLine::name(found.low_stamp, found.slot)) return;
  if (record.line.runs.load(std::memory_order_relaxed) != found.runs) return;  // the watch has acquired that store
  for (const auto& entry : queues_) {
    if (entry.load() != found.queue) continue;
    if (found.queue->expire(found.slot, found.low_stamp)) record.line.stop.request(found.round, StopReason::lease_lost);
    return;
  }
}

inline void Crew::start_substitutes() {
  const std::lock_guard lock(mutex_);
#if defined(__cpp_exceptions)
  try {
    while (is_short() && call_up(options_.max_workers)) {
    }
  } catch (...) {  // no thread, or no memory for it: tried again with the next look
  }
#else
  while (is_short() && call_up(options_.max_workers)) {
  }
#endif
  degraded_.store(substitutes() < hung());
}

}  // namespace windlass::detail
