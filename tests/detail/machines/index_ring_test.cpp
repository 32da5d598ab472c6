#include <atomic>
#include <thread>
#include <vector>
#include <windlass/detail/machines/index_ring.hpp>

#include "catch.hpp"

using windlass::detail::IndexRing;
using windlass::detail::no_slot;

namespace {
struct Ring {
  std::vector<IndexRing<>::Cell> cells = std::vector<IndexRing<>::Cell>(IndexRing<>::min_cells);
  IndexRing<> ring{cells.data(), cells.size()};
};
}  // namespace

TEST_CASE("a ring gives numbers back in the order they were pushed, over many laps", "[ring]") {
  Ring r;
  CHECK(r.ring.empty());
  CHECK(r.ring.pop() == no_slot);
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    r.ring.push(2 * i);
    r.ring.push(2 * i + 1);
    REQUIRE_FALSE(r.ring.empty());
    REQUIRE(r.ring.pop() == 2 * i);
    REQUIRE(r.ring.pop() == 2 * i + 1);
    REQUIRE(r.ring.pop() == no_slot);
  }
}

TEST_CASE("a ring holds as many numbers as it has cells", "[ring]") {
  Ring r;
  for (std::uint32_t i = 0; i < IndexRing<>::min_cells; ++i) r.ring.push(i);
  CHECK(r.ring.size_approx() == IndexRing<>::min_cells);
  for (std::uint32_t i = 0; i < IndexRing<>::min_cells; ++i) REQUIRE(r.ring.pop() == i);
  CHECK(r.ring.empty());
}

TEST_CASE("a ring has a power of two of cells, at least 1,024", "[ring]") {
  CHECK(IndexRing<>::cells_for(1) == 1024);
  CHECK(IndexRing<>::cells_for(1025) == 2048);
  CHECK(IndexRing<>::cells_for(0x8000'0001U) == std::uint64_t{1} << 32U);
}

TEST_CASE("a ring shows what is ahead, and nothing behind its last number", "[ring]") {
  Ring r;
  for (std::uint64_t gone = 0; gone < 3'000; gone += 1'000) {
    REQUIRE(r.ring.front() == gone);
    CHECK(r.ring.peek(gone) == no_slot);
    for (std::uint32_t i = 0; i < 1'000; ++i) r.ring.push(i + 1);
    CHECK(r.ring.peek(gone) == 1);
    CHECK(r.ring.peek(gone + 999) == 1'000);
    CHECK(r.ring.peek(gone + 1'000) == no_slot);
    for (std::uint32_t i = 0; i < 1'000; ++i) REQUIRE(r.ring.pop() == i + 1);
  }
}

TEST_CASE("numbers that circulate through two rings between threads are neither lost nor doubled", "[ring]") {
  constexpr std::uint32_t slots = 600;
  constexpr std::uint32_t rounds = 50'000;
  Ring full;
  Ring idle;
  for (std::uint32_t i = 0; i < slots; ++i) idle.ring.push(i);
  std::vector<std::uint32_t> payload(slots);  // plain memory: the ring's edges are what orders it
  std::atomic<std::uint64_t> sum{0};
  std::atomic<std::uint32_t> taken{0};
  std::vector<std::thread> threads;
  for (std::uint32_t p = 0; p < 2; ++p) {
    threads.emplace_back([&, p] {
      for (std::uint32_t i = 0; i < rounds;) {
        const std::uint32_t slot = idle.ring.pop();
        if (slot == no_slot) {
          std::this_thread::yield();
          continue;
        }
        payload[slot] = p * rounds + i++;
        full.ring.push(slot);
      }
    });
    threads.emplace_back([&] {
      while (taken.load() < 2 * rounds) {
        const std::uint32_t slot = full.ring.pop();
        if (slot == no_slot) {
          std::this_thread::yield();
          continue;
        }
        sum += payload[slot];
        idle.ring.push(slot);
        ++taken;
      }
    });
  }
  for (auto& t : threads) t.join();
  constexpr std::uint64_t n = 2ULL * rounds;
  CHECK(taken == n);
  CHECK(sum == n * (n - 1) / 2);
}
