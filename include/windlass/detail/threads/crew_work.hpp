#pragma once

#include "crew.hpp"

namespace windlass::detail {

// How often a searcher looks before it sleeps. A look costs some nanoseconds, a wake 10 us: worth it, but not where
// it takes the core from whoever would bring the work. Asked once: it opens a file.
inline std::uint32_t search_looks() noexcept {
  static constexpr std::uint32_t few = 4;
  static constexpr std::uint32_t many = 400;
  return std::thread::hardware_concurrency() > 2 ? many : few;
}

inline Crew::Crew(CrewOptions&& options)
    : options_(std::move(options)),
      count_(options_.max_workers + options_.max_substitutes + max_pumps),
      records_(std::make_unique<Record[]>(count_)),
      looks_(search_looks()),
      target_(options_.workers) {
  for (std::uint32_t i = 0; i < count_; ++i) {
    records_[i].line.index = i;
    records_[i].line.serves_many = options_.is_shared;
  }
  for (std::uint32_t i = 0; i < first_seat(); ++i) {
    records_[i].kind = i < options_.max_workers ? Kind::worker : Kind::substitute;
    records_[i].index = i < options_.max_workers ? i : i - options_.max_workers;
  }
}

inline void Crew::start() {
  if (is_pumped()) return;
#if defined(__cpp_exceptions)
  try {
    start_all();
  } catch (...) {
    stop([] {});
    throw;
  }
#else
  start_all();
#endif
}

inline void Crew::start_all() {
  timekeeper_.start([this] { return options_.now(); }, [this](Time now) { return round(now); });
  const std::lock_guard lock(mutex_);
  for (std::uint32_t i = 0; i < options_.workers; ++i) start_thread(records_[i]);
#if !defined(__cpp_exceptions)
  // A thread that could not be started later would end the program: they stand by from the beginning.
  for (std::uint32_t i = 0; i < options_.max_substitutes; ++i) start_thread(records_[options_.max_workers + i]);
#endif
}

// Under mutex_.
inline void Crew::start_thread(Record& record) {
  active_.fetch_add(1);  // first: the watch takes who sleeps for all there are
  record.is_taken.store(true);
#if defined(__cpp_exceptions)
  try {
    record.thread = std::thread([this, &record] { work(record); });
  } catch (...) {
    record.is_taken.store(false);
    active_.fetch_sub(1);
    throw;
  }
#else
  record.thread = std::thread([this, &record] { work(record); });
#endif
}

inline void Crew::resize(std::uint32_t workers) {
  const std::lock_guard lock(mutex_);
  if (stopping_.load()) return;
  target_.store(workers);
  while (is_short() && call_up(0)) {
  }
  nudge_all();
}

// Fewer threads are up than are wanted. For more hung runs than there may be substitutes nobody stands in.
inline bool Crew::is_short() const noexcept {
  return substitutes() < (std::min)(hung(), options_.max_substitutes) || active_.load() < target_.load();
}

// Under mutex_. One more thread works: one that stands by, or a new one, of record `first` if it has none. False if
// all are up.
inline bool Crew::call_up(std::uint32_t first) {
  for (std::uint32_t i = 0; i < first_seat(); ++i) {
    if (!std::exchange(records_[i].is_standing_by, false)) continue;
    active_.fetch_add(1);
    parking_.call(records_[i].bed);
    return true;
  }
  for (std::uint32_t i = 0; i < first_seat(); ++i) {
    Record& record = records_[(first + i) % first_seat()];
    if (record.thread.joinable()) continue;
    start_thread(record);
    return true;
  }
  return false;
}

// A run that hung has returned. Its worker says so before it looks for work, so that of the two, it and its
// substitute, one stands by at once; the watch says so for whoever pumps.
inline bool Crew::come_back(Record& record) noexcept {
  if (record.hung_in.exchange(0) == 0) return false;
  hung_.fetch_sub(1);
  return true;
}

// Some may be too many now: they stand by.
inline void Crew::nudge_all() noexcept {
  for (std::uint32_t i = 0; i < first_seat(); ++i) parking_.nudge(records_[i].bed);
}

inline void Crew::stand_by(Record& self) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_.load() || !is_surplus()) return;
    self.is_standing_by = true;
    active_.fetch_sub(1);
  }
  end_search(self.line);  // the token is not for us: passed on
  (void)parking_.sleep(self.bed);
  arm();
}

inline bool Crew::attach(QueueBase& queue, std::uint32_t weight) {
  const std::lock_guard lock(mutex_);
  for (std::uint32_t i = 0; i < max_queues; ++i) {
    if (queues_[i].load() != nullptr) continue;
    queue.place = i;
    weights_[i].store(weight, std::memory_order_relaxed);
    queues_[i].store(&queue);
    if (i >= queue_count_.load()) queue_count_.store(i + 1);
    return true;
  }
  return false;
}

inline void Crew::call_hook(const Function<void(const WorkerInfo&)>& hook, const Record& record,
                            std::string_view name) noexcept {
  if (!hook) return;
  const WorkerInfo info{name, record.index, record.kind == Kind::substitute};
#if defined(__cpp_exceptions)
  try {
    hook(info);
  } catch (...) {
    hook_errors_.fetch_add(1, std::memory_order_relaxed);
  }
#else
  hook(info);
#endif
}

inline void Crew::work(Record& self) {
  const Frame frame(*this, no_queue);  // hooks, too, must not wait for what only this thread can bring about
  const ReasonText name = worker_name(options_.name, self.index, self.kind == Kind::substitute);
  name_this_thread(name.view());
  call_hook(options_.on_worker_start, self, name.view());
  arm();
  Turn turn{self.index, 0};
  while (!stopping_.load()) {
    if (self.hung_in.load() != 0) come_back(self);
    if (is_surplus()) {
      tell_done(self);
      stand_by(self);
    } else if (!run_any(self, turn)) {
      rest(self);
    }
  }
  tell_done(self);
  call_hook(options_.on_worker_stop, self, name.view());
  active_.fetch_sub(1);
  self.is_taken.store(false);
  exits_.notify_all();
}

// Nothing was found: look on for a moment if nobody else does, then sleep.
inline void Crew::rest(Record& self) {
  end_search(self.line);  // an observer may take its time
  tell_parked(self);
  bool& searching = self.line.is_searching;
  if (!searching) searching = parking_.try_search();
  if (searching) {
    for (std::uint32_t look = looks_; look > 0; --look) {
      if (has_work(self.line) || stopping_.load()) return;
    }
  }
  if (!parking_.lie_down(self.bed, std::exchange(searching, false))) return;
  if (has_work(self.line) || is_surplus()) {
    parking_.get_up(self.bed);
    searching = true;
  } else {
    searching = parking_.sleep(self.bed);
  }
  arm();
}

inline void Crew::end_search(RunLine& line) noexcept {
  if (!std::exchange(line.is_searching, false)) return;
  if (parking_.end_search() && has_work(line)) parking_.wake_one();
}

inline void Crew::tell_parked(Record& self) {
  const std::uint32_t count = queue_count_.load();
  for (std::uint32_t i = 0; i < count; ++i) {
    QueueBase* const queue = queues_[i].load();
    if (queue == nullptr) continue;
    self.inside.store(queue);  // announced, then looked at again: see detach()
    if (queues_[i].load() == queue) queue->worker_parked();
    self.inside.store(nullptr);
  }
}

inline bool Crew::run_any(Record& self, Turn& turn) {
  if (!options_.is_shared) {
    QueueBase* const queue = queues_[0].load();
    return queue != nullptr && queue->run_next(self.line) != Ran::nothing;
  }
  const std::uint32_t count = queue_count_.load();
  if (count == 0) return false;
  for (std::uint32_t look = 0; look <= count; ++look) {  // the first may be at what is left of its turns
    if (turn.left == 0 || turn.queue >= count) {
      turn.queue = (turn.queue + 1) % count;
      turn.left = weights_[turn.queue].load(std::memory_order_relaxed);
    }
    QueueBase* const queue = queues_[turn.queue].load();
    if (queue != nullptr && run_queue(self, queue, turn.queue)) {
      --turn.left;
      return true;
    }
    turn.left = 0;
  }
  return false;
}

inline bool Crew::run_queue(Record& self, QueueBase* queue, std::uint32_t index) {
  self.inside.store(queue);  // announced, then looked at again: see detach()
  const bool found = queues_[index].load() == queue && queue->run_next(self.line) != Ran::nothing;
  self.inside.store(nullptr);
  return found;
}

inline void Crew::tell_done(Record& self) noexcept {
  if (self.line.owes_notice) queues_[0].load()->tell_done(self.line);
}

// Looks with seq_cst: [park.look]. `line` is the caller's own.
inline bool Crew::has_work(RunLine& line) const noexcept {
  const std::uint32_t count = queue_count_.load();
  bool found = false;
  for (std::uint32_t i = 0; i < count && !found; ++i) {
    QueueBase* const queue = queues_[i].load();
    if (queue == nullptr) continue;
    if (!options_.is_shared) return queue->has_work();
    line.looking.store(queue);  // announced, then looked at again: see detach()
    found = queues_[i].load() == queue && queue->has_work();
    line.looking.store(nullptr);
  }
  return found;
}

inline void Crew::signal_ready() noexcept {
  if (!options_.on_ready || !ready_armed_.load()) return;
  if (!ready_armed_.exchange(false)) return;
  const Frame frame(*this, no_queue);
#if defined(__cpp_exceptions)
  try {
    options_.on_ready();
  } catch (...) {  // the job stays ready, and the next pump finds it
    hook_errors_.fetch_add(1, std::memory_order_relaxed);
  }
#else
  options_.on_ready();
#endif
}

}  // namespace windlass::detail
