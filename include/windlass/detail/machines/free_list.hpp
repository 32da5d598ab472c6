#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <new>

#include "atomics.hpp"
#include "shard.hpp"

namespace windlass::detail {

/// The slots that no job owns: Treiber stacks of slot numbers. Each has its link where the caller wants it, at equal
/// distances: best on the line that whoever takes the slot needs anyway.
///
/// Each thread gives to and takes from a magazine, a small stack on a line of its own (shared with the few threads of
/// its shard). A magazine that has grown to a chain goes as a whole to the shared stack of chains; one that is empty
/// takes a chain from there. So a producer and a worker meet once in a chain's length, and not at every job. Magazines
/// after Bonwick and Adams, "Magazines and Vmem" (USENIX 2001); here without owners or locks.
///
/// LIFO, so the memory in use stays near "jobs in flight" whatever the capacity; slots never used are not linked and
/// their memory is not touched until they are first taken.
///
/// ABA: each head is `{tag:32 | index:32}` and the tag grows with each change, so a stopped thread is misled only
/// if exactly 2^32 changes pass while it stands between its load and its CAS (over 40 s of nothing but changes at
/// 100 million a second).
///
/// Progress: lock-free, also strictly; a thread stopped anywhere inside delays nobody and hides at most the one chain
/// it is moving. Exact when no other call is in progress: `take` fails only if all slots are taken. In a race it may
/// overlook free slots: a chain that another thread moves, or what one gives behind its look and takes before it; at
/// most a chain's worth for each thread whose call meets this one.
template <class Policy = StdAtomics>
class FreeList {
 public:
  /// `{beside:32 | next:32}`, numbers plus one. `next` goes on within the chain. `beside` is the next chain where this
  /// slot is the first of one in the shared stack; elsewhere it is `{0:1 | depth:6 | soon:25}`: how many slots the
  /// stack has from here down, and, if not 0, a hint which slot comes `far_ahead` places further on.
  using Link = typename Policy::template Atomic<std::uint64_t>;

  static constexpr std::uint32_t longest_chain = 32;

  /// What take() found.
  struct Taken {
    std::uint32_t slot;  // `no_slot` if there is none
    bool moved;          // free slots were out of sight for a moment: whoever waits for room must look again
  };

  /// Slots 0 to `count - 1`, all free. `links` is the first link, owned by the caller, and each further one `stride`
  /// bytes behind it.
  FreeList(Link* links, std::uint32_t count, std::size_t stride = sizeof(Link)) noexcept
      : links_(reinterpret_cast<std::byte*>(links)), stride_(stride), count_(count), chain_(chain_for(count)) {}

  FreeList(const FreeList&) = delete;
  FreeList& operator=(const FreeList&) = delete;

  /// Takes a free slot. Lock-free; any thread.
  [[nodiscard]] Taken take() noexcept {
    const std::size_t mine = Shards<Policy>::mine();
    std::uint32_t slot = pop(magazines_[mine].head);
    if (slot != no_slot) return {slot, false};
    do {
      slot = pop_chain();
      if (slot != no_slot) return {slot, put_back(magazines_[mine].head, low_half(read(slot)))};
      slot = take_fresh();
      for (std::size_t other = 0; other < Shards<Policy>::count && slot == no_slot; ++other)
        slot = pop(magazines_[other].head);
      if (slot != no_slot) return {slot, false};
      Policy::probe("free.take.empty");
      // seq_cst: the look of a producer that is about to wait for room [room.look].
    } while (low_half(chains_.load(std::memory_order_seq_cst)) != 0);
    return {no_slot, false};
  }

  /// A slot that the thread which has just taken `slot`, and not written to it yet, is likely to take soon; `no_slot`
  /// if none is known.
  [[nodiscard]] std::uint32_t likely_soon(std::uint32_t slot) const noexcept {
    const std::uint64_t seen = read(slot);
    const std::uint32_t soon = high_half(seen) & soon_mask;
    return (soon != 0 ? soon : low_half(seen)) - 1;
  }

  /// Gives `slot` back. Lock-free; any thread.
  void give(std::uint32_t slot) noexcept {
    if (chain_ < 2) {
      link(slot).store(0, std::memory_order_relaxed);
      return push_chain(slot);
    }
    Magazine& mine = magazines_[Shards<Policy>::mine()];
    Head& head = mine.head;
    Policy::probe("free.give.head");
    std::uint64_t seen = head.load(std::memory_order_acquire);
    std::uint32_t depth = 0;
    do {
      // Garbage if the CAS fails, but no more than `max_depth`: the links of slots that hold no job are not negative.
      depth = low_half(seen) == 0 ? 1 : (std::min)(depth_in(read(low_half(seen) - 1)), max_depth - 1) + 1;
      Policy::probe("free.give.link");
      link(slot).store(pack(depth << depth_shift | soon_after(mine, depth), low_half(seen)), std::memory_order_relaxed);
      Policy::probe("free.give.swing");
      // [free.given] release: the next owner sees the slot as its last one left it. seq_cst: also [room.publish].
    } while (!head.compare_exchange_weak(seen, pack(high_half(seen) + 1, slot + 1), std::memory_order_seq_cst,
                                         std::memory_order_acquire));
    hint<Policy>([&] { mine.recent[depth % far_ahead].store(slot + 1, std::memory_order_relaxed); });
    if (depth >= chain_) pass_on(head);
  }

  /// Whether a take would find one now. seq_cst looks: [room.look]. Lock-free.
  [[nodiscard]] bool has_any() const noexcept {
    if (low_half(chains_.load(std::memory_order_seq_cst)) != 0 || used() < count_) return true;
    for (const Magazine& magazine : magazines_) {
      if (low_half(magazine.head.load(std::memory_order_seq_cst)) != 0) return true;
    }
    return false;
  }

  /// Slots that were ever taken are all below this. seq_cst: [stop.lease]. Lock-free.
  [[nodiscard]] std::uint32_t used() const noexcept { return fresh_.load(std::memory_order_seq_cst); }

 private:
  static constexpr unsigned depth_shift = 25;
  static constexpr std::uint32_t max_depth = 63;
  static constexpr std::uint32_t soon_mask = (std::uint32_t{1} << depth_shift) - 1;
  static constexpr std::uint32_t far_ahead = 4;  // enqueues: a line from another core takes as long as three take

  [[nodiscard]] static constexpr std::uint32_t depth_in(std::uint64_t link) noexcept {
    return high_half(link) >> depth_shift & max_depth;
  }

  using Head = typename Policy::template Atomic<std::uint64_t>;  // {tag:32 | slot plus one:32}
  struct alignas(cache_line) Magazine {
    Head head{0};
    std::array<typename Policy::template Atomic<std::uint32_t>, far_ahead> recent{};  // given last, by depth; hints
  };

  // The slot that comes `far_ahead` places behind one at `depth`, plus one; 0 if that is not known. Another thread of
  // the shard may come between: then it is another slot, and fetched in vain.
  [[nodiscard]] static std::uint32_t soon_after(const Magazine& mine, std::uint32_t depth) noexcept {
    std::uint32_t soon = 0;
    hint<Policy>([&] {
      if (depth > far_ahead) soon = mine.recent[depth % far_ahead].load(std::memory_order_relaxed) & soon_mask;
    });
    return soon;
  }

  // So that the magazines together never hide more than a quarter of a small queue.
  [[nodiscard]] static constexpr std::uint32_t chain_for(std::uint32_t count) noexcept {
    const std::uint32_t fair = count / (4 * static_cast<std::uint32_t>(Shards<Policy>::count));
    return fair < longest_chain ? fair : longest_chain;
  }

  [[nodiscard]] Link& link(std::uint32_t slot) const noexcept {
    return *std::launder(reinterpret_cast<Link*>(links_ + slot * stride_));
  }

  [[nodiscard]] std::uint64_t read(std::uint32_t slot) const noexcept {
    Policy::probe("free.link");
    return link(slot).load(std::memory_order_relaxed);
  }

  [[nodiscard]] std::uint32_t pop(Head& head) noexcept {
    Policy::probe("free.take.head");
    std::uint64_t seen = head.load(std::memory_order_acquire);  // [free.given] acquire, pairs with give()
    while (low_half(seen) != 0) {
      const std::uint32_t slot = low_half(seen) - 1;
      const std::uint32_t next = low_half(read(slot));  // garbage if the CAS fails
      Policy::probe("free.take.swing");
      // [free.given] acquire: the failure path reads links of the new head.
      if (head.compare_exchange_weak(seen, pack(high_half(seen) + 1, next), std::memory_order_acquire,
                                     std::memory_order_acquire)) {
        return slot;
      }
    }
    return no_slot;
  }

  // The first slot of a chain; the rest hangs on its link.
  [[nodiscard]] std::uint32_t pop_chain() noexcept {
    Policy::probe("free.chain.head");
    std::uint64_t seen = chains_.load(std::memory_order_acquire);  // [free.chained] acquire, pairs with push_chain()
    while (low_half(seen) != 0) {
      const std::uint32_t first = low_half(seen) - 1;
      const std::uint32_t beside = high_half(read(first));  // garbage if the CAS fails
      Policy::probe("free.chain.take");
      // [free.chained] acquire: the links of the whole chain, and on failure of the new head.
      if (chains_.compare_exchange_weak(seen, pack(high_half(seen) + 1, beside), std::memory_order_acquire,
                                        std::memory_order_acquire)) {
        return first;
      }
    }
    return no_slot;
  }

  // `first` and what hangs on it are the caller's.
  void push_chain(std::uint32_t first) noexcept {
    const std::uint32_t next = low_half(read(first));
    Policy::probe("free.chain.look");
    std::uint64_t seen = chains_.load(std::memory_order_relaxed);
    do {
      Policy::probe("free.chain.link");
      link(first).store(pack(low_half(seen), next), std::memory_order_relaxed);
      Policy::probe("free.chain.give");
      // [free.chained] release: the links, and the slots as their last owners left them. seq_cst: also [room.publish].
    } while (!chains_.compare_exchange_weak(seen, pack(high_half(seen) + 1, first + 1), std::memory_order_seq_cst,
                                            std::memory_order_relaxed));
  }

  // The magazine has grown to a chain: all of it to the shared stack. Somebody else may have been faster.
  void pass_on(Head& head) noexcept {
    Policy::probe("free.pass.head");
    std::uint64_t seen = head.load(std::memory_order_relaxed);  // only to be compared
    if (low_half(seen) == 0) return;
    Policy::probe("free.pass.take");
    // [free.given] acquire: what hangs on the head becomes ours, and is passed on.
    if (head.compare_exchange_strong(seen, pack(high_half(seen) + 1, 0), std::memory_order_acquire,
                                     std::memory_order_relaxed)) {
      push_chain(low_half(seen) - 1);
    }
  }

  // The rest of a chain whose first slot was taken, into the magazine if that is still empty. True if there was one.
  bool put_back(Head& head, std::uint32_t rest) noexcept {
    if (rest == 0) return false;
    Policy::probe("free.back.head");
    std::uint64_t seen = head.load(std::memory_order_relaxed);
    Policy::probe("free.back.swing");
    // [free.given] release: passes on what [free.chained] brought. seq_cst: also [room.publish].
    if (low_half(seen) != 0 || !head.compare_exchange_strong(seen, pack(high_half(seen) + 1, rest),
                                                             std::memory_order_seq_cst, std::memory_order_relaxed)) {
      push_chain(rest - 1);
    }
    return true;
  }

  [[nodiscard]] std::uint32_t take_fresh() noexcept {
    Policy::probe("free.take.fresh");
    std::uint32_t fresh = fresh_.load(std::memory_order_relaxed);
    while (fresh < count_) {
      Policy::probe("free.take.first");
      // [stop.lease] seq_cst, before a lease of the slot is in its word; pairs with used() in has_held().
      if (fresh_.compare_exchange_weak(fresh, fresh + 1, std::memory_order_seq_cst, std::memory_order_relaxed)) {
        return fresh;
      }
    }
    return no_slot;
  }

  std::byte* const links_;
  const std::size_t stride_;
  const std::uint32_t count_;
  const std::uint32_t chain_;
  std::array<Magazine, Shards<Policy>::count> magazines_{};
  alignas(cache_line) Head chains_{0};
  alignas(cache_line) typename Policy::template Atomic<std::uint32_t> fresh_{0};
};

}  // namespace windlass::detail
