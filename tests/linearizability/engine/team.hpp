#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace linearizability {

/// Some threads that do one thing after another together, and begin each at the same moment.
class Team {
 public:
  explicit Team(std::size_t size) : size_(size) {
    for (std::size_t i = 0; i < size; ++i) {
      threads_.emplace_back([this, i] { work(i); });
    }
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;
  ~Team() {
    {
      const std::lock_guard lock(mutex_);
      is_over_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// Each thread calls `body` with its number; returns when all have.
  void run(const std::function<void(std::size_t)>& body) {
    std::unique_lock lock(mutex_);
    body_ = &body;
    left_ = size_;
    at_start_.store(0, std::memory_order_relaxed);
    ++round_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return left_ == 0; });
  }

 private:
  void work(std::size_t number) {
    for (std::uint64_t done = 0;; ++done) {
      const std::function<void(std::size_t)>* body = nullptr;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return is_over_ || round_ > done; });
        if (is_over_) return;
        body = body_;
      }
      at_start_.fetch_add(1, std::memory_order_relaxed);
      while (at_start_.load(std::memory_order_relaxed) < size_) std::this_thread::yield();
      (*body)(number);
      const std::lock_guard lock(mutex_);
      if (--left_ == 0) changed_.notify_all();
    }
  }

  const std::size_t size_;
  std::atomic<std::size_t> at_start_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void(std::size_t)>* body_ = nullptr;
  std::uint64_t round_ = 0;
  std::size_t left_ = 0;
  bool is_over_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace linearizability
