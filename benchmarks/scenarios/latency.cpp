#include <benchmark/benchmark.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <thread>
#include <type_traits>

#include "../harness/blockade.hpp"
#include "../harness/latencies.hpp"
#include "../harness/report.hpp"
#include "../harness/tally.hpp"
#include "../pools/pools.hpp"
#include "scenarios.hpp"

// (c): what an enqueue costs its caller, with workers that are busy and with workers that sleep. (d): how long after an
// enqueue the job starts on a pool that was idle. Every length includes one clock read: see machine_clock_read.
namespace {

using harness::Clock;
using harness::Latencies;
using harness::TallyBoard;

constexpr std::uint32_t workers = 2;

constexpr int rounds = 16;  // the same for all, or the slower ones' tails would be of fewer

template <class Pool>
void enqueue_busy(benchmark::State& state) {
  constexpr std::uint32_t jobs = 1U << 15U;
  Latencies enqueue(rounds * jobs);
  Latencies first_touch(jobs);  // see c_page_faults
  Pool pool(workers, jobs + workers);
  const auto fail = [&](const char* why) {
    harness::fail(state, why);
    return std::nullopt;
  };
  // What all the enqueues took; nothing if the row has failed.
  const auto round = [&](Latencies& latencies) -> std::optional<Clock::duration> {
    const auto before = TallyBoard::total();
    Clock::duration all{};
    {
      const harness::Blockade blockade(pool, workers);
      if (!blockade.is_complete()) return fail("not every worker could be kept busy");
      for (std::uint64_t i = 0; i < jobs; ++i) {
        const auto begun = Clock::now();
        pool.enqueue([i, pool_of_job = &pool] {
          benchmark::DoNotOptimize(pool_of_job);
          TallyBoard::add(i);
        });
        const auto took = Clock::now() - begun;
        latencies.add(took);
        all += took;
      }
      if (TallyBoard::total() != before) return fail("a job ran while every worker was busy");
    }
    if (TallyBoard::wait_for(before, jobs) != harness::Tally::of(jobs)) return fail("not every job ran exactly once");
    return all;
  };
  if (!round(first_touch)) return;
  for (auto _ : state) {
    const auto took = round(enqueue);
    if (!took) return;
    harness::set_time(state, *took);
  }
  enqueue.report(state);
}

// When a job has started.
struct Started {
  Clock::time_point when;
  std::atomic<bool> is_known{false};

  // False if the job has not run for far too long. The caller leaves its core to the workers.
  [[nodiscard]] bool wait() const {
    const auto end = Clock::now() + std::chrono::seconds{10};
    while (!is_known.load(std::memory_order_acquire)) {
      if (Clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::microseconds{50});
    }
    return true;
  }
};

enum class Asked { enqueue, start };

template <class Pool>
void idle_pool(benchmark::State& state, Asked asked) {
  constexpr std::uint32_t jobs = 2000;
  Latencies enqueue(jobs);
  Latencies start(jobs);
  for (auto _ : state) {
    Pool pool(workers, jobs);
    const auto first = TallyBoard::total();
    Clock::duration all{};
    for (std::uint64_t i = 0; i < jobs; ++i) {
      std::this_thread::sleep_for(std::chrono::microseconds{300});  // until the workers sleep, which no call can tell
      Started started;
      const auto begun = Clock::now();
      pool.enqueue([i, &started] {
        started.when = Clock::now();
        TallyBoard::add(i);
        started.is_known.store(true, std::memory_order_release);
      });
      const auto returned = Clock::now();
      if (!started.wait()) return harness::fail(state, "a job did not run");
      enqueue.add(returned - begun);
      start.add(started.when - begun);
      all += asked == Asked::start ? started.when - begun : returned - begun;
    }
    harness::set_time(state, all);
    if (TallyBoard::total() - first != harness::Tally::of(jobs)) {
      return harness::fail(state, "not every job ran exactly once");
    }
  }
  (asked == Asked::start ? start : enqueue).report(state);
}

}  // namespace

void scenarios::add_latency() {
  pools::for_each([]<class Pool>(std::type_identity<Pool>) {
    harness::add("c_enqueue_busy_workers", Pool::name, enqueue_busy<Pool>)->Iterations(rounds);
    harness::add_once("c_enqueue_parked_workers", Pool::name,
                      [](benchmark::State& state) { idle_pool<Pool>(state, Asked::enqueue); });
    harness::add_once("d_start_on_idle_pool", Pool::name,
                      [](benchmark::State& state) { idle_pool<Pool>(state, Asked::start); });
  });
}
