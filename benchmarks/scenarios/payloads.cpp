#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <windlass/windlass.hpp>

#include "../harness/batches.hpp"
#include "../harness/report.hpp"
#include "../harness/tally.hpp"
#include "../pools/pools.hpp"
#include "scenarios.hpp"

// (l): jobs of 16, 64 and 256 bytes. windlass and the pools by hand hold the payload as what it is; the others take
// callables, and this is one.
namespace {

using harness::TallyBoard;

constexpr std::uint32_t workers = 2;
constexpr std::uint32_t jobs = 1U << 15U;

// A job that reads all its bytes. An empty one tells a pool by hand to end.
template <std::size_t Size>
struct Payload {
  std::uint64_t number_plus_one = 0;
  std::array<std::uint64_t, Size / 8 - 1> rest{};

  static Payload of(std::uint64_t number) {
    Payload payload{.number_plus_one = number + 1};
    payload.rest.fill(number);
    return payload;
  }
  explicit operator bool() const { return number_plus_one != 0; }
  void operator()() const {
    const std::uint64_t number = number_plus_one - 1;
    std::uint64_t differing = 0;
    for (const std::uint64_t each : rest) differing |= each ^ number;
    TallyBoard::add(differing == 0 ? number : 0);  // a payload that was damaged makes the sum wrong
  }
};

// windlass with a typed payload.
template <class Job>
class Typed {
 public:
  Typed() : queue_([](const Job& job) { job(); }, {.capacity = jobs, .workers = workers}) {}
  void enqueue(const Job& job) { queue_.enqueue(job).or_throw(); }

 private:
  windlass::JobQueue<Job> queue_;
};

// windlass with callables that are large enough.
template <class Job>
class AsCallable {
 public:
  AsCallable() : queue_({.capacity = jobs, .workers = workers}) {}
  void enqueue(const Job& job) { queue_.enqueue(job).or_throw(); }

 private:
  windlass::JobQueue<windlass::Callable<sizeof(Job)>> queue_;
};

template <class Pool>
class OfCallables : public Pool {
 public:
  OfCallables() : Pool(workers, jobs) {}
};

template <class Pool, class Job>
void run_jobs(benchmark::State& state) {
  Pool pool;
  harness::time_batches(state, jobs, [&] {
    for (std::uint64_t i = 0; i < jobs; ++i) pool.enqueue(Job::of(i));
  });
}

template <std::size_t Size>
void add() {
  using Job = Payload<Size>;
  static_assert(sizeof(Job) == Size);
  const std::string scenario = "l_payload_" + std::to_string(Size) + "_bytes";
  const auto add_peer = [&]<class Pool>(std::type_identity<Pool>) {
    harness::add(scenario, Pool::name, run_jobs<OfCallables<Pool>, Job>);
  };
  harness::add(scenario, "windlass", run_jobs<Typed<Job>, Job>);
  harness::add(scenario, "windlass_callable", run_jobs<AsCallable<Job>, Job>);
#ifdef WINDLASS_BENCH_MOODYCAMEL
  add_peer(std::type_identity<pools::Moodycamel<16, Job>>{});
  add_peer(std::type_identity<pools::Moodycamel<1, Job>>{});
#endif
  add_peer(std::type_identity<pools::MutexDeque<16, Job>>{});
  add_peer(std::type_identity<pools::MutexDeque<1, Job>>{});
#ifdef WINDLASS_BENCH_ASIO
  add_peer(std::type_identity<pools::Asio>{});
#endif
#ifdef WINDLASS_BENCH_TBB
  add_peer(std::type_identity<pools::TbbArena>{});
#endif
}

}  // namespace

void scenarios::add_payloads() {
  add<16>();
  add<64>();
  add<256>();
}
