#include <benchmark/benchmark.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <type_traits>

#include "../harness/report.hpp"
#include "../pools/pools.hpp"
#include "scenarios.hpp"

// (c), (f), (g), (h): page faults, idle cost, heap allocations, memory. Each row asks windlass_cost_probe, a process of
// its own that lies beside this program; the time of the row is that process's and means nothing.
namespace {

void ask_probe(benchmark::State& state, const std::string& what, const std::string& pool) {
  const auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  std::string command = "'";
  command.append((here / "windlass_cost_probe").string()).append("' ").append(what).append(" ").append(pool);
  for (auto _ : state) {
    const auto begun = harness::Clock::now();
    FILE* const answer = popen(command.c_str(), "r");
    if (answer == nullptr) return harness::fail(state, "the probe could not be started");
    char figure[64];
    double value = 0;
    int figures = 0;
    while (std::fscanf(answer, "%63s %lf", figure, &value) == 2) {
      harness::set_figure(state, figure, value);
      ++figures;
    }
    if (pclose(answer) != 0 || figures == 0) return harness::fail(state, "the probe found something wrong; run it");
    harness::set_time(state, harness::Clock::now() - begun);
  }
}

}  // namespace

void scenarios::add_costs() {
  const auto add = [](const char* scenario, const char* pool, const char* what) {
    harness::add_once(scenario, pool, [=](benchmark::State& state) { ask_probe(state, what, pool); });
  };
  pools::for_each([&]<class Pool>(std::type_identity<Pool>) {
    add("c_page_faults", Pool::name, "page_faults");
    add("f_idle_4_workers", Pool::name, "idle");
    add("g_heap_allocations", Pool::name, "allocations");
    add("h_memory_per_queued_job", Pool::name, "memory");
  });
  add("c_page_faults", pools::WindlassOwnMemory::name, "page_faults");
}
