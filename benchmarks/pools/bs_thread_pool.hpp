#pragma once

#include <BS_thread_pool.hpp>
#include <cstdint>
#include <utility>

namespace pools {

/// BS::thread_pool, version 4.
class BsThreadPool {
 public:
  static constexpr const char* name = "bs_thread_pool";
  BsThreadPool(std::uint32_t workers, std::uint32_t /*jobs*/) : pool_(workers) {}
  template <class F>
  void enqueue(F function) {
    pool_.detach_task(std::move(function));
  }

 private:
  BS::thread_pool pool_;
};

}  // namespace pools
