#pragma once

#include "crew.hpp"

#if defined(__cpp_exceptions)
#include <system_error>
#endif

namespace windlass::detail {

inline Crew::Crew(CrewOptions&& options)
    : options_(std::move(options)),
      count_(options_.workers + options_.max_substitutes + max_pumps),
      records_(std::make_unique<Record[]>(count_)) {}

inline void Crew::start() {
  if (options_.workers == 0) return;
  timekeeper_.start([this] { return options_.now(); }, [this](Time now) { return round(now); });
  for (std::uint32_t i = 0; i < options_.workers; ++i) {
    Record& record = records_[i];
    record.thread = std::thread([this, &record, i] {
      const ReasonText name = worker_name(options_.name, i, false);
      work(record, {name.view(), i, false});
    });
  }
}

inline void Crew::stop() {
  timekeeper_.stop();  // before the rest: it starts threads
  stopping_.store(true, std::memory_order_seq_cst);
  parking_.release();
  for (std::uint32_t i = 0; i < count_; ++i) {
    if (records_[i].thread.joinable()) records_[i].thread.join();
  }
}

inline bool Crew::attach(QueueBase& queue, std::uint32_t weight) {
  const std::lock_guard lock(mutex_);
  for (std::uint32_t i = 0; i < max_queues; ++i) {
    if (queues_[i].load(std::memory_order_relaxed) != nullptr) continue;
    weights_[i].store(weight, std::memory_order_relaxed);
    queues_[i].store(&queue, std::memory_order_seq_cst);
    if (i >= queue_count_.load(std::memory_order_relaxed)) queue_count_.store(i + 1, std::memory_order_seq_cst);
    return true;
  }
  return false;
}

inline void Crew::detach(QueueBase& queue) {
  {
    const std::lock_guard lock(mutex_);
    for (auto& entry : queues_) {
      if (entry.load(std::memory_order_relaxed) == &queue) entry.store(nullptr, std::memory_order_seq_cst);
    }
  }
  // Whoever announces the queue after this sees it gone; wait for those who announced it before.
  for (std::uint32_t i = 0; i < count_; ++i) {
    while (records_[i].inside.load(std::memory_order_seq_cst) == &queue) std::this_thread::yield();
  }
  const std::lock_guard no_round(watch_mutex_);
}

inline bool Crew::pump(QueueBase& queue) {
  for (std::uint32_t i = first_seat(); i < count_; ++i) {
    Record& seat = records_[i];
    if (seat.is_taken.load(std::memory_order_relaxed) || seat.is_taken.exchange(true, std::memory_order_acquire)) {
      continue;
    }
    if (timekeeper_.is_running()) arm();
    seat.inside.store(&queue, std::memory_order_seq_cst);
    const bool found = queue.run_next(seat.line);
    seat.inside.store(nullptr, std::memory_order_seq_cst);
    seat.is_taken.store(false, std::memory_order_release);
    return found;
  }
  return false;
}

template <class Hook>
void Crew::call_hook(const Hook& hook, const WorkerInfo& info) noexcept {
  if (!hook) return;
#if defined(__cpp_exceptions)
  try {
    hook(info);
  } catch (...) {
    // A hook that throws has nobody to tell; the worker goes on.
  }
#else
  hook(info);
#endif
}

inline void Crew::work(Record& self, WorkerInfo info) {
  name_this_thread(info.name);
  call_hook(options_.on_worker_start, info);
  const auto wants_up = [&] {
    return has_work() || (info.is_substitute && substitutes() > hung());
  };
  std::uint32_t turn = info.index;
  while (!stopping_.load(std::memory_order_seq_cst)) {
    const bool has_token = parking_.park(wants_up);
    arm();
    // The token may stand for many enqueues: whoever got it wakes the next one if there is more than one job.
    if (has_token && has_work() && backlog() > 1) parking_.wake_one();
    do {
      if (info.is_substitute && retire()) {
        call_hook(options_.on_worker_stop, info);
        self.is_taken.store(false, std::memory_order_release);
        return;
      }
    } while (!stopping_.load(std::memory_order_relaxed) && run_any(self, turn));
  }
  call_hook(options_.on_worker_stop, info);
}

inline bool Crew::run_any(Record& self, std::uint32_t& turn) {
  if (!options_.is_shared) {
    QueueBase* const queue = queues_[0].load(std::memory_order_acquire);
    return queue != nullptr && queue->run_next(self.line);
  }
  const std::uint32_t count = queue_count_.load(std::memory_order_seq_cst);
  std::uint32_t total = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (queues_[i].load(std::memory_order_relaxed) != nullptr) total += weights_[i].load(std::memory_order_relaxed);
  }
  if (total == 0) return false;
  // Of `total` turns, each queue has first choice as often as its weight says; an empty one passes it on.
  std::uint32_t at = turn++ % total;
  std::uint32_t first = 0;
  for (; first + 1 < count; ++first) {
    if (queues_[first].load(std::memory_order_relaxed) == nullptr) continue;
    const std::uint32_t weight = weights_[first].load(std::memory_order_relaxed);
    if (at < weight) break;
    at -= weight;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t index = (first + i) % count;
    QueueBase* const queue = queues_[index].load(std::memory_order_seq_cst);
    if (queue != nullptr && run_inside(self, queue, index)) return true;
  }
  return false;
}

inline bool Crew::run_inside(Record& self, QueueBase* queue, std::uint32_t index) {
  self.inside.store(queue, std::memory_order_seq_cst);  // announced, then looked at again: see detach()
  const bool found = queues_[index].load(std::memory_order_seq_cst) == queue && queue->run_next(self.line);
  self.inside.store(nullptr, std::memory_order_seq_cst);
  return found;
}

inline bool Crew::has_work() const noexcept {
  const std::uint32_t count = queue_count_.load(std::memory_order_seq_cst);
  for (std::uint32_t i = 0; i < count; ++i) {
    const QueueBase* const queue = queues_[i].load(std::memory_order_seq_cst);
    if (queue != nullptr && queue->has_work()) return true;
  }
  return false;
}

inline std::uint64_t Crew::backlog() const noexcept {
  std::uint64_t total = 0;
  const std::uint32_t count = queue_count_.load(std::memory_order_seq_cst);
  for (std::uint32_t i = 0; i < count; ++i) {
    const QueueBase* const queue = queues_[i].load(std::memory_order_seq_cst);
    if (queue != nullptr) total += queue->backlog();
  }
  return total;
}

inline bool Crew::retire() {
  if (substitutes() <= hung()) return false;
  const std::lock_guard lock(mutex_);
  if (substitutes() <= hung()) return false;
  substitutes_.fetch_sub(1, std::memory_order_seq_cst);
  return true;
}

inline void Crew::signal_ready() noexcept {
  pumpers.notify_all();
  if (!options_.on_ready || !ready_armed_.load(std::memory_order_seq_cst)) return;
  if (!ready_armed_.exchange(false, std::memory_order_seq_cst)) return;
#if defined(__cpp_exceptions)
  try {
    options_.on_ready();
  } catch (...) {
    // The host's own signal failed; the job stays ready and the next pump finds it.
  }
#else
  options_.on_ready();
#endif
}

}  // namespace windlass::detail
