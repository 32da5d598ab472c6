// FreeList: the tag of each head, how deep a magazine is, and when it goes as a chain; what a look for a free slot
// sees.

#include <array>
#include <cstdint>

#include "../interleave.hpp"
#include "catch.hpp"
#include "windlass/detail/machines/free_list.hpp"

namespace {

using interleave::Atomic;
using interleave::check;
using interleave::checked;
using interleave::Run;
using windlass::detail::high_half;
using windlass::detail::no_slot;

// What is swapped in 64 bits is a head, `{tag:32 | index:32}`: no store of one ever has a tag that an earlier one had.
template <class T>
class Head : public Atomic<T> {
 public:
  using Atomic<T>::Atomic;
  template <class... Orders>
  bool compare_exchange_weak(T& seen, T next, Orders... orders) noexcept {
    return compare_exchange_strong(seen, next, orders...);
  }
  template <class... Orders>
  bool compare_exchange_strong(T& seen, T next, Orders... orders) noexcept {
    const bool swapped = Atomic<T>::compare_exchange_strong(seen, next, orders...);
    if constexpr (sizeof(T) == sizeof(std::uint64_t)) {
      if (swapped) check(high_half(next) == high_half(seen) + 1, "a head changed, and its tag did not grow");
    }
    return swapped;
  }
};

template <std::size_t Shards>
struct TagPolicy : interleave::ShardedAtomics<Shards> {
  template <class T>
  using Atomic = Head<T>;
};

template <class Policy, std::uint32_t Slots>
struct Slab {
  using Free = windlass::detail::FreeList<Policy>;
  std::array<typename Free::Link, Slots> links;
  Free free{links.data(), Slots};
  std::array<checked<int>, Slots> uses;

  // All taken; then `left` are free again.
  explicit Slab(std::uint32_t left = 0) {
    for (std::uint32_t i = 0; i < Slots; ++i) (void)free.take();
    for (std::uint32_t i = 0; i < left; ++i) give(i);
  }

  std::uint32_t take() {
    const std::uint32_t slot = free.take().slot;
    if (slot != no_slot) uses[slot].set(uses[slot].get() + 1);
    return slot;
  }
  void give(std::uint32_t slot) {
    uses[slot].set(uses[slot].get() + 1);
    free.give(slot);
  }
};

// The free slots are one whole chain of three, in the shared stack.
template <class List>
void check_one_chain(List& free) {
  for (const bool moved : {true, false, false}) {
    const auto taken = free.take();
    check(taken.slot != no_slot && taken.moved == moved, "not a whole chain");
  }
  check(free.take().slot == no_slot, "one too many");
}

}  // namespace

TEST_CASE("free list: each change of a head raises its tag", "[free]") {
  interleave::explore([](Run& run) {
    Slab<TagPolicy<1>, 12> slab(2);  // chains of 3
    run.thread([&] {
      const std::uint32_t slot = slab.take();
      for (const std::uint32_t i : {2U, 3U}) slab.give(i);
      if (slot != no_slot) slab.give(slot);
    });
    run.thread([&] {
      for (const std::uint32_t i : {4U, 5U}) slab.give(i);
      for (int i = 0; i < 3; ++i) (void)slab.take();
    });
    run.join();
  });
}

TEST_CASE("free list: without magazines each change of a head raises its tag", "[free]") {
  interleave::explore([](Run& run) {
    Slab<TagPolicy<1>, 4> slab(2);  // too few for chains
    for (const std::uint32_t i : {2U, 3U}) {
      run.thread([&, i] {
        const std::uint32_t slot = slab.take();
        slab.give(i);
        if (slot != no_slot) slab.give(slot);
      });
    }
    run.join();
  });
}

TEST_CASE("free list: who puts a chain back beside another thread raises the tag too", "[free]") {
  interleave::explore([](Run& run) {
    Slab<TagPolicy<1>, 12> slab(3);  // one chain
    run.thread([&] { (void)slab.take(); });
    run.thread([&] {
      slab.give(3);
      (void)slab.take();
    });
    run.join();
  });
}

TEST_CASE("free list: slots that several threads give make a chain as soon as they are enough for one", "[free]") {
  interleave::explore([](Run& run) {
    Slab<interleave::ShardedAtomics<1>, 12> slab;
    run.thread([&] {
      for (const std::uint32_t i : {0U, 1U}) slab.give(i);
    });
    run.thread([&] { slab.give(2); });
    run.join();
    check_one_chain(slab.free);
  });
}

TEST_CASE("free list: how deep a magazine is counts from what lies there and not from what lay there before",
          "[free]") {
  interleave::explore([](Run& run) {
    Slab<interleave::ShardedAtomics<1>, 12> slab(1);
    run.thread([&] { slab.give(1); });
    run.thread([&] {
      const std::uint32_t slot = slab.take();
      slab.give(2);
      if (slot != no_slot) slab.give(slot);
    });
    run.join();
    check_one_chain(slab.free);
  });
}

TEST_CASE("free list: a chain passes on what others gave to it meanwhile", "[free]") {
  interleave::explore([](Run& run) {
    Slab<interleave::ShardedAtomics<1>, 12> slab(2);
    run.thread([&] { slab.give(2); });
    run.thread([&] { slab.give(3); });
    run.thread([&] {
      for (int i = 0; i < 3; ++i) (void)slab.take();
    });
    run.join();
  });
}

TEST_CASE("free list: who gives a chain and looks sees who says so and takes - or the reverse", "[free]") {
  interleave::explore({.seq = interleave::Seq::any}, [](Run& run) {
    Slab<interleave::Atomics, 16> slab;  // chains of 2
    Atomic<bool> waits{false};
    bool looked = false;
    std::uint32_t taken = no_slot;
    run.thread([&] {
      for (const std::uint32_t i : {0U, 1U}) slab.give(i);
      looked = waits.load(std::memory_order_seq_cst);
    });
    run.thread([&] {
      waits.store(true, std::memory_order_seq_cst);
      taken = slab.take();
    });
    run.join();
    check(looked || taken != no_slot, "neither");
  });
}

TEST_CASE("free list: who takes a fresh slot and looks sees who says so and counts - or the reverse", "[free]") {
  interleave::explore({.seq = interleave::Seq::any}, [](Run& run) {
    windlass::detail::FreeList<interleave::Atomics>::Link link;
    windlass::detail::FreeList<interleave::Atomics> free(&link, 1);
    Atomic<bool> stopping{false};
    bool looked = false;
    std::uint32_t used = 0;
    run.thread([&] {
      check(free.take().slot == 0, "not the slot");
      looked = stopping.load(std::memory_order_seq_cst);
    });
    run.thread([&] {
      stopping.store(true, std::memory_order_seq_cst);
      used = free.used();
    });
    run.join();
    check(looked || used == 1, "neither");  // JobCore::take_lease and has_held
  });
}
