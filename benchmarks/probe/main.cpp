#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <type_traits>

#include "../harness/blockade.hpp"
#include "../harness/tally.hpp"
#include "../pools/pools.hpp"
#include "allocations.hpp"
#include "process.hpp"

// What a pool costs besides time: (c) page faults, (f) while idle, (g) heap allocations, (h) memory. One pool in one
// process, so that nothing is left over from another. Called by the benchmarks; prints "figure value" lines.
namespace {

using harness::TallyBoard;

void check(bool is_right, const char* why) {
  if (!is_right) throw std::runtime_error(why);
}

template <class Pool>
void enqueue_all(Pool& pool, std::uint64_t jobs) {
  for (std::uint64_t i = 0; i < jobs; ++i) {
    pool.enqueue([i, pool_of_job = &pool] {
      benchmark::DoNotOptimize(pool_of_job);
      TallyBoard::add(i);
    });
  }
}

template <class Pool>
void run_all(Pool& pool, std::uint64_t jobs) {
  const auto before = TallyBoard::total();
  enqueue_all(pool, jobs);
  check(TallyBoard::wait_for(before, jobs) == harness::Tally::of(jobs), "not every job ran exactly once");
}

// (f): four workers that have worked once, two seconds of nothing. Before these come four in which the watch of
// windlass sees that nothing goes on any more, and goes to sleep, too.
template <class Pool>
void probe_idle() {
  constexpr std::uint32_t workers = 4;
  Pool pool(workers, 1024);
  run_all(pool, 1024);
  std::this_thread::sleep_for(std::chrono::seconds{4});
  const auto before = probe::others_activity();
  check(before.threads >= workers, "not every worker is there");
  check(before.switches > 0 && before.cpu.count() > 0, "the system does not tell what threads do");
  std::this_thread::sleep_for(std::chrono::seconds{2});
  const auto after = probe::others_activity();
  std::printf("wakeups_in_2_s %llu\n", static_cast<unsigned long long>(after.switches - before.switches));
  std::printf("cpu_us_in_2_s %.1f\n", std::chrono::duration<double, std::micro>(after.cpu - before.cpu).count());
}

// (g): once everything has been used before.
template <class Pool>
void probe_allocations() {
  constexpr std::uint32_t workers = 2;
  constexpr std::uint32_t jobs = 1U << 15U;
  Pool pool(workers, jobs);
  check(harness::Blockade(pool, workers).is_complete(), "not every worker could be used");
  run_all(pool, jobs);
  const std::uint64_t before = probe::allocations();
  run_all(pool, jobs);
  std::printf("per_job %.5f\n", static_cast<double>(probe::allocations() - before) / jobs);
}

// (h): all of the pool, threads included, shared out among the jobs that are queued.
template <class Pool>
void probe_memory() {
  constexpr std::uint32_t workers = 2;
  constexpr std::uint32_t jobs = 1U << 17U;
  const auto ran_before = TallyBoard::total();
  const std::uint64_t before = probe::resident_bytes();
  Pool pool(workers, jobs + workers);
  {
    const harness::Blockade blockade(pool, workers);
    check(blockade.is_complete(), "not every worker could be kept busy");
    enqueue_all(pool, jobs);
    const std::uint64_t after = probe::resident_bytes();
    check(before > 0 && after > before, "the system does not tell how much memory is used");
    check(TallyBoard::total() == ran_before, "a job ran while every worker was busy");
    std::printf("bytes_per_job %.1f\n", static_cast<double>(after - before) / jobs);
  }
  check(TallyBoard::wait_for(ran_before, jobs) == harness::Tally::of(jobs), "not every job ran exactly once");
}

// (c): of the thread that enqueues, from the first job on.
template <class Pool>
void probe_page_faults() {
  constexpr std::uint32_t workers = 2;
  constexpr std::uint32_t jobs = 1U << 15U;
  Pool pool(workers, jobs + workers);
  const auto ran_before = TallyBoard::total();
  {
    const harness::Blockade blockade(pool, workers);
    check(blockade.is_complete(), "not every worker could be kept busy");
    const std::uint64_t before = probe::page_faults();
    enqueue_all(pool, jobs);
    std::printf("per_1000_jobs %.3f\n", static_cast<double>(probe::page_faults() - before) * 1000 / jobs);
  }
  check(TallyBoard::wait_for(ran_before, jobs) == harness::Tally::of(jobs), "not every job ran exactly once");
}

template <class Pool>
bool run_probe(std::string_view what) {
  if (what == "idle") return probe_idle<Pool>(), true;
  if (what == "allocations") return probe_allocations<Pool>(), true;
  if (what == "page_faults") return probe_page_faults<Pool>(), true;
  if (what == "memory") return probe_memory<Pool>(), true;
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  bool is_known = false;
  try {
    if (argc == 3) {
      const auto probe = [&]<class Pool>(std::type_identity<Pool>) {
        if (std::string_view{Pool::name} == argv[2]) is_known = run_probe<Pool>(argv[1]);
      };
      pools::for_each(probe);
      probe(std::type_identity<pools::WindlassOwnMemory>{});
    }
  } catch (const std::exception& failure) {
    std::printf("error %s\n", failure.what());
    return EXIT_FAILURE;
  }
  if (!is_known) std::fputs("usage: windlass_cost_probe idle|allocations|memory|page_faults POOL\n", stderr);
  return is_known ? EXIT_SUCCESS : EXIT_FAILURE;
}
