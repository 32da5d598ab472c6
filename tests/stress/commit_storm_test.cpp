#include <algorithm>
#include <atomic>
#include <chrono>
#include <cinttypes>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <random>
#include <thread>
#include <vector>

#include "../catch.hpp"
#include "../lane.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::Delivery;
using windlass::FixedDelay;
using windlass::Outcome;
using windlass::StopReason;
using windlass::testing::ManualClock;
using windlass::testing::ManualQueue;

// The most hostile watch there can be: a thread that moves a clock by hand, tick after tick, as fast as it can. Every
// tick looks at every run, and a lease is over after one or two, so that runs lose their jobs at any step they take.

namespace {

class CommitStorm {
 public:
  CommitStorm(std::uint64_t seed, std::size_t most_jobs) : seed_(seed), effects_(most_jobs), newest_(most_jobs) {}

  // Until so many leases were lost. Four threads run jobs, one brings them, and this one keeps time.
  windlass::Stats run(std::uint64_t expiries) {
    ManualQueue<std::uint32_t> queue{
        [this](const std::uint32_t& job, Delivery& delivery) { return work(job, delivery); },
        {.capacity = 4,  // so that a job that was lost runs again at once
         .lease = 1ms,
         .max_failures = ~0U,
         .max_deliveries = ~0U,
         .max_hangs = ~0U,
         .retry = FixedDelay{}},
        clock_};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        while (!is_over_) {
          if (!queue.run_one()) std::this_thread::yield();
        }
      });
    }
    threads.emplace_back([&] { bring(queue); });
    std::mt19937_64 random(seed_);
    for (windlass::Stats stats; !is_enough_ || stats.present > 0; stats = queue.stats()) {
      if (stats.expiries >= expiries) is_enough_ = true;
      for (int i = 0; i < 16; ++i) clock_.advance(1ms);
      if (random() % 2 == 0) std::this_thread::yield();
    }
    is_over_ = true;
    clock_.advance(10ms);  // who is inside still, stale, returns
    for (auto& thread : threads) thread.join();
    while (queue.run_one()) {
    }
    return queue.stats();
  }

  [[nodiscard]] std::size_t jobs() const noexcept { return brought_; }
  // Commits that were granted though a newer run of the job had begun.
  [[nodiscard]] std::uint64_t stolen() const noexcept { return stolen_; }
  [[nodiscard]] std::size_t with_one_effect() const {
    return static_cast<std::size_t>(std::count(effects_.begin(), effects_.end(), 1));
  }
  [[nodiscard]] std::size_t without_effect() const {
    return static_cast<std::size_t>(std::count(effects_.begin(), effects_.end(), 0));
  }

 private:
  void bring(ManualQueue<std::uint32_t>& queue) {
    while (!is_enough_ && brought_ < effects_.size()) {
      if (queue.try_enqueue(static_cast<std::uint32_t>(brought_))) {
        ++brought_;
      } else {
        std::this_thread::yield();
      }
    }
    is_enough_ = true;
  }

  // A run that waits a while, extends perhaps, and commits. If it may, it has its effect; else it says whatever.
  Outcome work(std::uint32_t job, Delivery& delivery) {
    const std::uint64_t dice = (runs_.fetch_add(1, std::memory_order_relaxed) * 0x9e3779b97f4a7c15U) >> 32U;
    const std::uint32_t attempt = delivery.attempt();
    for (std::uint32_t seen = newest_[job]; seen < attempt && !newest_[job].compare_exchange_weak(seen, attempt);) {
    }
    linger(delivery, dice % 8, dice / 128 % 2 == 0);
    if (dice / 8 % 4 == 0) (void)delivery.extend(1ms);
    if (!delivery.try_commit()) return dice / 32 % 2 == 0 ? Outcome::retry() : Outcome::done();
    if (newest_[job] > attempt) ++stolen_;
    ++effects_[job];
    linger(delivery, dice / 64 % 2, false);
    return Outcome::done();
  }

  // For so many ticks; if it listens, at most until the lease is lost. Who does not may meet the next run of its job.
  void linger(Delivery& delivery, std::uint64_t ticks, bool listens) const {
    const auto end = clock_.now() + ticks * 1ms;
    for (int looks = 1; clock_.now() < end && !is_over_; ++looks) {
      if (listens && delivery.stop_token().reason() == StopReason::lease_lost) return;
      if (looks % 32 == 0) std::this_thread::yield();  // there may be but one core
    }
  }

  const std::uint64_t seed_;
  const ManualClock clock_;
  std::vector<std::atomic<std::uint8_t>> effects_;  // of each job
  std::vector<std::atomic<std::uint32_t>> newest_;  // attempt of each job that has begun
  std::size_t brought_ = 0;
  std::atomic<std::uint64_t> runs_{0}, stolen_{0};
  std::atomic<bool> is_enough_{false};
  std::atomic<bool> is_over_{false};
};

}  // namespace

TEST_CASE("what follows try_commit happens exactly once though leases are lost all the time", "[stress][storm]") {
  const std::uint64_t expiries = lane::amount(1'000'000, 100'000, 10'000);
  const std::uint64_t seed = lane::seed(1);
  CommitStorm storm(seed, expiries);
  const windlass::Stats stats = storm.run(expiries);
  std::printf("commit storm: seed %" PRIu64 ", %zu jobs, %" PRIu64 " leases lost, %" PRIu64
              " settles and commits refused\n",
              seed, storm.jobs(), stats.expiries, stats.stale_settles);
  CHECK(stats.expiries >= expiries);
  CHECK(stats.accepted == storm.jobs());
  CHECK(stats.done == storm.jobs());  // there is no way to be done but by a commit
  CHECK(stats.late_successes == 0);
  CHECK(storm.stolen() == 0);
  CHECK(storm.with_one_effect() == storm.jobs());
  CHECK(storm.without_effect() == expiries - storm.jobs());
}
