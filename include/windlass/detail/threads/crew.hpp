#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>

#include "../job/lease_watch.hpp"
#include "../job/queue_base.hpp"
#include "../machines/parking.hpp"
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
/// its lease, and retires when more substitutes live than runs hang. Only the lease watch decides who hangs.
class Crew final : public Host {
 public:
  static constexpr std::uint32_t max_pumps = 4;
  static constexpr std::uint32_t max_queues = 64;

  explicit Crew(CrewOptions&& options);
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;
  ~Crew() { stop(); }

  /// Starts the threads; after the first queue was attached or not. Throws std::system_error.
  void start();

  /// Serves `queue` from now on, `weight` scans per round. False if there are max_queues already.
  bool attach(QueueBase& queue, std::uint32_t weight);

  /// Serves `queue` no more; returns when nobody is inside it. Its handlers must have been told to stop.
  void detach(QueueBase& queue);

  /// Ends all threads; running handlers are waited for. Idempotent.
  void stop();

  /// Lends the calling thread: runs one errand or job of `queue`. False if there was nothing, or no seat is free.
  bool pump(QueueBase& queue);

  /// For crews without a timekeeper: looks at every run and takes the jobs of those that are overdue at `now`.
  void watch(Time now);

  /// Whether a thread of this crew has its own timekeeper.
  [[nodiscard]] bool keeps_time() const noexcept { return options_.workers > 0; }

  /// Asks every run of `queue` to stop; calls `named(slot, low stamp)` for each.
  template <class Named>
  void stop_runs(const QueueBase& queue, StopReason why, Named named) {
    for (std::uint32_t i = 0; i < count_; ++i) {
      RunLine& line = records_[i].line;
      const std::uint64_t round = line.stop.round();
      const std::uint64_t running = line.running.load(std::memory_order_seq_cst);
      if (running == 0 || line.queue.load(std::memory_order_seq_cst) != &queue) continue;
      if (line.running.load(std::memory_order_seq_cst) != running) continue;
      line.stop.request(round, why);
      named(low_half(running) - 1, high_half(running));
    }
  }

  void wake() noexcept override {
    parking_.wake_one();
    if (options_.workers == 0) signal_ready();
  }
  void plan_changed(Time due) noexcept override;
  void lease_in_use(Duration lease) noexcept override;
  bool stop_run(const QueueBase& queue, std::uint32_t slot, std::uint32_t low_stamp, StopReason why) noexcept override;
  [[nodiscard]] Time lease_time(Time now) const noexcept override {
    return now - Duration{stalled_.load(std::memory_order_acquire)};
  }

  /// For pumping hosts: when next to call, and on_ready is called again on the next change from nothing to something.
  void rearm_ready() noexcept { ready_armed_.store(true, std::memory_order_seq_cst); }

  [[nodiscard]] std::uint32_t workers() const noexcept { return options_.workers; }
  [[nodiscard]] std::uint32_t hung() const noexcept { return hung_.load(std::memory_order_seq_cst); }
  [[nodiscard]] std::uint32_t substitutes() const noexcept { return substitutes_.load(std::memory_order_seq_cst); }
  [[nodiscard]] bool is_degraded() const noexcept { return degraded_.load(std::memory_order_seq_cst); }

  WaitList pumpers;  // threads that wait for work or time inside a call of a pumped queue

 private:
  struct Record {
    RunLine line;
    LeaseWatch watch;           // under watch_mutex_
    std::uint64_t hung_in = 0;  // under watch_mutex_: the line's name while its run hangs
    std::atomic<QueueBase*> inside{nullptr};  // whose run_next() the thread is in
    std::atomic<bool> is_taken{false};        // seats: a thread sits here; substitutes: a thread was started
    std::thread thread;
  };

  void work(Record& self, WorkerInfo info);
  bool run_any(Record& self, std::uint32_t& turn);
  bool run_inside(Record& self, QueueBase* queue, std::uint32_t index);
  [[nodiscard]] bool has_work() const noexcept;
  [[nodiscard]] std::uint64_t backlog() const noexcept;
  Time round(Time now);
  [[nodiscard]] std::unique_lock<std::mutex> lock_queues();
  void judge_hung(Record& record, const LeaseWatch::Finding& found);
  void start_substitute();
  bool retire();
  void arm() noexcept;
  void disarm_if_asleep() noexcept;
  void signal_ready() noexcept;
  [[nodiscard]] Duration interval() const noexcept;
  [[nodiscard]] std::uint32_t first_seat() const noexcept { return options_.workers + options_.max_substitutes; }
  template <class Hook>
  static void call_hook(const Hook& hook, const WorkerInfo& info) noexcept;

  CrewOptions options_;
  const std::uint32_t count_;
  const std::unique_ptr<Record[]> records_;
  std::array<std::atomic<QueueBase*>, max_queues> queues_{};
  std::array<std::atomic<std::uint32_t>, max_queues> weights_{};
  std::atomic<std::uint32_t> queue_count_{0};  // highest index in use + 1
  Parking parking_;
  Timekeeper timekeeper_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> armed_{false};
  std::atomic<bool> ready_armed_{true};
  std::atomic<bool> degraded_{false};
  std::atomic<Duration::rep> shortest_lease_{0};
  std::atomic<Duration::rep> stalled_{0};
  std::atomic<std::uint32_t> hung_{0};
  std::atomic<std::uint32_t> substitutes_{0};
  std::mutex mutex_;        // queues, substitutes starting and retiring
  std::mutex watch_mutex_;  // the watches
  Time last_watch_{};       // timekeeper only
  bool was_armed_ = false;  // timekeeper only
  bool was_asleep_ = false;  // timekeeper only
};

}  // namespace windlass::detail

#include "crew_work.hpp"
#include "crew_watch.hpp"
