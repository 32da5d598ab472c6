#include <benchmark/benchmark.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <windlass/windlass.hpp>

#include "harness/report.hpp"
#include "scenarios/scenarios.hpp"

namespace {

// The leases that the figures claim to include: a job that hangs is redelivered.
bool leases_are_on() {
  std::atomic<int> runs{0};
  std::atomic<bool> is_free{false};
  windlass::JobQueue<int> queue{[&](const int&) {
                                  if (++runs > 1) return;
                                  while (!is_free) std::this_thread::yield();
                                },
                                {.lease = std::chrono::milliseconds{10}, .retry = windlass::FixedDelay{}}};
  queue.enqueue(1).or_throw();
  const bool redelivered = static_cast<bool>(queue.drain_for(std::chrono::seconds{5}));
  is_free = true;
  return redelivered && runs == 2;
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
