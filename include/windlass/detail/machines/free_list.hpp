#pragma once

#include <cstdint>

#include "atomics.hpp"

namespace windlass::detail {

/// The slots that no job owns: a Treiber stack of slot numbers, linked through an array that the caller owns.
///
/// LIFO, so the memory in use stays at "jobs in flight" whatever the capacity; slots never used are not linked and
/// their memory is not touched until they are first taken.
///
/// ABA: the head is `{tag:32 | index:32}` and the tag grows with each change, so a stopped thread is misled only
/// if exactly 2^32 changes pass while it stands between its load and its CAS (over 40 s of nothing but changes at
/// 100 million a second).
///
/// Progress: lock-free, also strictly; a thread stopped anywhere inside delays nobody and hides at most the one
/// number it is handing over. Exact: `take` fails only if all slots were taken at some moment of the call.
template <class Policy = StdAtomics>
class FreeList {
 public:
  using Link = typename Policy::template Atomic<std::uint32_t>;

  /// Slots 0 to `count - 1`, all free. `links` are `count` links, owned by the caller.
  FreeList(Link* links, std::uint32_t count) noexcept : links_(links), count_(count) {}

  FreeList(const FreeList&) = delete;
  FreeList& operator=(const FreeList&) = delete;

  /// Takes a free slot, or `no_slot` if there is none. Lock-free; any thread.
  [[nodiscard]] std::uint32_t take() noexcept {
    for (;;) {
      Policy::probe("free.take.head");
      std::uint64_t head = head_.load(std::memory_order_acquire);  // [free.given] acquire, pairs with give()
      while (low_half(head) != 0) {
        const std::uint32_t slot = low_half(head) - 1;
        Policy::probe("free.take.link");
        const std::uint32_t next = links_[slot].load(std::memory_order_relaxed);  // garbage if the CAS fails
        Policy::probe("free.take.swing");
        // [free.given] acquire: the failure path reads links of the new head.
        if (head_.compare_exchange_weak(head, pack(high_half(head) + 1, next), std::memory_order_acquire,
                                        std::memory_order_acquire)) {
          return slot;
        }
      }
      Policy::probe("free.take.fresh");
      std::uint32_t fresh = fresh_.load(std::memory_order_relaxed);
      while (fresh < count_) {
        Policy::probe("free.take.first");
        if (fresh_.compare_exchange_weak(fresh, fresh + 1, std::memory_order_relaxed, std::memory_order_relaxed)) {
          return fresh;
        }
      }
      Policy::probe("free.take.empty");
      // Everything has been linked once. Nothing new appears in `fresh_`, so an empty head now is a true "full";
      // seq_cst: the look of a producer that is about to wait for room [room.look].
      if (low_half(head_.load(std::memory_order_seq_cst)) == 0) return no_slot;
    }
  }

  /// Gives `slot` back. Lock-free; any thread.
  void give(std::uint32_t slot) noexcept {
    Policy::probe("free.give.head");
    std::uint64_t head = head_.load(std::memory_order_relaxed);
    do {
      Policy::probe("free.give.link");
      links_[slot].store(low_half(head), std::memory_order_relaxed);
      Policy::probe("free.give.swing");
      // [free.given] release: the next owner sees the slot as its last one left it. seq_cst: also [room.publish].
    } while (!head_.compare_exchange_weak(head, pack(high_half(head) + 1, slot + 1), std::memory_order_seq_cst,
                                          std::memory_order_relaxed));
  }

  /// Whether a take would find one now. seq_cst looks: [room.look]. Lock-free.
  [[nodiscard]] bool has_any() const noexcept {
    return low_half(head_.load(std::memory_order_seq_cst)) != 0 || used() < count_;
  }

  /// Slots that were ever taken are all below this. Lock-free.
  [[nodiscard]] std::uint32_t used() const noexcept { return fresh_.load(std::memory_order_seq_cst); }

 private:
  Link* const links_;
  const std::uint32_t count_;
  // Numbers are stored plus one: zero is the end of the chain.
  alignas(cache_line) typename Policy::template Atomic<std::uint64_t> head_{0};
  alignas(cache_line) typename Policy::template Atomic<std::uint32_t> fresh_{0};
};

}  // namespace windlass::detail
