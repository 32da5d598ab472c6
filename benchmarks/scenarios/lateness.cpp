#include <benchmark/benchmark.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <type_traits>
#include <vector>
#include <windlass/windlass.hpp>

#include "../harness/latencies.hpp"
#include "../harness/report.hpp"
#include "../harness/tally.hpp"
#include "scenarios.hpp"

// (n), the lateness: how long after they are due delayed jobs start, in real time. Spread over ten seconds, and all in
// one millisecond. Never before they are due: that is an error.
namespace {

using harness::Clock;
using harness::TallyBoard;
using std::chrono::nanoseconds;

constexpr std::uint32_t jobs = 100'000;

struct Delayed {
  std::uint32_t number = 0;
  Clock::time_point due;
};

// Where each job writes, in a place of its own, how late it was. [tally] makes them visible.
class Lateness {
 public:
  void note(const Delayed& job) {
    by_number_[job.number] = Clock::now() - job.due;
    TallyBoard::add(job.number);
  }
  [[nodiscard]] const std::vector<nanoseconds>& all() const { return by_number_; }

 private:
  std::vector<nanoseconds> by_number_ = std::vector<nanoseconds>(jobs);
};

class Windlass {
 public:
  static constexpr const char* name = "windlass";
  explicit Windlass(Lateness& lateness)
      : queue_([&lateness](const Delayed& job) { lateness.note(job); }, {.capacity = jobs, .workers = 1}) {}
  void schedule(const Delayed& job, nanoseconds delay) { queue_.enqueue(job, {.delay = delay}).or_throw(); }

 private:
  windlass::JobQueue<Delayed> queue_;
};

// By hand: one thread that waits for the first of a std::multimap, and runs what is due.
class TimerThread {
 public:
  static constexpr const char* name = "mutex_multimap_thread";
  explicit TimerThread(Lateness& lateness) : thread_([this, &lateness] { run(lateness); }) {}
  ~TimerThread() {
    {
      const std::lock_guard lock(mutex_);
      is_over_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
  void schedule(const Delayed& job, nanoseconds /*delay*/) {
    bool is_first = false;
    {
      const std::lock_guard lock(mutex_);
      const auto place = jobs_.emplace(job.due, job);
      is_first = place == jobs_.begin();  // which may be another one than before
    }
    if (is_first) changed_.notify_one();
  }

 private:
  void run(Lateness& lateness) {
    std::unique_lock lock(mutex_);
    while (!is_over_) {
      if (jobs_.empty()) {
        changed_.wait(lock);
      } else if (const auto due = jobs_.begin()->first; due > Clock::now()) {
        changed_.wait_until(lock, due);
      } else {
        const Delayed job = jobs_.begin()->second;
        jobs_.erase(jobs_.begin());
        lock.unlock();
        lateness.note(job);
        lock.lock();
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::multimap<Clock::time_point, Delayed> jobs_;
  bool is_over_ = false;
  std::thread thread_;
};

// All are due within `spread`, which begins when they must have been scheduled.
template <class Timers>
void lateness(benchmark::State& state, nanoseconds spread) {
  harness::Latencies latencies(jobs);
  for (auto _ : state) {
    Lateness lateness;
    Timers timers(lateness);
    std::mt19937_64 random(20);
    std::uniform_int_distribution<nanoseconds::rep> within(0, spread.count());
    const auto before = TallyBoard::total();
    const auto begin = Clock::now() + std::chrono::seconds{3};  // enough to schedule them all
    for (std::uint32_t i = 0; i < jobs; ++i) {
      const auto now = Clock::now();
      const Delayed job{.number = i, .due = begin + nanoseconds{within(random)}};
      if (now >= begin) return harness::fail(state, "scheduling took too long");
      timers.schedule(job, job.due - now);
    }
    harness::set_time(state, spread);
    if (TallyBoard::wait_for(before, jobs) != harness::Tally::of(jobs)) {
      return harness::fail(state, "not every job ran exactly once");
    }
    for (const nanoseconds late : lateness.all()) {
      if (late < nanoseconds{}) return harness::fail(state, "a job ran before it was due");
      latencies.add(late);
    }
  }
  latencies.report(state, "late_");
}

}  // namespace

void scenarios::add_lateness() {
  const auto add = []<class Timers>(std::type_identity<Timers>) {
    harness::add_once("n_late_spread_over_10_s", Timers::name,
                      [](benchmark::State& state) { lateness<Timers>(state, std::chrono::seconds{10}); });
    harness::add_once("n_late_within_1_ms", Timers::name,
                      [](benchmark::State& state) { lateness<Timers>(state, std::chrono::milliseconds{1}); });
  };
  add(std::type_identity<Windlass>{});
  add(std::type_identity<TimerThread>{});
}
