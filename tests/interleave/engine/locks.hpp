#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "execution.hpp"

namespace interleave {

/// `std::mutex` for threads of an Execution.
class Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() {
    Execution& run = Execution::now();
    run.point();
    if (run.is_held(this)) run.wait({this});
    take();
  }

  bool try_lock() {
    Execution& run = Execution::now();
    run.point();
    if (run.is_held(this)) return false;
    take();
    return true;
  }

  // No point of its own: whoever may go on now can do so at the caller's next one.
  void unlock() {
    Execution& run = Execution::now();
    if (!run.is_held(this)) run.fail("a mutex was unlocked that nobody holds");
    run.unlocked(this);
    view_ = run.seen().view;
    clock_.join(run.seen().clock);
    run.seen().tick();
    run.tell("unlock");
  }

 private:
  friend class Condition;

  void take() {
    Execution& run = Execution::now();
    run.locked(this);
    join(run.seen().view, view_.data(), view_.size());
    run.seen().clock.join(clock_);
    run.tell("lock");
  }

  View view_;
  Clock clock_;
};

/// `std::condition_variable` for threads of an Execution: a parker under whose hands a lost wake-up is a deadlock, seen
/// at once. It never wakes spuriously, for that would hide one; a timed wait may time out at any moment, and use up a
/// notification that comes just then, as POSIX allows.
class Condition {
 public:
  Condition() = default;
  Condition(const Condition&) = delete;
  Condition& operator=(const Condition&) = delete;

  void wait(std::unique_lock<Mutex>& lock) { (void)sleep(lock, nullptr); }

  template <class Ready>
  void wait(std::unique_lock<Mutex>& lock, Ready ready) {
    while (!ready()) wait(lock);
  }

  /// The model's time passes to `deadline` if that is what ends the wait. The last moment that there is never comes.
  template <class Clock, class Duration>
  std::cv_status wait_until(std::unique_lock<Mutex>& lock, const std::chrono::time_point<Clock, Duration>& deadline) {
    const std::chrono::nanoseconds time = deadline.time_since_epoch();
    return sleep(lock, time == time.max() ? nullptr : &time) ? std::cv_status::no_timeout : std::cv_status::timeout;
  }

  template <class Time, class Ready>
  bool wait_until(std::unique_lock<Mutex>& lock, const Time& deadline, Ready ready) {
    while (!ready()) {
      if (wait_until(lock, deadline) == std::cv_status::timeout) return ready();
    }
    return true;
  }

  template <class Ready>
  bool wait_for(std::unique_lock<Mutex>& lock, std::chrono::nanoseconds length, Ready ready) {
    return wait_until(lock, std::chrono::steady_clock::time_point{Execution::now().time + length}, ready);
  }

  void notify_one() noexcept {
    Execution::now().point();
    Execution::now().tell("notify one");
    Execution::now().notify(this, false);
  }

  void notify_all() noexcept {
    Execution::now().point();
    Execution::now().tell("notify all");
    Execution::now().notify(this, true);
  }

 private:
  // True if notified.
  bool sleep(std::unique_lock<Mutex>& lock, const std::chrono::nanoseconds* deadline) {
    Execution& run = Execution::now();
    Mutex& mutex = *lock.mutex();
    run.tell("sleep");
    mutex.unlock();
    bool was_notified = run.wait({&mutex, this, deadline});
    if (run.is_held(&mutex)) run.wait({&mutex});  // its time was up: it is no waiter any more, but needs the mutex
    mutex.take();
    if (deadline == nullptr) return was_notified;
    was_notified = was_notified && run.pick_store(2) == 0;
    if (!was_notified) {
      run.time = std::max(run.time, *deadline);
      run.tell(numbered("time is up: ", static_cast<std::uint64_t>(run.time.count()), " ns"));
    }
    return was_notified;
  }
};

}  // namespace interleave
