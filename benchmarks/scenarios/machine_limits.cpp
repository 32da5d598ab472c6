#include <benchmark/benchmark.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>

#include "../harness/latencies.hpp"
#include "../harness/report.hpp"
#include "../harness/spin.hpp"
#include "../harness/threads.hpp"
#include "scenarios.hpp"

// What the machine itself takes.
namespace {

using harness::Clock;
using harness::Costs;
using harness::fail;

constexpr std::uint64_t calls = 1U << 20U;

// `threads` threads add to one counter.
void fetch_add(benchmark::State& state, std::uint32_t threads) {
  Costs costs;
  for (auto _ : state) {
    std::atomic<std::uint64_t> counter{0};
    const auto took = harness::run_together(threads, [&](std::uint32_t) {
      for (std::uint64_t i = 0; i < calls; ++i) counter.fetch_add(1);
    });
    costs.add(state, took, static_cast<double>(calls * threads));
    if (counter != calls * threads) return fail(state, "fetch_add lost a call");
  }
  costs.report(state, "ns_per_call");
}

// Two threads that work for 30 ns between one addition and the next, to one counter or each to its own. What two
// producers of one FIFO do must have an order, and so a word that both write: while they take turns they pay the
// former.
void ordered_work(benchmark::State& state) {
  constexpr std::uint32_t threads = 2;
  const std::uint64_t rounds = harness::rounds_per_microsecond() * 30 / 1000;
  struct alignas(64) Line {
    std::atomic<std::uint64_t> count{0};
  };
  // ns per call; nothing if one was lost.
  const auto run = [&](bool is_shared) -> std::optional<double> {
    std::array<Line, threads> lines;
    const auto took = harness::run_together(threads, [&](std::uint32_t index) {
      auto& count = lines[is_shared ? 0 : index].count;
      for (std::uint64_t i = 0; i < calls; ++i) {
        harness::spin(rounds);
        count.fetch_add(1);
      }
    });
    if (lines[0].count + lines[1].count != calls * threads) return std::nullopt;
    return harness::nanoseconds(took) / static_cast<double>(calls * threads);
  };
  for (auto _ : state) {
    const auto begun = Clock::now();
    const auto shared = run(true);
    const auto own = run(false);
    if (!shared || !own) return fail(state, "fetch_add lost a call");
    harness::set_time(state, Clock::now() - begun);
    harness::set_figure(state, "shared_word_ns", *shared);
    harness::set_figure(state, "own_words_ns", *own);
  }
}

// A line goes to the other core and back; the figure is one way. The threads yield: on a machine with one core they
// would wait for each other for ever, and the figure then is a switch of threads. They begin on one core, and it takes
// a while until the system moves one: the first rounds are not timed.
void line_transfer(benchmark::State& state) {
  constexpr std::uint64_t untimed = 1U << 16U;
  constexpr std::uint64_t rounds = 1U << 17U;
  Costs costs;
  for (auto _ : state) {
    alignas(64) std::atomic<std::uint64_t> ball{0};
    Clock::time_point begun;
    Clock::time_point ended;
    (void)harness::run_together(2, [&](std::uint32_t index) {
      for (std::uint64_t i = index; i < 2 * rounds; i += 2) {
        for (int spins = 0; ball.load(std::memory_order_acquire) != i; ++spins) {
          if (spins > 10000) std::this_thread::yield();
        }
        if (i == 2 * untimed) begun = Clock::now();
        ball.store(i + 1, std::memory_order_release);
      }
      if (index == 0) ended = Clock::now();
    });
    costs.add(state, ended - begun, 2.0 * (rounds - untimed));
    if (ball != 2 * rounds) return fail(state, "the ball was lost");
  }
  costs.report(state, "ns_one_way");
}

void clock_read(benchmark::State& state) {
  Costs costs;
  for (auto _ : state) {
    const auto begun = Clock::now();
    auto last = begun;
    for (std::uint64_t i = 1; i < calls; ++i) {
      const auto now = Clock::now();
      if (now < last) return fail(state, "the clock went back");
      last = now;
    }
    costs.add(state, last - begun, static_cast<double>(calls));
  }
  costs.report(state, "ns_per_call");
}

// A thread sleeps on a condition variable and is woken: what that costs the waker, and how long until it runs. As
// often, and after as much sleep, as in (d).
void wake(benchmark::State& state) {
  constexpr std::uint64_t wakes = 2000;
  std::mutex mutex;
  std::condition_variable changed;
  std::uint64_t wanted = 0;
  std::uint64_t seen = 0;
  Clock::time_point woken;
  bool over = false;
  std::thread sleeper([&] {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [&] { return over || wanted != seen; });
      if (over) return;
      woken = Clock::now();
      seen = wanted;
    }
  });
  harness::Latencies waker(wakes);
  harness::Latencies until_it_runs(wakes);
  const char* wrong = nullptr;
  for (auto _ : state) {
    Clock::duration all{};
    for (std::uint64_t i = 0; i < wakes; ++i) {
      std::this_thread::sleep_for(std::chrono::microseconds{300});  // it must be asleep, which no call can tell
      {
        const std::lock_guard lock(mutex);
        ++wanted;
      }
      const auto begun = Clock::now();
      changed.notify_one();
      waker.add(Clock::now() - begun);
      for (bool is_awake = false; !is_awake;) {
        std::this_thread::sleep_for(std::chrono::microseconds{50});  // the sleeper needs the mutex, and the core
        const std::lock_guard lock(mutex);
        is_awake = seen == wanted;
      }
      if (woken < begun) wrong = "the sleeper ran before it was woken";
      until_it_runs.add(woken - begun);
      all += woken - begun;
    }
    harness::set_time(state, all);
  }
  {
    const std::lock_guard lock(mutex);
    over = true;
  }
  changed.notify_one();
  sleeper.join();
  if (wrong != nullptr) return fail(state, wrong);
  harness::set_figure(state, "waker_p50_ns", waker.quantile(0.5));
  harness::set_figure(state, "until_it_runs_p50_ns", until_it_runs.quantile(0.5));
}

}  // namespace

void scenarios::add_machine_limits() {
  harness::add("machine_fetch_add", "machine", [](benchmark::State& state) { fetch_add(state, 1); });
  harness::add("machine_fetch_add_contended", "machine", [](benchmark::State& state) { fetch_add(state, 2); });
  harness::add_once("machine_ordered_work", "machine", ordered_work);
  harness::add("machine_line_transfer", "machine", line_transfer);
  harness::add("machine_clock_read", "machine", clock_read);
  harness::add_once("machine_wake", "machine", wake);
}
