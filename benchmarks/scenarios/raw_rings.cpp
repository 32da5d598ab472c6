#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <thread>
#include <type_traits>

#include "../harness/report.hpp"
#include "../harness/tally.hpp"
#include "../harness/threads.hpp"
#include "../rings/rings.hpp"
#include "scenarios.hpp"

// (j): the queues below the pools, 64-bit items, one at a time and 32 at once. Threads that find nothing yield.
namespace {

using harness::Tally;

constexpr std::size_t items = 1U << 16U;
constexpr std::size_t batch = 32;

enum class By { one, bulk };

// One at a time where the ring has no bulk calls: that is then what a bulk costs.
template <class Side>
void push_batch(Side& ring, By by, std::uint64_t first) {
  std::array<std::uint64_t, batch> numbers;
  for (std::size_t i = 0; i < batch; ++i) numbers[i] = first + i;
  if constexpr (Side::has_bulk) {
    if (by == By::bulk) return ring.push_bulk(numbers);
  }
  for (const std::uint64_t number : numbers) ring.push(number);
}

// Takes up to `batch` items and counts them; none if none was found.
template <class Side>
void pop_batch(Side& ring, By by, Tally& popped, std::size_t at_most) {
  std::array<std::uint64_t, batch> numbers{};
  std::size_t count = 0;
  const std::size_t wanted = std::min(batch, at_most);
  if constexpr (Side::has_bulk) {
    if (by == By::bulk) count = ring.pop_bulk(std::span{numbers}.first(wanted));
  }
  if (!Side::has_bulk || by == By::one) {
    while (count < wanted && ring.pop(numbers[count])) ++count;
  }
  for (std::size_t i = 0; i < count; ++i) popped.sum += numbers[i];
  popped.count += count;
}

template <class Ring>
void one_thread(benchmark::State& state, By by) {
  harness::Costs costs;
  Ring ring(items);
  typename rings::SideOf<Ring>::type side(ring);
  for (auto _ : state) {
    Tally popped;
    const auto begun = harness::Clock::now();
    for (std::uint64_t first = 0; first < items; first += batch) {
      push_batch(side, by, first);
      pop_batch(side, by, popped, batch);
    }
    costs.add(state, harness::Clock::now() - begun, items);
    if (popped != Tally::of(items)) return harness::fail(state, "not every item came out exactly once");
  }
  costs.report(state, "ns_per_item");
}

// `pairs` producers and as many consumers. The items fit all at once: windlass's ring must never be overfilled.
template <class Ring>
void many_threads(benchmark::State& state, By by, std::uint32_t pairs) {
  harness::Costs costs;
  Ring ring(items);
  const std::size_t share = items / pairs;
  for (auto _ : state) {
    std::atomic<std::uint64_t> count{0};
    std::atomic<std::uint64_t> sum{0};
    const auto took = harness::run_together(2 * pairs, [&](std::uint32_t index) {
      typename rings::SideOf<Ring>::type side(ring);
      if (index < pairs) {
        for (std::size_t i = 0; i < share; i += batch) push_batch(side, by, index * share + i);
        return;
      }
      Tally popped;
      while (popped.count < share) {
        const std::uint64_t before = popped.count;
        pop_batch(side, by, popped, share - popped.count);
        if (popped.count == before) std::this_thread::yield();
      }
      count.fetch_add(popped.count);
      sum.fetch_add(popped.sum);
    });
    costs.add(state, took, items);
    if (Tally{count, sum} != Tally::of(items)) return harness::fail(state, "not every item came out exactly once");
  }
  costs.report(state, "ns_per_item");
}

template <class Ring>
void add(By by, const std::string& how) {
  harness::add("j_" + how + "_1_thread", Ring::name, [by](benchmark::State& state) { one_thread<Ring>(state, by); });
  for (const std::uint32_t pairs : {1U, 2U, 4U, 8U}) {
    const std::string threads = std::to_string(pairs) + "p" + std::to_string(pairs) + "c";
    harness::add("j_" + how + "_" + threads, Ring::name,
                 [by, pairs](benchmark::State& state) { many_threads<Ring>(state, by, pairs); });
  }
}

}  // namespace

void scenarios::add_raw_rings() {
  rings::for_each([]<class Ring>(std::type_identity<Ring>) {
    add<Ring>(By::one, "single");
    if (Ring::has_bulk || std::is_same_v<Ring, rings::Windlass>) add<Ring>(By::bulk, "bulk32");
  });
}
