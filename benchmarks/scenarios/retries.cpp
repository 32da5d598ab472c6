#include <benchmark/benchmark.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <windlass/windlass.hpp>

#include "../harness/report.hpp"
#include "../harness/tally.hpp"
#include "../pools/pools.hpp"
#include "scenarios.hpp"

// (m): what a failed attempt that is tried again at once adds to a job, against a job that succeeds. In the peers a job
// that fails enqueues itself anew, without limits, backoff or dead letters; in windlass the queue does it.
namespace {

using harness::TallyBoard;

constexpr std::uint32_t workers = 2;
constexpr std::uint32_t jobs = 1U << 15U;

enum class First { succeeds, fails, throws };

// The number of a job and, in the lowest bit, whether it has failed once.
template <class Pool>
struct Attempt {
  Pool* pool;
  std::uint64_t number_and_failed;

  void operator()() const {
    const bool has_failed = (number_and_failed & 1U) != 0;
    if (!has_failed) return pool->enqueue(Attempt{pool, number_and_failed | 1U});
    TallyBoard::add(number_and_failed >> 1U);
  }
};

template <class Pool>
class ByItself {
 public:
  explicit ByItself(First first) : first_(first), pool_(workers, jobs) {}
  void enqueue(std::uint64_t number) {
    pool_.enqueue(Attempt<Pool>{&pool_, number << 1U | (first_ == First::succeeds ? 1U : 0U)});
  }
  [[nodiscard]] bool has_retried(std::uint64_t /*rounds*/) const { return true; }  // else nothing would be counted

 private:
  First first_;
  Pool pool_;
};

class ByQueue {
 public:
  explicit ByQueue(First first)
      : first_(first),
        queue_([first](const std::uint64_t& number,
                       windlass::Delivery& delivery) { return handle(first, number, delivery.attempt()); },
               {.capacity = jobs, .workers = workers, .retry = windlass::FixedDelay{}}) {}
  void enqueue(std::uint64_t number) { queue_.enqueue(number).or_throw(); }
  [[nodiscard]] bool has_retried(std::uint64_t rounds) const {
    return queue_.stats().retries == (first_ == First::succeeds ? 0 : rounds * jobs);
  }

 private:
  static windlass::Outcome handle(First first, std::uint64_t number, std::uint32_t attempt) {
    if (attempt == 1 && first == First::fails) return windlass::Outcome::retry();
    if (attempt == 1 && first == First::throws) throw std::runtime_error("the first attempt");
    TallyBoard::add(number);
    return windlass::Outcome::done();
  }

  First first_;
  windlass::JobQueue<std::uint64_t> queue_;
};

template <class Queue>
std::optional<harness::Clock::duration> run_batch(Queue& queue) {
  const auto before = TallyBoard::total();
  const auto begun = harness::Clock::now();
  for (std::uint64_t i = 0; i < jobs; ++i) queue.enqueue(i);
  if (TallyBoard::wait_for(before, jobs) != harness::Tally::of(jobs)) return std::nullopt;
  return harness::Clock::now() - begun;
}

// A batch that fails once takes longer than one that succeeds; the difference is what the failed attempts cost.
template <class Queue>
void run_retries(benchmark::State& state, First first) {
  double succeeded = 0;
  double failed = 0;
  std::uint64_t rounds = 1;
  Queue good(First::succeeds);
  Queue bad(first);
  auto took_good = run_batch(good);  // not counted: they touch the memory for the first time
  auto took_bad = run_batch(bad);
  for (auto _ : state) {
    if (took_good) took_good = run_batch(good);
    if (took_bad) took_bad = run_batch(bad);
    if (!took_good || !took_bad) return harness::fail(state, "not every job succeeded exactly once");
    succeeded += harness::nanoseconds(*took_good);
    failed += harness::nanoseconds(*took_bad);
    harness::set_time(state, *took_bad);
    ++rounds;
  }
  if (!bad.has_retried(rounds) || !good.has_retried(rounds)) return harness::fail(state, "not every job failed once");
  const double counted = static_cast<double>((rounds - 1) * jobs);
  harness::set_figure(state, "success_ns_per_job", succeeded / counted);
  harness::set_figure(state, "failed_attempt_ns", (failed - succeeded) / counted);
}

}  // namespace

void scenarios::add_retries() {
  harness::add("m_retry", "windlass", [](benchmark::State& state) { run_retries<ByQueue>(state, First::fails); });
  harness::add("m_retry", "windlass_by_throwing",
               [](benchmark::State& state) { run_retries<ByQueue>(state, First::throws); });
  pools::for_each([]<class Pool>(std::type_identity<Pool>) {
    if constexpr (!std::is_same_v<Pool, pools::Windlass>) {
      harness::add("m_retry", Pool::name,
                   [](benchmark::State& state) { run_retries<ByItself<Pool>>(state, First::fails); });
    }
  });
}
