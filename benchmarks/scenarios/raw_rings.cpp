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

#include "../harness/meeting.hpp"
#include "../harness/report.hpp"
#include "../harness/tally.hpp"
#include "../harness/threads.hpp"
#include "../rings/item.hpp"
#include "../rings/rings.hpp"
#include "../rings/role.hpp"
#include "scenarios.hpp"

// (j): the queues below the pools, 32-bit numbers, one at a time and 32 at once. Threads that find nothing yield.
namespace {

using harness::Tally;
using rings::Item;
using rings::Role;

constexpr std::size_t items = 1U << 16U;
constexpr std::size_t batch = 32;

enum class By { one, bulk };

// One at a time where the ring has no bulk calls: that is then what a bulk costs.
template <class Side>
void push_batch(Side& ring, By by, std::uint64_t first) {
  std::array<Item, batch> numbers;
  for (std::size_t i = 0; i < batch; ++i) numbers[i] = static_cast<Item>(first + i);
  if constexpr (Side::has_bulk) {
    if (by == By::bulk) return ring.push_bulk(numbers);
  }
  for (const Item number : numbers) ring.push(number);
}

// Takes up to `batch` items and counts them; none if none was found.
template <class Side>
void pop_batch(Side& ring, By by, Tally& popped, std::size_t at_most) {
  std::array<Item, batch> numbers{};
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
  decltype(auto) side = rings::side(ring, Role::both);
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

// `pairs` producers and as many consumers, which meet when all is empty again: the items fit all at once, for
// windlass's ring must never be overfilled. The first rounds are not timed: it takes a while until each core has its
// threads.
template <class Ring>
void many_threads(benchmark::State& state, By by, std::uint32_t pairs) {
  constexpr std::uint32_t untimed = 4;
  constexpr std::uint32_t rounds = 16;
  harness::Costs costs;
  Ring ring(items);
  const std::size_t share = items / pairs;
  for (auto _ : state) {
    harness::Meeting meeting(2 * pairs);
    harness::Clock::time_point begun;
    harness::Clock::time_point ended;
    std::atomic<std::uint64_t> count{0};
    std::atomic<std::uint64_t> sum{0};
    (void)harness::run_together(2 * pairs, [&](std::uint32_t index) {
      const bool produces = index < pairs;
      decltype(auto) side = rings::side(ring, produces ? Role::producer : Role::consumer);
      Tally popped;
      for (std::uint32_t round = 0; round < untimed + rounds; ++round) {
        if (index == 0 && round == untimed) begun = harness::Clock::now();
        if (produces) {
          for (std::size_t i = 0; i < share; i += batch) push_batch(side, by, index * share + i);
        }
        while (!produces && popped.count < (round + 1) * share) {
          const std::uint64_t before = popped.count;
          pop_batch(side, by, popped, (round + 1) * share - popped.count);
          if (popped.count == before) std::this_thread::yield();
        }
        meeting.arrive();
      }
      if (index == 0) ended = harness::Clock::now();
      count.fetch_add(popped.count);
      sum.fetch_add(popped.sum);
    });
    costs.add(state, ended - begun, double{rounds} * items);
    const Tally once = Tally::of(items);
    constexpr std::uint64_t times = untimed + rounds;
    if (Tally{count, sum} != Tally{once.count * times, once.sum * times}) {
      return harness::fail(state, "not every item came out exactly once");
    }
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
