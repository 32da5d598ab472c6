#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "job_queue.hpp"

/// For tests of code that uses windlass: time that moves only when told to, and a queue that runs only when told to.
namespace windlass::testing {

/// A clock that never moves on its own. Copies show the same time. Any thread.
class ManualClock {
 public:
  ManualClock() : state_(std::make_shared<State>()) {}

  /// The monotonic time; starts one hour after zero.
  [[nodiscard]] Time now() const noexcept { return Time{Duration{state_->now.load()}}; }

  /// The wall-clock time, which moves along.
  [[nodiscard]] std::chrono::system_clock::time_point wall_now() const noexcept {
    const Duration wall{state_->wall.load()};
    return std::chrono::system_clock::time_point{std::chrono::duration_cast<std::chrono::system_clock::duration>(wall)};
  }

  /// Moves on by `by`, tick by tick: every queue on this clock keeps its leases and timers at each, as it would have
  /// done meanwhile. Runs no jobs. Do not call it from a handler or callback. O(ticks).
  void advance(Duration by, Duration tick = std::chrono::milliseconds{1}) const {
    while (by > Duration{}) {
      const Duration step = by < tick ? by : tick;
      jump(step);
      by -= step;
    }
  }

  /// Moves on by `by` at once: to queues that keep leases it looks as if the process had stood still.
  void jump(Duration by) const {
    move(by);
    tell(Duration{});
  }

  /// Sets only the wall clock, as a user does.
  void set_wall(std::chrono::system_clock::time_point to) const noexcept {
    state_->wall.store(std::chrono::duration_cast<Duration>(to.time_since_epoch()).count());
  }

  /// What sleeping means here: time moves on, nothing that is due happens, and it is no standstill. For queues, and for
  /// handlers by Delivery::sleep_for.
  void sleep(Duration by) const noexcept {
    move(by);
    tell(by);
  }

  /// For queues: `call(whom, zero)` at each step of advance() and jump(), `call(whom, by)` at each sleep(by), until
  /// forget(whom).
  void listen(void* whom, void (*call)(void*, Duration)) const {
    const std::lock_guard lock(state_->mutex);
    state_->listeners.push_back({whom, call});
  }
  [[nodiscard]] std::size_t listeners() const {
    const std::lock_guard lock(state_->mutex);
    return state_->listeners.size();
  }
  void forget(const void* whom) const {
    const std::lock_guard lock(state_->mutex);
    std::erase_if(state_->listeners, [&](const Listener& listener) { return listener.whom == whom; });
  }

 private:
  struct Listener {
    void* whom;
    void (*call)(void*, Duration);
  };
  struct State {
    detail::SeqCst<Duration::rep> now{Duration{std::chrono::hours{1}}.count()};
    detail::SeqCst<Duration::rep> wall{Duration{std::chrono::hours{24} * 365 * 50}.count()};
    std::recursive_mutex mutex;  // a queue that is told may call on_ready, and that the clock
    std::vector<Listener> listeners;
  };
  void move(Duration by) const noexcept {
    state_->now.fetch_add(by.count());
    state_->wall.fetch_add(by.count());
  }
  void tell(Duration slept) const {
    const std::lock_guard lock(state_->mutex);
    for (std::size_t i = 0; i < state_->listeners.size(); ++i) {  // more may come, or go, meanwhile
      const Listener listener = state_->listeners[i];
      listener.call(listener.whom, slept);
    }
  }

  std::shared_ptr<State> state_;
};

/// `Base`, on a ManualClock.
template <class Base = DefaultTraits>
struct ManualTraits : Base {
  using Clock = ManualClock;
};

/// A queue without threads on a ManualClock. Same seed, same commands: same run. One thread steps; others may enqueue,
/// and may pump to play a handler that hangs.
template <class Payload = Callable<48>, class Traits = ManualTraits<>>
class ManualQueue : public JobQueue<Payload, Traits> {
  using Base = JobQueue<Payload, Traits>;

 public:
  /// As JobQueue; `workers` is 0 whatever it says.
  template <class Handler>
  requires(!detail::is_callable_v<Payload> &&
           !std::is_same_v<std::remove_cvref_t<Handler>,
                           QueueOptions<Payload>>) explicit ManualQueue(Handler handler,
                                                                        QueueOptions<Payload> options = {},
                                                                        ManualClock clock = {})
      : Base(std::move(handler), pumped(std::move(options)), clock), clock_(clock) {
    listen();
  }
  explicit ManualQueue(QueueOptions<Payload> options = {}, ManualClock clock = {})
      : Base(pumped(std::move(options)), clock), clock_(clock) {
    listen();
  }
  ~ManualQueue() { clock_.forget(this); }

  /// Runs the jobs that are ready now; returns how many.
  std::size_t step() { return this->poll(); }

  /// Runs jobs, and moves the clock on to the next due time when none is ready, until nothing is ready or waits.
  /// Returns how many ran. Endless if the jobs are. O(ticks) while a lease is out or others share the clock; else the
  /// time in between is skipped.
  std::size_t run_until_idle() {
    std::size_t ran = 0;
    for (;;) {
      ran += step();
      const auto due = this->next_due();
      if (!due) return ran;
      const Duration left = *due - clock_.now();
      if (left <= Duration{}) continue;
      if (this->has_leases_out() || clock_.listeners() > 1) {
        clock_.advance(left);
      } else {
        clock_.jump(left);
      }
    }
  }

  /// The clock.
  [[nodiscard]] const ManualClock& clock() const noexcept { return clock_; }

 private:
  static QueueOptions<Payload> pumped(QueueOptions<Payload>&& options) {
    options.workers = 0;
    return std::move(options);
  }
  void listen() {
    clock_.listen(this,
                  [](void* self, Duration slept) { static_cast<ManualQueue*>(self)->keep_time_as_timekeeper(slept); });
  }

  ManualClock clock_;
};

}  // namespace windlass::testing
