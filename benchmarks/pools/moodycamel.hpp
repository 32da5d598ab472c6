#pragma once

#include <concurrentqueue/blockingconcurrentqueue.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

namespace pools {

/// What a good programmer writes by hand: threads that take up to `Batch` jobs at once out of moodycamel's blocking
/// queue. `Job` is called to run it; an empty one tells a thread to end.
template <std::size_t Batch, class Job = std::function<void()>>
class Moodycamel {
 public:
  static constexpr const char* name = Batch == 1 ? "moodycamel_blocking" : "moodycamel_blocking_bulk16";
  static_assert(Batch == 1 || Batch == 16, "the name says which");

  Moodycamel(std::uint32_t workers, std::uint32_t jobs) : queue_(jobs) {
    for (std::uint32_t i = 0; i < workers; ++i) threads_.emplace_back([this] { work(); });
  }
  ~Moodycamel() {
    for (std::size_t i = 0; i < threads_.size(); ++i) queue_.enqueue({});
    for (auto& thread : threads_) thread.join();
  }
  template <class F>
  void enqueue(F function) {
    queue_.enqueue(std::move(function));
  }

 private:
  void work() {
    std::array<Job, Batch> batch;
    moodycamel::ConsumerToken token(queue_);
    for (bool going = true; going;) {
      const std::size_t count = take(token, batch);
      for (std::size_t i = 0; i < count; ++i) {
        if (batch[i]) {
          batch[i]();
        } else if (!std::exchange(going, false)) {
          queue_.enqueue({});  // another thread's
        }
      }
    }
  }
  std::size_t take(moodycamel::ConsumerToken& token, std::array<Job, Batch>& batch) {
    if constexpr (Batch > 1) return queue_.wait_dequeue_bulk(token, batch.begin(), batch.size());
    queue_.wait_dequeue(token, batch[0]);
    return 1;
  }

  moodycamel::BlockingConcurrentQueue<Job> queue_;
  std::vector<std::thread> threads_;
};

}  // namespace pools
