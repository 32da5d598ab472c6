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

/// The textbook with three lanes: a deque for each under one mutex, the first that is not empty comes first.
class MutexDeques {
 public:
  static constexpr const char* name = "mutex_3_deques_cv";
  explicit MutexDeques(std::uint32_t workers) {
    for (std::uint32_t i = 0; i < workers; ++i) threads_.emplace_back([this] { work(); });
  }
  MutexDeques(const MutexDeques&) = delete;
  MutexDeques& operator=(const MutexDeques&) = delete;
  ~MutexDeques() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (auto& thread : threads_) thread.join();
  }
  template <class F>
  void enqueue(F function, std::size_t lane = 0) {
    {
      const std::lock_guard lock(mutex_);
      lanes_[lane].emplace_back(std::move(function));
    }
    wake_.notify_one();
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      const auto lane = std::find_if(lanes_.begin(), lanes_.end(), [](const auto& jobs) { return !jobs.empty(); });
      if (lane != lanes_.end()) {
        const auto job = std::move(lane->front());
        lane->pop_front();
        lock.unlock();
        job();
        lock.lock();
      } else if (stopping_) {
        return;
      } else {
        wake_.wait(lock);
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::array<std::deque<std::function<void()>>, 3> lanes_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace pools
