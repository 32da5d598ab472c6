#pragma once

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace pools {

/// The textbook: a mutex, a deque, a condition variable. A worker takes up to `Batch` jobs under one lock; `Job` is
/// called to run it.
template <std::size_t Batch, class Job = std::function<void()>>
class MutexDeque {
 public:
  static constexpr const char* name = Batch == 1 ? "mutex_deque_cv" : "mutex_deque_batch16";
  static_assert(Batch == 1 || Batch == 16, "the name says which");

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
      jobs_.emplace_back(std::move(function));
    }
    wake_.notify_one();
  }

 private:
  void work() {
    std::array<Job, Batch> batch;
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      const std::size_t count = std::min(Batch, jobs_.size());
      for (std::size_t i = 0; i < count; ++i) {
        batch[i] = std::move(jobs_.front());
        jobs_.pop_front();
      }
      lock.unlock();
      for (std::size_t i = 0; i < count; ++i) batch[i]();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace pools
