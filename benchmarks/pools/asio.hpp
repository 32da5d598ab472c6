#pragma once

#include <asio/post.hpp>
#include <asio/thread_pool.hpp>
#include <cstdint>
#include <utility>

namespace pools {

/// asio::thread_pool.
class Asio {
 public:
  static constexpr const char* name = "asio_thread_pool";
  Asio(std::uint32_t workers, std::uint32_t /*jobs*/) : pool_(workers) {}
  ~Asio() { pool_.join(); }
  template <class F>
  void enqueue(F function) {
    asio::post(pool_, std::move(function));
  }

 private:
  asio::thread_pool pool_;
};

}  // namespace pools
