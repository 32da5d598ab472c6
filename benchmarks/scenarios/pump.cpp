#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>
#include <windlass/windlass.hpp>

#include "../harness/report.hpp"
#include "../harness/tally.hpp"
#include "scenarios.hpp"
#ifdef WINDLASS_BENCH_ASIO
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#endif

// (p): a program that pumps its queue once a frame, in one thread: a frame in which nothing is to be done, and one with
// a hundred jobs, enqueued and run.
namespace {

using harness::TallyBoard;

constexpr std::uint64_t frames = 1U << 10U;

// windlass, with a budget as a game has it, which is why it reads the clock.
class Windlass {
 public:
  static constexpr const char* name = "windlass";
  template <class F>
  void enqueue(F function) {
    queue_.try_enqueue(std::move(function)).or_throw();
  }
  void frame() { queue_.pump({.budget = std::chrono::milliseconds{100}}); }

 private:
  windlass::JobQueue<> queue_{{.workers = 0}};
};

// windlass, without a budget.
class WindlassPoll {
 public:
  static constexpr const char* name = "windlass_poll";
  template <class F>
  void enqueue(F function) {
    queue_.try_enqueue(std::move(function)).or_throw();
  }
  void frame() { queue_.poll(); }

 private:
  windlass::JobQueue<> queue_{{.workers = 0}};
};

// By hand: the jobs since the last frame are swapped out under a lock.
class MutexVector {
 public:
  static constexpr const char* name = "mutex_vector_swap";
  template <class F>
  void enqueue(F function) {
    const std::lock_guard lock(mutex_);
    jobs_.emplace_back(std::move(function));
  }
  void frame() {
    {
      const std::lock_guard lock(mutex_);
      running_.swap(jobs_);
    }
    for (const auto& job : running_) job();
    running_.clear();
  }

 private:
  std::mutex mutex_;
  std::vector<std::function<void()>> jobs_;
  std::vector<std::function<void()>> running_;
};

#ifdef WINDLASS_BENCH_ASIO
class AsioPoll {
 public:
  static constexpr const char* name = "asio_poll";
  template <class F>
  void enqueue(F function) {
    asio::post(context_, std::move(function));
  }
  void frame() {
    context_.restart();  // it has stopped when it ran out of work
    context_.poll();
  }

 private:
  asio::io_context context_{1};
};
#endif

template <class Queue>
void run_frames(benchmark::State& state, std::uint64_t jobs_per_frame) {
  harness::Costs costs;
  Queue queue;
  for (auto _ : state) {
    const auto before = TallyBoard::total();
    const auto begun = harness::Clock::now();
    std::uint64_t number = 0;
    for (std::uint64_t i = 0; i < frames; ++i) {
      for (std::uint64_t job = 0; job < jobs_per_frame; ++job) {
        queue.enqueue([number, at = &queue] {
          benchmark::DoNotOptimize(at);
          TallyBoard::add(number);
        });
        ++number;
      }
      queue.frame();
    }
    costs.add(state, harness::Clock::now() - begun, static_cast<double>(frames));
    if (TallyBoard::total() - before != harness::Tally::of(number)) {
      return harness::fail(state, "not every job ran exactly once");
    }
  }
  costs.report(state, "ns_per_frame");
}

template <class Queue>
void add() {
  harness::add("p_frame_without_jobs", Queue::name, [](benchmark::State& state) { run_frames<Queue>(state, 0); });
  harness::add("p_frame_of_100_jobs", Queue::name, [](benchmark::State& state) { run_frames<Queue>(state, 100); });
}

}  // namespace

void scenarios::add_pump() {
  add<Windlass>();
  add<WindlassPoll>();
  add<MutexVector>();
#ifdef WINDLASS_BENCH_ASIO
  add<AsioPoll>();
#endif
}
