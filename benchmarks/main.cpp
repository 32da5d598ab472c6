#include <benchmark/benchmark.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "harness/report.hpp"
#include "pools/windlass.hpp"
#include "scenarios/scenarios.hpp"

namespace {

// What the figures claim to include: of the very pool that is timed, a job that hangs is redelivered.
bool leases_are_on() {
  std::atomic<int> runs{0};
  std::atomic<bool> is_free{false};
  pools::Windlass pool(1, 16, std::chrono::milliseconds{10});
  pool.enqueue([&] {
    if (++runs > 1) return;
    while (!is_free) std::this_thread::yield();
  });
  const auto end = harness::Clock::now() + std::chrono::seconds{5};
  while (runs < 2 && harness::Clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds{1});
  is_free = true;
  return runs == 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (!leases_are_on()) {
    std::fputs("a hung job was not redelivered: these figures would be worth nothing\n", stderr);
    return EXIT_FAILURE;
  }
  scenarios::add_machine_limits();
  scenarios::add_executors();
  scenarios::add_latency();
  scenarios::add_chains();
  scenarios::add_raw_rings();
  scenarios::add_retries();
  scenarios::add_promises();
  scenarios::add_payloads();
  scenarios::add_delayed_jobs();
  scenarios::add_lateness();
  scenarios::add_lanes();
  scenarios::add_pump();
  scenarios::add_pull();
  scenarios::add_backlog();
  scenarios::add_costs();
  benchmark::AddCustomContext("compiler", WINDLASS_BENCH_COMPILER);  // for the table's first line
  benchmark::AddCustomContext("flags", WINDLASS_BENCH_FLAGS);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return EXIT_FAILURE;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return harness::any_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
