#include <benchmark/benchmark.h>

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <windlass/windlass.hpp>

#include "../harness/report.hpp"
#include "../harness/tally.hpp"
#include "scenarios.hpp"
#ifdef WINDLASS_BENCH_MOODYCAMEL
#include <concurrentqueue/concurrentqueue.h>
#endif

// (q): jobs that are pulled and settled, in one thread. The peers have no leases: with them a job is gone when it is
// taken, and there is nothing to settle.
namespace {

using harness::Tally;

constexpr std::uint32_t jobs = 1U << 12U;

enum class Leases { on, off };

template <Leases leases>
class Windlass {
 public:
  static constexpr const char* name = leases == Leases::on ? "windlass" : "windlass_without_lease";
  void enqueue(std::uint64_t number) { queue_.try_enqueue(number).or_throw(); }
  std::optional<std::uint64_t> take() {
    auto lease = queue_.try_reserve();
    if (!lease) return std::nullopt;
    const std::uint64_t number = **lease;
    if (!lease->done()) return std::nullopt;
    return number;
  }

 private:
  static windlass::QueueOptions<std::uint64_t> options() {
    windlass::QueueOptions<std::uint64_t> options;
    options.capacity = jobs;
    options.workers = 0;
    if (leases == Leases::off) options.lease = windlass::Duration{};
    return options;
  }

  windlass::JobQueue<std::uint64_t> queue_{options()};
};

class MutexDeque {
 public:
  static constexpr const char* name = "mutex_deque";
  void enqueue(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(number);
  }
  std::optional<std::uint64_t> take() {
    const std::lock_guard lock(mutex_);
    if (jobs_.empty()) return std::nullopt;
    const std::uint64_t number = jobs_.front();
    jobs_.pop_front();
    return number;
  }

 private:
  std::mutex mutex_;
  std::deque<std::uint64_t> jobs_;
};

#ifdef WINDLASS_BENCH_MOODYCAMEL
class Moodycamel {
 public:
  static constexpr const char* name = "moodycamel";
  void enqueue(std::uint64_t number) { queue_.enqueue(number); }
  std::optional<std::uint64_t> take() {
    std::uint64_t number = 0;
    return queue_.try_dequeue(number) ? std::optional{number} : std::nullopt;
  }

 private:
  moodycamel::ConcurrentQueue<std::uint64_t> queue_{jobs};
};
#endif

template <class Queue>
void enqueue_and_take(benchmark::State& state) {
  harness::Costs costs;
  Queue queue;
  for (auto _ : state) {
    Tally taken;
    const auto begun = harness::Clock::now();
    for (std::uint64_t i = 0; i < jobs; ++i) queue.enqueue(i);
    while (const auto number = queue.take()) {
      taken.sum += *number;
      ++taken.count;
    }
    costs.add(state, harness::Clock::now() - begun, jobs);
    if (taken != Tally::of(jobs)) return harness::fail(state, "not every job was taken exactly once");
  }
  costs.report(state, "ns_per_job");
}

template <class Queue>
void add() {
  harness::add("q_pull", Queue::name, enqueue_and_take<Queue>);
}

}  // namespace

void scenarios::add_pull() {
  add<Windlass<Leases::on>>();
  add<Windlass<Leases::off>>();
  add<MutexDeque>();
#ifdef WINDLASS_BENCH_MOODYCAMEL
  add<Moodycamel>();
#endif
}
