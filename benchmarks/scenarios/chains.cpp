#include <benchmark/benchmark.h>

#include <cstdint>
#include <type_traits>

#include "../harness/batches.hpp"
#include "../harness/report.hpp"
#include "../harness/tally.hpp"
#include "../pools/pools.hpp"
#include "scenarios.hpp"

// (k): jobs that enqueue jobs. Chains: each job enqueues the next, so that a worker mostly finds what it has just
// enqueued. Fan-out: a tree, each job enqueues four.
namespace {

using harness::TallyBoard;

constexpr std::uint32_t workers = 2;

constexpr std::uint64_t chains = 4;
constexpr std::uint64_t chained_jobs = 1U << 16U;

template <class Pool>
struct Link {
  Pool* pool;
  std::uint64_t number;

  void operator()() const {
    // The next one first: as soon as the last is counted, all must have been enqueued.
    if (number + chains < chained_jobs) pool->enqueue(Link{pool, number + chains});
    TallyBoard::add(number);
  }
  static constexpr std::uint64_t jobs = chained_jobs;
  static constexpr std::uint64_t roots = chains;
};

constexpr std::uint64_t fan_out = 4;
constexpr std::uint64_t tree_jobs = 87'381;  // eight full generations and the root

// Node `number` of a tree that is laid out as a heap is.
template <class Pool>
struct Node {
  Pool* pool;
  std::uint64_t number;

  void operator()() const {
    for (std::uint64_t child = fan_out * number + 1; child <= fan_out * number + fan_out; ++child) {
      if (child < tree_jobs) pool->enqueue(Node{pool, child});
    }
    TallyBoard::add(number);
  }
  static constexpr std::uint64_t jobs = tree_jobs;
  static constexpr std::uint64_t roots = 1;
};

template <class Pool, class Job>
void run_offspring(benchmark::State& state) {
  Pool pool(workers, static_cast<std::uint32_t>(Job::jobs));
  harness::time_batches(state, Job::jobs, [&] {
    for (std::uint64_t root = 0; root < Job::roots; ++root) pool.enqueue(Job{&pool, root});
  });
}

}  // namespace

void scenarios::add_chains() {
  pools::for_each([]<class Pool>(std::type_identity<Pool>) {
    harness::add("k_chains", Pool::name, run_offspring<Pool, Link<Pool>>);
    harness::add("k_fan_out", Pool::name, run_offspring<Pool, Node<Pool>>);
  });
}
