#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>
#include <windlass/windlass.hpp>

#include "../harness/batches.hpp"
#include "../harness/blockade.hpp"
#include "../harness/report.hpp"
#include "../harness/tally.hpp"
#include "../pools/mutex_deques.hpp"
#include "scenarios.hpp"
#ifdef WINDLASS_BENCH_TBB
#include <tbb/global_control.h>
#include <tbb/task_arena.h>
#endif

// (o): jobs that go in turns to three lanes, or to four queues on one pool, against all in one lane of one queue.
// Before strict lanes are timed their order is checked, but for oneTBB, whose priorities promise none.
namespace {

using harness::TallyBoard;

constexpr std::uint32_t workers = 2;
constexpr std::uint32_t jobs = 1U << 16U;

struct Weighted : windlass::DefaultTraits {
  static constexpr windlass::Lanes lanes{.order = windlass::LaneOrder::weighted};
};

void count(const std::uint64_t& number) { TallyBoard::add(number); }

// windlass with jobs that are functions.
class Functions {
 public:
  explicit Functions(std::uint32_t its_workers) : queue_{{.capacity = 64, .workers = its_workers}} {}
  template <class F>
  void enqueue(F function, std::size_t lane = 0) {
    queue_.enqueue(std::move(function), {.priority = static_cast<windlass::Priority>(lane)}).or_throw();
  }

 private:
  windlass::JobQueue<> queue_;
};

// Whether one worker runs what waits lane by lane.
template <class Pool>
bool is_strict() {
  constexpr std::uint64_t some = 30;
  std::vector<std::uint64_t> ran;
  {
    const auto before = TallyBoard::total();
    Pool pool(1);
    {
      const harness::Blockade blockade(pool, 1);
      for (std::uint64_t i = 0; i < some; ++i) {
        pool.enqueue(
            [i, &ran] {
              ran.push_back(i);
              TallyBoard::add(i);
            },
            i % 3);
      }
    }
    if (TallyBoard::wait_for(before, some) != harness::Tally::of(some)) return false;
  }
  for (std::uint64_t i = 0; i < some; ++i) {
    if (ran[i] != i % (some / 3) * 3 + i / (some / 3)) return false;
  }
  return true;
}

// `lanes` of the three are used.
template <class Traits>
void use_lanes(benchmark::State& state, std::uint32_t lanes) {
  const bool is_wanted = Traits::lanes.order == windlass::LaneOrder::strict;
  if (is_wanted && !is_strict<Functions>()) {
    return harness::fail(state, "a job ran before one of a lane that comes first");
  }
  windlass::JobQueue<std::uint64_t, Traits> queue{count, {.capacity = jobs, .workers = workers}};
  std::array<windlass::EnqueueOptions, 3> in_lane;
  for (std::size_t i = 0; i < in_lane.size(); ++i) in_lane[i].priority = static_cast<windlass::Priority>(i);
  harness::time_batches(state, jobs, [&] {
    for (std::uint64_t i = 0; i < jobs; ++i) queue.enqueue(i, in_lane[i % lanes]).or_throw();
  });
}

void use_deques(benchmark::State& state) {
  if (!is_strict<pools::MutexDeques>()) return harness::fail(state, "a job ran before one of a lane that comes first");
  pools::MutexDeques pool(workers);
  harness::time_batches(state, jobs, [&] {
    for (std::uint64_t i = 0; i < jobs; ++i) pool.enqueue([i] { TallyBoard::add(i); }, i % 3);
  });
}

void use_queues(benchmark::State& state, std::uint32_t count_of_queues) {
  windlass::WorkerPool pool{{.workers = workers}};
  std::vector<std::unique_ptr<windlass::JobQueue<std::uint64_t>>> queues;
  for (std::uint32_t i = 0; i < count_of_queues; ++i) {
    windlass::QueueOptions<std::uint64_t> options;
    options.capacity = jobs;
    options.pool = &pool;
    queues.push_back(std::make_unique<windlass::JobQueue<std::uint64_t>>(count, std::move(options)));
  }
  harness::time_batches(state, jobs, [&] {
    for (std::uint64_t i = 0; i < jobs; ++i) queues[i % count_of_queues]->enqueue(i).or_throw();
  });
}

#ifdef WINDLASS_BENCH_TBB
// oneTBB: one arena for each priority, or for each queue. Each arena may have all workers.
void use_arenas(benchmark::State& state, const std::vector<tbb::task_arena::priority>& priorities) {
  const tbb::global_control allowed(tbb::global_control::max_allowed_parallelism, workers + 1);
  std::vector<std::unique_ptr<tbb::task_arena>> arenas;
  for (const auto priority : priorities) {
    arenas.push_back(std::make_unique<tbb::task_arena>(static_cast<int>(workers), 0U, priority));
  }
  harness::time_batches(state, jobs, [&] {
    for (std::uint64_t i = 0; i < jobs; ++i) {
      arenas[i % arenas.size()]->enqueue([i] { TallyBoard::add(i); });
    }
  });
}
#endif

}  // namespace

void scenarios::add_lanes() {
  using State = benchmark::State;
  harness::add("o_lanes_strict", "windlass", [](State& state) { use_lanes<windlass::DefaultTraits>(state, 3); });
  harness::add("o_lanes_strict", "windlass_one_lane",
               [](State& state) { use_lanes<windlass::DefaultTraits>(state, 1); });
  harness::add("o_lanes_strict", pools::MutexDeques::name, use_deques);
  harness::add("o_lanes_weighted", "windlass", [](State& state) { use_lanes<Weighted>(state, 3); });
  harness::add("o_lanes_weighted", "windlass_one_lane", [](State& state) { use_lanes<Weighted>(state, 1); });
  harness::add("o_queues_on_one_pool", "windlass", [](State& state) { use_queues(state, 4); });
  harness::add("o_queues_on_one_pool", "windlass_one_queue", [](State& state) { use_queues(state, 1); });
#ifdef WINDLASS_BENCH_TBB
  using Priority = tbb::task_arena::priority;
  harness::add("o_lanes_strict", "tbb_3_arenas", [](State& state) {
    use_arenas(state, {Priority::high, Priority::normal, Priority::low});
  });
  harness::add("o_queues_on_one_pool", "tbb_4_arenas",
               [](State& state) { use_arenas(state, std::vector(4, Priority::normal)); });
#endif
}
