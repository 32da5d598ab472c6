#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>

#include "tally.hpp"

namespace harness {

/// Keeps every worker of a pool inside a job, until it goes. The jobs sleep, so that none takes the producer's core.
/// Afterwards each worker has entered the TallyBoard.
class Blockade {
 public:
  template <class Pool>
  Blockade(Pool& pool, std::uint32_t workers) : workers_(workers) {
    std::this_thread::sleep_for(std::chrono::milliseconds{20});  // some pool overlooks what comes before its threads
    for (std::uint32_t i = 1; i <= workers; ++i) {  // one by one: a pool that takes many at once would trap the second
      pool.enqueue([door = door_] {
        TallyBoard::enter();
        door->inside.fetch_add(1);
        door->is_open.wait(false);
      });
      const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
      while (door_->inside.load() < i && std::chrono::steady_clock::now() < end) {
        std::this_thread::sleep_for(std::chrono::microseconds{50});
      }
    }
  }
  Blockade(const Blockade&) = delete;
  Blockade& operator=(const Blockade&) = delete;
  ~Blockade() {
    door_->is_open.store(true);
    door_->is_open.notify_all();
  }
  /// False if the pool has fewer workers than it was asked for, or does not use them.
  [[nodiscard]] bool is_complete() const { return door_->inside.load() == workers_; }

 private:
  struct Door {
    std::atomic<std::uint32_t> inside{0};
    std::atomic<bool> is_open{false};
  };
  const std::uint32_t workers_;
  const std::shared_ptr<Door> door_ = std::make_shared<Door>();  // the jobs may be the last to leave it
};

}  // namespace harness
