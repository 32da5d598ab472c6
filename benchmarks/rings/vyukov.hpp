#pragma once

#include <bit>
#include <cstddef>
#include <thread>
#ifdef WINDLASS_BENCH_CDS
#include <cds/container/vyukov_mpmc_cycle_queue.h>
#endif
#ifdef WINDLASS_BENCH_XENIUM
#include <xenium/vyukov_bounded_queue.hpp>
#endif

#include "item.hpp"

// Two makes of Vyukov's bounded queue. Both may say full or empty while another thread stands in the middle of a call.

namespace rings {

#ifdef WINDLASS_BENCH_CDS
class CdsVyukov {
 public:
  static constexpr const char* name = "libcds_vyukov";
  static constexpr bool has_bulk = false;
  explicit CdsVyukov(std::size_t items) : queue_(std::bit_ceil(items)) {}
  void push(Item item) {
    while (!queue_.enqueue(item)) std::this_thread::yield();
  }
  bool pop(Item& item) { return queue_.dequeue(item); }

 private:
  cds::container::VyukovMPMCCycleQueue<Item> queue_;
};
#endif

#ifdef WINDLASS_BENCH_XENIUM
class XeniumVyukov {
 public:
  static constexpr const char* name = "xenium_vyukov_weak";
  static constexpr bool has_bulk = false;
  explicit XeniumVyukov(std::size_t items) : queue_(std::bit_ceil(items)) {}
  void push(Item item) {
    while (!queue_.try_push_weak(item)) std::this_thread::yield();
  }
  bool pop(Item& item) { return queue_.try_pop_weak(item); }

 private:
  xenium::vyukov_bounded_queue<Item> queue_;
};
#endif

}  // namespace rings
