#include <atomic>
#include <set>
#include <thread>
#include <vector>
#include <windlass/detail/machines/free_list.hpp>

#include "catch.hpp"

using windlass::detail::FreeList;
using windlass::detail::no_slot;

TEST_CASE("a free list gives exactly its slots, each once, then says that it is empty", "[free]") {
  std::vector<FreeList<>::Link> links(7);
  FreeList<> list(links.data(), 7);
  std::set<std::uint32_t> seen;
  for (int i = 0; i < 7; ++i) seen.insert(list.take());
  CHECK(seen == std::set<std::uint32_t>{0, 1, 2, 3, 4, 5, 6});
  CHECK(list.take() == no_slot);
}

TEST_CASE("a free list hands out the slot given back last, and fresh ones only when it has no other", "[free]") {
  std::vector<FreeList<>::Link> links(1000);
  FreeList<> list(links.data(), 1000);
  for (int i = 0; i < 5000; ++i) {
    const std::uint32_t slot = list.take();
    REQUIRE(slot == 0);
    list.give(slot);
  }
}

TEST_CASE("no slot is ever owned by two threads", "[free]") {
  constexpr std::uint32_t slots = 8;
  std::vector<FreeList<>::Link> links(slots);
  FreeList<> list(links.data(), slots);
  std::vector<std::atomic<int>> owners(slots);
  std::vector<std::uint64_t> uses(slots);  // plain: an owner excludes all others
  std::atomic<bool> wrong{false};
  std::atomic<std::uint64_t> taken{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50'000; ++i) {
        const std::uint32_t slot = list.take();
        if (slot == no_slot) continue;
        if (owners[slot].fetch_add(1, std::memory_order_relaxed) != 0) wrong = true;
        ++uses[slot];
        ++taken;
        owners[slot].fetch_sub(1, std::memory_order_relaxed);
        list.give(slot);
      }
    });
  }
  for (auto& t : threads) t.join();
  std::uint64_t sum = 0;
  for (auto u : uses) sum += u;
  CHECK_FALSE(wrong);
  CHECK(sum == taken);
  for (std::uint32_t i = 0; i < slots; ++i) CHECK(list.take() != no_slot);
  CHECK(list.take() == no_slot);
}
