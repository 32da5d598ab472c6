#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "windlass/clock.hpp"
#include "windlass/function.hpp"

namespace windlass::detail {

/// One thread that sleeps until the next deadline and does not wake at all when there is none. Runs no user code.
class Timekeeper {
 public:
  Timekeeper() = default;
  Timekeeper(const Timekeeper&) = delete;
  Timekeeper& operator=(const Timekeeper&) = delete;
  ~Timekeeper() { stop(); }

  /// Starts the thread. `round` does what is due and returns when it wants to be called again. Throws
  /// std::system_error if no thread is to be had.
  void start(Function<Time()> now, Function<Time(Time)> round) {
    now_ = std::move(now);
    round_ = std::move(round);
    thread_ = std::thread([this] { keep(); });
  }

  /// Calls for a round as soon as possible. Any thread.
  void nudge() noexcept {
    {
      const std::lock_guard lock(mutex_);
      nudged_ = true;
    }
    wake_.notify_one();
  }

  /// Ends the thread. Idempotent; one thread at a time.
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

  [[nodiscard]] bool is_running() const noexcept { return thread_.joinable(); }

 private:
  void keep() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      nudged_ = false;
      lock.unlock();
      const Time next = round_(now_());
      lock.lock();
      const auto nudged = [this] { return nudged_ || stopping_; };
      if (next == (Time::max)()) {
        wake_.wait(lock, nudged);
      } else {
        static constexpr Duration longest = std::chrono::hours{24};  // no sum of times overflows
        const Duration left = next - now_();
        wake_.wait_for(lock, left < longest ? left : longest, nudged);
      }
    }
  }

  Function<Time()> now_;
  Function<Time(Time)> round_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool nudged_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace windlass::detail
