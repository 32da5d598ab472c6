#include <atomic>
#include <cstdint>
#include <optional>
#include <set>
#include <thread>
#include <vector>
#include <windlass/detail/machines/free_list.hpp>

#include "catch.hpp"
#include "job_queue/hooked.hpp"

using windlass::detail::FreeList;
using windlass::detail::no_slot;

TEST_CASE("a free list gives exactly its slots, each once, then says that it is empty", "[free]") {
  std::vector<FreeList<>::Link> links(7);
  FreeList<> list(links.data(), 7);
  std::set<std::uint32_t> seen;
  for (int i = 0; i < 7; ++i) seen.insert(list.take().slot);
  CHECK(seen == std::set<std::uint32_t>{0, 1, 2, 3, 4, 5, 6});
  CHECK(list.take().slot == no_slot);
}

TEST_CASE("a free list hands out the slot given back last, and fresh ones only when it has no other", "[free]") {
  std::vector<FreeList<>::Link> links(1000);
  FreeList<> list(links.data(), 1000);
  for (int i = 0; i < 5000; ++i) {
    const std::uint32_t slot = list.take().slot;
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
        const std::uint32_t slot = list.take().slot;
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
  for (std::uint32_t i = 0; i < slots; ++i) CHECK(list.take().slot != no_slot);
  CHECK(list.take().slot == no_slot);
}

TEST_CASE("however slots wander between threads, none is lost and the list is full exactly when all are out",
          "[free]") {
  for (const std::uint32_t slots : {1U, 2U, 63U, 64U, 65U, 1000U, 4096U}) {
    CAPTURE(slots);
    std::vector<FreeList<>::Link> links(slots);
    FreeList<> list(links.data(), slots);
    for (int round = 0; round < 3; ++round) {
      std::set<std::uint32_t> out;
      std::thread taker([&] {
        for (std::uint32_t i = 0; i < slots; ++i) out.insert(list.take().slot);
      });
      taker.join();
      CHECK(out.size() == slots);
      CHECK(out.count(no_slot) == 0);
      CHECK(list.take().slot == no_slot);
      CHECK_FALSE(list.has_any());
      std::thread giver([&] {
        for (const std::uint32_t slot : out) list.give(slot);
      });
      giver.join();
      CHECK(list.has_any());
    }
  }
}

TEST_CASE("a slot that one thread gave back is found by another, whatever magazine it lies in", "[free]") {
  std::vector<FreeList<>::Link> links(4096);
  FreeList<> list(links.data(), 4096);
  while (list.take().slot != no_slot) {
  }
  for (int i = 0; i < 100; ++i) {
    std::uint32_t found = no_slot;
    std::thread([&] { list.give(static_cast<std::uint32_t>(i)); }).join();
    std::thread([&] { found = list.take().slot; }).join();
    REQUIRE(found == static_cast<std::uint32_t>(i));
  }
}

TEST_CASE("whoever moves a chain says so, for somebody may have looked meanwhile", "[free]") {
  std::vector<FreeList<>::Link> links(4096);
  FreeList<> list(links.data(), 4096);
  std::vector<std::uint32_t> out;
  for (std::uint32_t i = 0; i < 2 * FreeList<>::longest_chain; ++i) out.push_back(list.take().slot);
  std::thread([&] {
    for (const std::uint32_t slot : out) list.give(slot);
  }).join();
  int moves = 0;
  std::thread([&] {
    for (std::size_t i = 0; i < out.size(); ++i) moves += list.take().moved ? 1 : 0;
  }).join();
  CHECK(moves == 2);
}

// A job keeps the time of its enqueue there, as a negative number.
TEST_CASE("the link of a slot that is given back is never negative, whatever it is made of", "[free]") {
  using List = FreeList<HookedAtomics>;
  constexpr std::uint32_t slots = 1000;
  std::vector<List::Link> links(slots);
  List list(links.data(), slots);
  const std::uint32_t beneath = list.take().slot;
  const std::uint32_t slot = list.take().slot;
  list.give(beneath);
  bool is_negative = false;
  std::optional<Interruption> stored;
  const Interruption read("free.link", 1, [&] {
    CHECK(list.take().slot == beneath);
    links[beneath].store(~(std::uint64_t{1} << 40U), std::memory_order_relaxed);
    stored.emplace("free.give.swing", 1,
                   [&] { is_negative = static_cast<std::int64_t>(links[slot].load(std::memory_order_relaxed)) < 0; });
  });
  list.give(slot);
  CHECK(stored->has_happened());
  CHECK_FALSE(is_negative);
}
