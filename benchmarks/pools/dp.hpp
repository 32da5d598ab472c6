#pragma once

#include <thread_pool/thread_pool.h>

#include <cstdint>
#include <utility>

namespace pools {

/// dp::thread_pool.
class Dp {
 public:
  static constexpr const char* name = "dp_thread_pool";
  Dp(std::uint32_t workers, std::uint32_t /*jobs*/) : pool_(workers) {}
  template <class F>
  void enqueue(F function) {
    pool_.enqueue_detach(std::move(function));
  }

 private:
  dp::thread_pool<> pool_;
};

}  // namespace pools
