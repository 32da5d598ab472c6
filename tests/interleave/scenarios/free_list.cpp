// FreeList: no slot has two owners, none is lost, the next owner sees what the last one wrote; ABA, and chains that
// move between magazines and the shared stack.

#include "windlass/detail/machines/free_list.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "../interleave.hpp"
#include "catch.hpp"

namespace {

using interleave::check;
using interleave::checked;
using interleave::Run;
using windlass::detail::no_slot;

// A free list whose slots carry a payload and an owner.
template <std::size_t Shards, std::uint32_t Slots>
struct Slab {
  using Free = windlass::detail::FreeList<interleave::ShardedAtomics<Shards>>;
  std::array<typename Free::Link, Slots> links;
  Free free{links.data(), Slots};
  std::array<checked<int>, Slots> uses;
  std::array<bool, Slots> is_owned{};

  // All slots have been taken once; the last `left` are given back, so that they lie in this thread's magazine and in
  // chains of the shared stack.
  explicit Slab(std::uint32_t left) {
    for (std::uint32_t i = 0; i < Slots; ++i) (void)take();
    for (std::uint32_t i = Slots - left; i < Slots; ++i) give(i);
  }

  std::uint32_t take() {
    const std::uint32_t slot = free.take().slot;
    if (slot == no_slot) return slot;
    check(slot < Slots && !is_owned[slot], "a slot with two owners");
    is_owned[slot] = true;
    uses[slot].set(uses[slot].get() + 1);
    links[slot].store(~std::uint64_t{slot}, std::memory_order_relaxed);  // a job may keep its time there
    return slot;
  }

  void give(std::uint32_t slot) {
    uses[slot].set(uses[slot].get() + 1);
    is_owned[slot] = false;
    free.give(slot);
  }

  // Afterwards: exactly those that nobody owns can be taken.
  void check_all() {
    std::uint32_t owned = 0;
    for (const bool is : is_owned) owned += is ? 1U : 0U;
    for (; owned < Slots; ++owned) check(take() != no_slot, "a slot was lost");
    check(take() == no_slot, "a slot too many");
    check(!free.has_any(), "has one and has not");
  }
};

}  // namespace

TEST_CASE("free list: a slot that went and came back misleads nobody (ABA)", "[free]") {
  interleave::explore([](Run& run) {
    Slab<1, 3> slab(3);  // too few for chains
    run.thread([&] {
      const std::uint32_t slot = slab.take();
      if (slot != no_slot) slab.give(slot);
    });
    run.thread([&] {
      const std::uint32_t first = slab.take();
      const std::uint32_t second = slab.take();
      if (first != no_slot) slab.give(first);
      if (second != no_slot) slab.give(second);
    });
    run.join();
    slab.check_all();
  });
}

TEST_CASE("free list: in a magazine, neither (ABA)", "[free]") {
  interleave::explore([](Run& run) {
    Slab<1, 12> slab(5);  // chains of 3: one in the shared stack, two slots in the magazine
    run.thread([&] {
      const std::uint32_t slot = slab.take();
      if (slot != no_slot) slab.give(slot);
    });
    run.thread([&] {
      const std::uint32_t first = slab.take();
      const std::uint32_t second = slab.take();
      if (first != no_slot) slab.give(first);
      if (second != no_slot) slab.give(second);
    });
    run.join();
    slab.check_all();
  });
}

TEST_CASE("free list: chains move between two magazines and the shared stack", "[free]") {
  interleave::explore([](Run& run) {
    Slab<2, 16> slab(5);  // chains of 2: two in the shared stack, one slot in magazine 0
    for (int i = 0; i < 3; ++i) {
      run.thread([&] {
        const std::uint32_t first = slab.take();
        const std::uint32_t second = slab.take();
        if (second != no_slot) slab.give(second);
        if (first != no_slot) slab.give(first);
      });
    }
    run.join();
    slab.check_all();
  });
}

TEST_CASE("free list: chains grow while others take them", "[free]") {
  interleave::explore([](Run& run) {
    Slab<2, 16> slab(0);
    for (std::uint32_t first : {0U, 8U}) {
      run.thread([&, first] {
        for (std::uint32_t i = first; i < first + 3; ++i) slab.give(i);
      });
    }
    run.thread([&] {
      for (int i = 0; i < 3; ++i) (void)slab.take();
    });
    run.join();
    slab.check_all();
  });
}

TEST_CASE("free list: fresh slots go to one each", "[free]") {
  interleave::explore([](Run& run) {
    using Free = windlass::detail::FreeList<interleave::Atomics>;
    std::array<Free::Link, 3> links;
    Free free(links.data(), 3);
    std::array<int, 3> owners{};
    for (int i = 0; i < 3; ++i) {
      run.thread([&] {
        const std::uint32_t slot = free.take().slot;
        check(slot != no_slot && ++owners[slot] == 1, "none, or one with two owners");
      });
    }
    run.join();
    check(free.take().slot == no_slot && free.used() == 3, "a fourth slot");
  });
}
