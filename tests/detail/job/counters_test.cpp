#include "windlass/detail/job/counters.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"

using windlass::detail::Count;
using windlass::detail::Counters;

namespace {

// Two shards that the test picks, and something that may happen before any load.
struct InterruptedAtomics {
  static constexpr std::size_t shards = 2;
  static inline std::size_t shard = 0;
  static inline std::function<void()> before_load{};

  template <class T>
  struct Atomic {
    T value{};

    T fetch_add(T n, std::memory_order /*order*/) { return std::exchange(value, value + n); }
    T load(std::memory_order /*order*/) const {
      if (before_load) before_load();
      return value;
    }
  };

  static std::size_t my_shard() noexcept { return shard; }
};

}  // namespace

TEST_CASE("counters start at zero, add up over threads and do not mix", "[counters]") {
  Counters counters;
  for (std::size_t i = 0; i < static_cast<std::size_t>(Count::size); ++i)
    CHECK(counters.sum(static_cast<Count>(i)) == 0);
  std::vector<std::thread> threads;
  for (int t = 0; t < 16; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1'000; ++i) {
        counters.add(Count::accepted);
        counters.add(Count::retries, 3);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(counters.sum(Count::accepted) == 16'000);
  CHECK(counters.sum(Count::retries) == 48'000);
  CHECK(counters.sum(Count::done) == 0);
}

TEST_CASE("one thread's numbers come back to it, and threads that live together rarely share a shard", "[counters]") {
  Counters counters;
  CHECK(counters.add(Count::accepted, 5) == 0);
  CHECK(counters.add(Count::accepted) == 5);
  CHECK(counters.add(Count::refused) == 0);
  // Whoever is first in its shard reads 0.
  Counters fresh;
  std::atomic<int> first{0};
  std::atomic<int> alive{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 32; ++t) {
    threads.emplace_back([&] {
      first += fresh.add(Count::done) == 0 ? 1 : 0;
      ++alive;
      while (alive < 32) std::this_thread::yield();
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(first >= 3);
}

TEST_CASE("what workers count as done by themselves adds up with what others do", "[counters]") {
  Counters counters(2);
  CHECK(counters.sum(Count::done) == 0);
  counters.add(Count::accepted, 4);
  counters.add(Count::done);
  counters.add_done(0);
  counters.add_done(1);
  CHECK_FALSE(counters.is_drained());
  counters.add_done(1);
  CHECK(counters.sum(Count::done) == 4);
  CHECK(counters.is_drained());
  counters.publish_done(0);
  counters.publish_done(1);
  CHECK(counters.sum(Count::done) == 4);
  CHECK(counters.sum(Count::dead) == 0);
}

TEST_CASE("a queue is drained when every accepted job is over, in whichever way", "[counters]") {
  Counters counters;
  CHECK(counters.is_drained());
  for (const Count way :
       {Count::done, Count::dead, Count::cancelled, Count::discarded, Count::returned, Count::refused}) {
    counters.add(Count::accepted);
    CHECK_FALSE(counters.is_drained());
    CHECK_FALSE(counters.is_idle());
    counters.add(way);
    CHECK(counters.is_drained());
    CHECK(counters.is_idle());
  }
  CHECK(counters.finished() == 5);  // a refused one never was a job
  counters.add(Count::failures);    // counts that say nothing about it
  counters.add(Count::abandoned);
  counters.add(Count::expiries);
  CHECK(counters.is_drained());
}

TEST_CASE("a queue whose jobs all wait for a time is idle but not drained", "[counters]") {
  Counters counters;
  counters.add(Count::accepted, 2);
  counters.add(Count::entered_waiting);
  CHECK_FALSE(counters.is_idle());
  counters.add(Count::entered_waiting);
  CHECK(counters.is_idle());
  CHECK_FALSE(counters.is_drained());
  counters.add(Count::left_waiting);
  CHECK_FALSE(counters.is_idle());
  counters.add(Count::done);
  CHECK(counters.is_idle());
  CHECK_FALSE(counters.is_drained());
  counters.add(Count::left_waiting);
  counters.add(Count::cancelled);
  CHECK(counters.is_drained());
}

TEST_CASE("while one job is left, another that passes during a look is not taken for it", "[counters]") {
  using Interrupted = windlass::detail::BasicCounters<InterruptedAtomics>;
  using Looks = bool (*)(const Interrupted&);
  const Looks look = GENERATE(
      as<Looks>{}, [](const Interrupted& c) { return c.is_drained(); },
      [](const Interrupted& c) { return c.is_idle(); },
      [](const Interrupted& c) {
        const std::uint64_t over = c.finished();  // first
        return over > c.sum(Count::accepted);
      });
  const std::vector<Count> way = GENERATE(
      as<std::vector<Count>>{}, std::vector{Count::accepted, Count::done}, std::vector{Count::accepted, Count::refused},
      std::vector{Count::accepted, Count::entered_waiting, Count::left_waiting, Count::dead});
  int wrong = 0;
  int interrupted = 0;
  for (const std::size_t accepted_in : {0U, 1U}) {
    for (const std::size_t finished_in : {0U, 1U}) {
      bool has_load = true;
      for (int at = 0; has_load; ++at) {  // the other job passes just before load number `at` of the look
        Interrupted counters;
        counters.add(Count::accepted);  // the one that is left
        has_load = false;
        InterruptedAtomics::before_load = [&, left = at]() mutable {
          if (left-- != 0) return;
          has_load = true;
          for (const Count what : way) {
            InterruptedAtomics::shard = what == Count::accepted ? accepted_in : finished_in;
            counters.add(what);
          }
        };
        wrong += look(counters) ? 1 : 0;
        InterruptedAtomics::before_load = nullptr;
        interrupted += has_load ? 1 : 0;
      }
    }
  }
  CHECK(wrong == 0);
  CHECK(interrupted >= 4 * 2 * 6);  // at each load of six sums over two shards, at least
}
