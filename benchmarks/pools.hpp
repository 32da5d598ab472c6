#pragma once

#include <concurrentqueue/blockingconcurrentqueue.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>
#include <windlass/windlass.hpp>

/// The contestants: each takes callables and runs them on `workers` threads; `enqueue` is called by any thread.
namespace pools {

/// windlass with its default traits: leases, fencing, retries and dead letters on.
class Windlass {
 public:
  static constexpr const char* name = "windlass";
  Windlass(std::uint32_t workers, std::uint32_t jobs) : queue_({.capacity = jobs, .workers = workers}) {}
  template <class F>
  void enqueue(F function) {
    queue_.enqueue(function).or_throw();
  }

 private:
  windlass::JobQueue<> queue_;
};

/// What a good programmer writes by hand: moodycamel's blocking queue, two threads, 16 jobs at a time.
class MoodycamelBulk {
 public:
  static constexpr const char* name = "moodycamel_blocking_bulk16";
  MoodycamelBulk(std::uint32_t workers, std::uint32_t jobs) : queue_(jobs) {
    for (std::uint32_t i = 0; i < workers; ++i) threads_.emplace_back([this] { work(); });
  }
  ~MoodycamelBulk() {
    for (std::size_t i = 0; i < threads_.size(); ++i) queue_.enqueue({});
    for (auto& thread : threads_) thread.join();
  }
  template <class F>
  void enqueue(F function) {
    queue_.enqueue(function);
  }

 private:
  void work() {
    std::array<std::function<void()>, 16> batch;
    for (bool going = true; going;) {
      const std::size_t count = queue_.wait_dequeue_bulk(batch.begin(), batch.size());
      for (std::size_t i = 0; i < count; ++i) {
        if (batch[i]) {
          batch[i]();
        } else if (std::exchange(going, false) == false) {
          queue_.enqueue({});  // another thread's
        }
      }
    }
  }

  moodycamel::BlockingConcurrentQueue<std::function<void()>> queue_;
  std::vector<std::thread> threads_;
};

/// The textbook: a mutex, a deque, a condition variable.
class MutexDeque {
 public:
  static constexpr const char* name = "mutex_deque_cv";
  MutexDeque(std::uint32_t workers, std::uint32_t /*jobs*/) {
    for (std::uint32_t i = 0; i < workers; ++i) threads_.emplace_back([this] { work(); });
  }
  ~MutexDeque() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (auto& thread : threads_) thread.join();
  }
  template <class F>
  void enqueue(F function) {
    {
      const std::lock_guard lock(mutex_);
      jobs_.emplace_back(function);
    }
    wake_.notify_one();
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      const std::function<void()> job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace pools
