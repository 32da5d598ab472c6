#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>

#include "../job/frame.hpp"
#include "../job/lease_watch.hpp"
#include "../job/queue_base.hpp"
#include "../machines/linked_list.hpp"
#include "../machines/parking.hpp"
#include "../machines/seq_cst.hpp"
#include "../machines/wait_list.hpp"
#include "thread_name.hpp"
#include "timekeeper.hpp"
#include "windlass/function.hpp"
#include "windlass/options.hpp"

namespace windlass::detail {

/// How a crew works; the parts of QueueOptions and WorkerPoolOptions that concern threads.
struct CrewOptions {
  ReasonText name{};
  std::uint32_t workers = 1;
  std::uint32_t max_workers = 1;
  std::uint32_t max_substitutes = 1;
  Function<void(const WorkerInfo&)> on_worker_start{};
  Function<void(const WorkerInfo&)> on_worker_stop{};
  Function<void()> on_ready{};
  Function<Time()> now{};
  bool is_shared = false;  // queues come and go while the workers run
};

/// The workers of one or more queues, their substitutes, the timekeeper, and seats for threads that pump.
///
/// Records are fixed at construction: workers, then substitutes, then seats. A substitute starts when a run has lost
/// its lease. When more threads are up than workers are wanted and runs hang, the next one that looks for work stands
/// by until it is wanted again, whatever it was started as. Only the lease watch decides who hangs.
class Crew final : public Host {
 public:
  static constexpr std::uint32_t max_pumps = 4;
  static constexpr std::uint32_t max_queues = RunLine::max_queues;

  explicit Crew(CrewOptions&& options);
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;
  ~Crew() {
    stop([] {});
  }

  /// Starts the threads. Throws std::system_error.
  void start();

  /// Serves `queue` from now on, `weight` turns per round. False if there are max_queues already.
  bool attach(QueueBase& queue, std::uint32_t weight);

  /// `queue` refers to this crew, served or not, until it has left.
  void enter(QueueBase& queue) noexcept {
    const std::lock_guard lock(mutex_);
    present_.append(queue);
  }
  void leave(QueueBase& queue) noexcept {
    const std::lock_guard lock(mutex_);
    present_.erase(queue);
  }

  /// The name of a queue that has not left; null data if there is none.
  [[nodiscard]] std::string_view first_queue() noexcept {
    const std::lock_guard lock(mutex_);
    return present_.first() == nullptr ? std::string_view{} : present_.first()->name();
  }

  /// Serves `queue` no more; returns when nobody is inside it, and calls `nag()` now and then until then.
  template <class Nag>
  void detach(QueueBase& queue, Nag nag);

  /// Ends all threads; running handlers are waited for, and `nag()` is called now and then until then. Idempotent.
  template <class Nag>
  void stop(Nag nag);

  /// From now on `workers` work, at most max_workers. Throws std::system_error if a thread cannot be started.
  void resize(std::uint32_t workers);

  /// Lends the calling thread: runs errands and jobs of `queue`, as long as there are some and `more(ran)` says so of
  /// the last one. `ends`, if not null, says where to stop in each lane. Returns what the last look found.
  template <class More>
  Ran pump(QueueBase& queue, const std::uint64_t* ends, More more);

  /// What the timekeeper does, and a clock that is moved by hand: everything that is due, stalls taken out of lease
  /// time. Returns when it wants to be called again. One thread at a time.
  Time round(Time now);

  /// The same for whoever waits or pumps without a timekeeper: all time counts. `pace` is what pace() said. Returns
  /// when more is due.
  Time keep_time(Time now, Duration pace);

  /// How often whoever waits without a timekeeper has to look after the leases of those who pump; Duration::max() if
  /// nobody does.
  [[nodiscard]] Duration pace() const noexcept { return has_pumps() && has_leases() ? interval() : (Duration::max)(); }

  /// Whether some thread pumps, and so may hang.
  [[nodiscard]] bool has_pumps() const noexcept;

  /// Whether one more thread may pump.
  [[nodiscard]] bool has_seat() const noexcept;

  /// So much time has passed on a clock that is moved by hand, and it was no standstill. Not beside round().
  void slept(Duration by) noexcept {
    next_watch_ += by;
    armed_at_.fetch_add(by.count());
  }

  /// Asks every run of `queue` to stop; calls `visit(slot)` for each. Errands are not asked.
  template <class Visit>
  void stop_runs(const QueueBase& queue, StopReason why, Visit visit);

  [[nodiscard]] std::uint32_t lines() const noexcept override { return options_.is_shared ? 0 : count_; }
  void wake() noexcept override {
    parking_.wake_one();
    if (is_pumped()) signal_ready();
  }
  void end_search(RunLine& line) noexcept override;
  void plan_changed() noexcept override;
  bool lease_in_use(Duration lease) noexcept override;
  void pulled_lease_out() noexcept override;
  void pulled_lease_back() noexcept override { pulled_.fetch_sub(1); }
  bool stop_run(const QueueBase& queue, std::uint32_t slot, std::uint32_t low_stamp, StopReason why) noexcept override;
  [[nodiscard]] Time lease_time(Time now) const noexcept override { return now - Duration{stalled_.load()}; }
  [[nodiscard]] bool is_pumped() const noexcept override { return options_.max_workers == 0; }

  /// For pumping hosts: calls on_ready, unless that was done since it was last armed.
  void signal_ready() noexcept;

  /// For pumping hosts: on_ready is called again on the next change from nothing to something.
  void rearm_ready() noexcept { ready_armed_.store(true); }

  [[nodiscard]] std::string_view name() const noexcept { return options_.name.view(); }
  [[nodiscard]] std::uint32_t hung() const noexcept { return hung_.load(); }
  /// Threads beyond the number asked for.
  [[nodiscard]] std::uint32_t substitutes() const noexcept {
    const std::uint32_t active = active_.load();
    const std::uint32_t target = target_.load();
    return active > target ? active - target : 0;
  }
  [[nodiscard]] bool is_degraded() const noexcept { return degraded_.load(); }
  /// How often a worker hook or on_ready threw.
  [[nodiscard]] std::uint64_t hook_errors() const noexcept { return hook_errors_.load(std::memory_order_relaxed); }

 private:
  enum class Kind : std::uint8_t { worker, substitute };

  struct Record {
    RunLine line;
    Parking<>::Sleeper bed;
    Kind kind = Kind::worker;
    std::uint32_t index = 0;             // among its kind
    LeaseWatch watch;                    // watch() only
    SeqCst<std::uint64_t> hung_in{0};    // the line's name while its run hangs; set by watch() only
    bool is_standing_by = false;         // under mutex_
    SeqCst<QueueBase*> inside{nullptr};  // whose code the thread is in, if queues come and go
    SeqCst<bool> is_taken{false};        // a thread is here
    std::thread thread;
  };

  // Whose turn it is for one worker: each queue has as many in a row as its weight says, and an empty one passes the
  // rest on. So where queues are full, they share by weight, whatever else is there.
  struct Turn {
    std::uint32_t queue;
    std::uint32_t left;
  };

  template <class Ready, class Nag>
  void wait_until(Ready ready, Nag nag);

  // crew_work.hpp
  void start_all();
  void work(Record& self);
  [[nodiscard]] bool run_any(Record& self, Turn& turn);
  [[nodiscard]] bool run_queue(Record& self, QueueBase* queue, std::uint32_t index);
  void tell_done(Record& self) noexcept;
  void rest(Record& self);
  void tell_parked(Record& self);
  [[nodiscard]] bool has_work(RunLine& line) const noexcept;
  [[nodiscard]] bool is_surplus() const noexcept { return substitutes() > hung(); }
  [[nodiscard]] bool is_short() const noexcept;
  bool come_back(Record& record) noexcept;
  void nudge_all() noexcept;
  void stand_by(Record& self);
  [[nodiscard]] bool call_up(std::uint32_t first);
  void start_thread(Record& record);
  void call_hook(const Function<void(const WorkerInfo&)>& hook, const Record& record, std::string_view name) noexcept;

  // crew_watch.hpp
  void watch(Time now);
  void judge_hung(Record& record, const LeaseWatch::Finding& found);
  void expire(Record& record, const LeaseWatch::Finding& found);
  void start_substitutes();
  Time tick_all(Time now);
  [[nodiscard]] std::unique_lock<std::mutex> lock_queues();
  void arm() noexcept;
  void start_watch() noexcept;
  [[nodiscard]] bool is_asleep() const noexcept;
  void disarm_if_asleep() noexcept;
  [[nodiscard]] bool has_leases() const noexcept { return shortest_lease_.load() != 0; }
  [[nodiscard]] Duration interval() const noexcept;
  [[nodiscard]] std::uint32_t first_seat() const noexcept { return options_.max_workers + options_.max_substitutes; }

  CrewOptions options_;
  const std::uint32_t count_;
  const std::unique_ptr<Record[]> records_;
  const std::uint32_t looks_;  // of a searcher before it sleeps
  std::array<SeqCst<QueueBase*>, max_queues> queues_{};
  std::array<std::atomic<std::uint32_t>, max_queues> weights_{};
  SeqCst<std::uint32_t> queue_count_{0};  // highest index in use + 1
  SeqCst<std::uint32_t> target_{0};       // workers wanted
  SeqCst<bool> stopping_{false};
  SeqCst<std::uint32_t> active_{0};  // threads that work or look for work: neither standing by nor unborn
  SeqCst<std::uint32_t> hung_{0};
  SeqCst<bool> degraded_{false};
  std::atomic<std::uint64_t> hook_errors_{0};
  SeqCst<bool> armed_{false};
  SeqCst<bool> ready_armed_{true};
  SeqCst<std::uint32_t> pulled_{0};
  SeqCst<Duration::rep> shortest_lease_{0};
  SeqCst<Duration::rep> armed_at_{0};
  SeqCst<Duration::rep> stalled_{0};
  SeqCst<bool> is_watching_{false};  // somebody is in watch()
  Parking<> parking_;
  Timekeeper timekeeper_;
  WaitList exits_;    // threads and queues that go
  std::mutex mutex_;  // queues coming and going; threads starting and standing by
  LinkedList<QueueBase, &QueueBase::in_crew> present_;
  Time last_watch_{};  // round() only, as the next
  Time next_watch_{};  // when it meant to look again
  bool was_armed_ = false;
  bool was_asleep_ = false;
};

template <class Visit>
void Crew::stop_runs(const QueueBase& queue, StopReason why, Visit visit) {
  for (std::uint32_t i = 0; i < count_; ++i) {
    RunLine& line = records_[i].line;
    const std::uint64_t round = line.stop.round();  // as in stop_run()
    const std::uint64_t running = line.running.load(std::memory_order_acquire);
    if (running == 0 || low_half(running) - 1 == RunLine::errand) continue;
    if (line.queue.load(std::memory_order_acquire) != &queue) continue;
    if (line.stop.round() != round) continue;
    line.stop.request(round, why);
    visit(low_half(running) - 1);
  }
}

template <class More>
Ran Crew::pump(QueueBase& queue, const std::uint64_t* ends, More more) {
  for (std::uint32_t i = first_seat(); i < count_; ++i) {
    Record& seat = records_[i];
    if (seat.is_taken.load() || seat.is_taken.exchange(true)) continue;
    arm();
    seat.inside.store(&queue);
    if (is_pumped() && has_leases()) queue.pump_begins();
    seat.line.ends = ends;
    Ran ran = queue.run_next(seat.line);
    while (ran != Ran::nothing && more(ran)) ran = queue.run_next(seat.line);
    queue.tell_done(seat.line);
    seat.inside.store(nullptr);
    seat.is_taken.store(false);
    if (is_pumped()) queue.pump_ends();
    return ran;
  }
  return Ran::no_seat;
}

template <class Ready, class Nag>
void Crew::wait_until(Ready ready, Nag nag) {
  static constexpr std::chrono::milliseconds pace{5};
  while (exits_.wait(ready, std::chrono::steady_clock::now() + pace, {}) != WaitError::none) nag();
}

template <class Nag>
void Crew::detach(QueueBase& queue, Nag nag) {
  {
    const std::lock_guard lock(mutex_);
    for (auto& entry : queues_) {
      if (entry.load() == &queue) entry.store(nullptr);
    }
  }
  // Whoever announces the queue after this sees it gone; wait for those who announced it before.
  const auto is_left = [&] {
    for (std::uint32_t i = 0; i < count_; ++i) {
      if (records_[i].inside.load() == &queue) return false;
      if (records_[i].line.looking.load() == &queue) return false;
    }
    return true;
  };
  nag();
  wait_until(is_left, nag);
}

template <class Nag>
void Crew::stop(Nag nag) {
  timekeeper_.stop();  // before the rest: it starts threads
  {
    const std::lock_guard lock(mutex_);
    stopping_.store(true);
    for (std::uint32_t i = 0; i < first_seat(); ++i) {
      if (!std::exchange(records_[i].is_standing_by, false)) continue;
      active_.fetch_add(1);
      parking_.call(records_[i].bed);
    }
  }
  parking_.release();
  const auto is_left = [&] {
    for (std::uint32_t i = 0; i < count_; ++i) {
      if (records_[i].is_taken.load()) return false;
    }
    return true;
  };
  nag();
  wait_until(is_left, nag);
  for (std::uint32_t i = 0; i < count_; ++i) {
    if (records_[i].thread.joinable()) records_[i].thread.join();
    come_back(records_[i]);  // what hung has returned, and the watch is gone
  }
  degraded_.store(false);
}

}  // namespace windlass::detail

#include "crew_watch.hpp"
#include "crew_work.hpp"
