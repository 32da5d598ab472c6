#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <numeric>
#include <random>
#include <string>
#include <vector>
#include <windlass/testing.hpp>
#include <windlass/windlass.hpp>

#include "../harness/report.hpp"
#include "../harness/tally.hpp"
#include "scenarios.hpp"

// (n), the cost: so many delayed jobs are scheduled, cancelled in random order, or fired, all in one thread. Beside
// them a random walk over as many bytes as windlass's jobs have: by how much memory alone is slower when there is more.
namespace {

using harness::Clock;
using harness::Tally;
using std::chrono::nanoseconds;

constexpr std::uint64_t seed = 20;

// Delays of 1 h to 1 h 10 s: nothing becomes due while the clock on the wall goes.
std::vector<nanoseconds> delays(std::uint32_t count) {
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<std::int64_t> spread(0, 10'000'000'000);
  std::vector<nanoseconds> all(count);
  for (auto& delay : all) delay = std::chrono::hours{1} + nanoseconds{spread(random)};
  return all;
}

std::vector<std::uint32_t> shuffled(std::uint32_t count) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  std::shuffle(order.begin(), order.end(), std::mt19937_64(seed + 1));
  return order;
}

// windlass in real time, to schedule and cancel.
class Windlass {
 public:
  static constexpr const char* name = "windlass";
  explicit Windlass(std::uint32_t count) : queue_([](const std::uint64_t&) {}, {.capacity = count}), ids_(count) {}
  void schedule(std::uint32_t number, nanoseconds delay) {
    ids_[number] = queue_.enqueue(number, {.delay = delay}).or_throw();
  }
  bool cancel(std::uint32_t number) { return queue_.cancel(ids_[number]) == windlass::CancelResult::cancelled; }
  [[nodiscard]] bool is_empty() const { return queue_.stats().present == 0; }

 private:
  windlass::JobQueue<std::uint64_t> queue_;
  std::vector<windlass::JobId> ids_;
};

// windlass in virtual time, to fire.
class WindlassByHand {
 public:
  static constexpr const char* name = "windlass";
  explicit WindlassByHand(std::uint32_t count)
      : queue_(
            [this](const std::uint64_t& number) {
              ran_.sum += number;
              ++ran_.count;
            },
            {.capacity = count}, clock_) {}
  void schedule(std::uint32_t number, nanoseconds delay) { queue_.enqueue(number, {.delay = delay}).or_throw(); }
  // Moves the clock on, runs what is due by then, and returns what ran.
  Tally fire(nanoseconds by) {
    ran_ = {};
    clock_.jump(by);
    while (queue_.step() > 0) continue;
    return ran_;
  }

 private:
  Tally ran_;
  windlass::testing::ManualClock clock_;
  windlass::testing::ManualQueue<std::uint64_t> queue_;
};

// The peer: a mutex and a std::multimap by due time. Its clock is moved on as well.
class MutexMultimap {
 public:
  static constexpr const char* name = "mutex_multimap";
  explicit MutexMultimap(std::uint32_t count) : places_(count) {}
  void schedule(std::uint32_t number, nanoseconds delay) {
    const Clock::time_point due = now() + delay;
    const std::lock_guard lock(mutex_);
    places_[number] = jobs_.emplace(due, number);
  }
  bool cancel(std::uint32_t number) {
    const std::lock_guard lock(mutex_);
    const bool is_its = places_[number]->second == number;
    jobs_.erase(places_[number]);
    return is_its;
  }
  [[nodiscard]] bool is_empty() const { return jobs_.empty(); }
  Tally fire(nanoseconds by) {
    virtual_ += by;
    const Clock::time_point until = now();
    Tally ran;
    for (;;) {
      const std::lock_guard lock(mutex_);
      if (jobs_.empty() || jobs_.begin()->first > until) return ran;
      ran.sum += jobs_.begin()->second;
      ++ran.count;
      jobs_.erase(jobs_.begin());
    }
  }

 private:
  using Jobs = std::multimap<Clock::time_point, std::uint32_t>;

  [[nodiscard]] Clock::time_point now() const { return Clock::now() + virtual_; }

  std::mutex mutex_;
  Jobs jobs_;
  std::vector<Jobs::iterator> places_;
  nanoseconds virtual_{};
};

struct Round {
  Clock::duration schedule{};
  Clock::duration cancel{};
  bool is_right = false;
};

template <class Timers>
void schedule_and_cancel(benchmark::State& state, std::uint32_t count, Clock::duration Round::*timed) {
  harness::Costs costs;
  Timers timers(count);
  const auto all_delays = delays(count);
  const auto order = shuffled(count);
  const auto run = [&] {
    const auto begun = Clock::now();
    for (std::uint32_t i = 0; i < count; ++i) timers.schedule(i, all_delays[i]);
    const auto scheduled = Clock::now();
    std::uint32_t cancelled = 0;
    for (const std::uint32_t number : order) cancelled += timers.cancel(number) ? 1U : 0U;
    return Round{scheduled - begun, Clock::now() - scheduled, cancelled == count && timers.is_empty()};
  };
  run();  // not counted: it touches the memory for the first time
  for (auto _ : state) {
    const Round round = run();
    costs.add(state, round.*timed, count);
    if (!round.is_right) return harness::fail(state, "not every job was there to be cancelled");
  }
  costs.report(state, "ns_per_job");
}

template <class Timers>
void fire(benchmark::State& state, std::uint32_t count) {
  harness::Costs costs;
  Timers timers(count);
  const auto all_delays = delays(count);
  for (auto _ : state) {
    for (std::uint32_t i = 0; i < count; ++i) timers.schedule(i, all_delays[i]);
    if (timers.fire(std::chrono::minutes{59}).count != 0) return harness::fail(state, "a job ran too early");
    const auto begun = Clock::now();
    const Tally ran = timers.fire(std::chrono::minutes{2});
    costs.add(state, Clock::now() - begun, count);
    if (ran != Tally::of(count)) return harness::fail(state, "not every job ran exactly once");
  }
  costs.report(state, "ns_per_job");
}

// From line to line through all of the memory, in one random cycle; a step for each job.
void random_walk(benchmark::State& state, std::uint32_t count) {
  struct alignas(64) Line {
    std::uint32_t next = 0;
  };
  windlass::QueueOptions<std::uint64_t> options;
  options.capacity = count;
  const std::size_t bytes = windlass::JobQueue<std::uint64_t>::required_bytes(options);
  std::vector<Line> lines(std::max<std::size_t>(bytes / sizeof(Line), 2));
  const auto order = shuffled(static_cast<std::uint32_t>(lines.size()));
  for (std::size_t i = 0; i < order.size(); ++i) lines[order[i]].next = order[(i + 1) % order.size()];
  harness::Costs costs;
  std::uint32_t at = order[0];
  std::uint64_t steps = 0;
  for (auto _ : state) {
    const auto begun = Clock::now();
    for (std::uint32_t i = 0; i < count; ++i) at = lines[at].next;
    costs.add(state, Clock::now() - begun, count);
    steps += count;
    if (at != order[steps % order.size()]) return harness::fail(state, "the walk lost its way");
  }
  costs.report(state, "ns_per_job");
}

template <class Timers, class FiredTimers>
void add(std::uint32_t count) {
  const std::string jobs = std::to_string(count) + "_jobs";
  const auto add_row = [&](const std::string& what, const char* contestant, auto body) {
    auto* const row = harness::add("n_" + what + "_" + jobs, contestant, body);
    if (count > 1'000'000) row->Iterations(1)->Repetitions(3);  // half a minute each
  };
  add_row("schedule", Timers::name,
          [count](benchmark::State& state) { schedule_and_cancel<Timers>(state, count, &Round::schedule); });
  add_row("cancel", Timers::name,
          [count](benchmark::State& state) { schedule_and_cancel<Timers>(state, count, &Round::cancel); });
  add_row("fire", FiredTimers::name, [count](benchmark::State& state) { fire<FiredTimers>(state, count); });
}

}  // namespace

void scenarios::add_delayed_jobs() {
  for (const std::uint32_t count : {1'000U, 10'000U, 100'000U, 1'000'000U, 10'000'000U}) {
    add<Windlass, WindlassByHand>(count);
    if (count <= 1'000'000) add<MutexMultimap, MutexMultimap>(count);  // then it takes a minute
    for (const char* what : {"n_schedule_", "n_cancel_", "n_fire_"}) {
      harness::add(what + std::to_string(count) + "_jobs", "random_walk",
                   [count](benchmark::State& state) { random_walk(state, count); });
    }
  }
}
