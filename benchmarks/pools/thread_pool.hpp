#pragma once

#include <cstdint>
#include <thread_pool/thread_pool.hpp>
#include <utility>

namespace pools {

/// rvaser's thread_pool. Each job makes a future, which is dropped.
class ThreadPool {
 public:
  static constexpr const char* name = "rvaser_thread_pool";
  ThreadPool(std::uint32_t workers, std::uint32_t /*jobs*/) : pool_(workers) {}
  template <class F>
  void enqueue(F function) {
    pool_.Submit(std::move(function));
  }

 private:
  thread_pool::ThreadPool pool_;
};

}  // namespace pools
