#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <thread>
#include <utility>

#include "catch.hpp"
#include "hooked.hpp"
#include "puppet.hpp"
#include "windlass/testing.hpp"
#include "windlass/windlass.hpp"

using namespace std::chrono_literals;
using windlass::Delivery;
using windlass::FixedDelay;
using windlass::JobQueue;
using windlass::Outcome;
using windlass::QueueOptions;
using windlass::StopReason;
using windlass::testing::ManualClock;
using windlass::testing::ManualQueue;
using windlass::testing::ManualTraits;

// A settle and an expiry that meet: exactly one of them wins, whichever comes first to the word.

namespace {

using Hooked = ManualQueue<int, ManualTraits<HookedTraits>>;

QueueOptions<int> endless(windlass::Duration lease) {
  return {.capacity = 64, .lease = lease, .max_deliveries = 1'000'000, .max_hangs = 1'000'000, .retry = FixedDelay{}};
}

// Every run came to one end, and every job too. All handlers return done.
void expect_sums(const windlass::Stats& stats, std::uint64_t jobs, std::uint64_t runs) {
  CHECK(stats.accepted == jobs);
  CHECK(stats.done == jobs);
  CHECK(stats.present == 0);
  CHECK(stats.deliveries == runs);
  CHECK(stats.stale_settles == runs - jobs);
  CHECK(stats.expiries == stats.stale_settles + stats.late_successes);
}

}  // namespace

TEST_CASE("a job that is settled between the watch's look and its CAS stays settled", "[race]") {
  auto options = endless(100ms);
  options.capacity = 1;
  Hooked queue{Puppet::handle, std::move(options)};
  queue.try_enqueue(1).or_throw();
  std::optional<Puppet> run;
  run.emplace(queue);
  const auto meet = [&](auto act) {
    const Interruption between("word.swap", 1, act);
    queue.clock().advance(110ms);
    REQUIRE(between.has_happened());
    CHECK(queue.stats().expiries == 0);
    CHECK(queue.stats().late_successes == 0);
    CHECK(queue.stats().stale_settles == 0);
  };
  SECTION("done") {
    meet([&] { run->end(); });
    CHECK(queue.stats().done == 1);
    CHECK(queue.run_until_idle() == 0);
  }
  SECTION("discarded") {
    meet([&] { run->end(Outcome::discard()); });
    CHECK(queue.stats().discarded == 1);
    CHECK(queue.run_until_idle() == 0);
  }
  SECTION("failed, and ready again") {
    meet([&] { run->end(Outcome::retry()); });
    CHECK(queue.stats().failures == 1);
    CHECK(queue.run_until_idle() == 1);
  }
  SECTION("failed, and running again") {
    std::optional<Puppet> next;
    meet([&] {
      run->end(Outcome::retry());
      next.emplace(queue);
    });
    CHECK(next->stop_reason() == StopReason::none);
    CHECK(next->tell([](Delivery& d) { return d.try_commit(); }));
  }
  SECTION("done, and its slot in the hands of another job that runs") {
    std::optional<Puppet> next;
    meet([&] {
      run->end();
      queue.try_enqueue(2).or_throw();
      next.emplace(queue);
    });
    CHECK(next->tell([](Delivery& d) { return d.id().slot(); }) == 0);
    CHECK(next->stop_reason() == StopReason::none);
    next->end();
    CHECK(queue.stats().done == 2);
  }
  SECTION("committed") {
    meet([&] { CHECK(run->tell([](Delivery& d) { return d.try_commit(); })); });
    CHECK(run->stop_reason() == StopReason::none);
    run->end();
    CHECK(queue.stats().done == 1);
  }
  SECTION("extended") {
    meet([&] { CHECK(run->tell([](Delivery& d) { return d.extend(1s); })); });
    queue.clock().advance(800ms);
    CHECK(run->stop_reason() == StopReason::none);
    run->end();
    CHECK(queue.stats().done == 1);
  }
  SECTION("cancelled: it expires, and is over") {
    const auto id = run->tell([](Delivery& d) { return d.id(); });
    const Interruption between("word.swap", 1, [&] { (void)queue.cancel(id); });
    queue.clock().advance(110ms);
    CHECK(queue.stats().expiries == 1);
    CHECK(queue.stats().cancelled == 1);
    run->end(Outcome::retry());
    CHECK(queue.run_until_idle() == 0);
    CHECK(queue.stats().cancelled == 1);
  }
}

TEST_CASE("a run that loses its lease between its look and its CAS has lost it", "[race]") {
  Hooked queue{Puppet::handle, endless(100ms)};
  queue.try_enqueue(1).or_throw();
  Puppet run(queue);
  std::optional<Interruption> between;
  const auto lose_at_next_look = [&](Delivery&) {
    between.emplace("word.swap", 1, [&] { queue.clock().advance(200ms); });
  };
  SECTION("extend") {
    CHECK_FALSE(run.tell([&](Delivery& d) {
      lose_at_next_look(d);
      return d.extend(1ms);
    }));
  }
  SECTION("try_commit") {
    CHECK_FALSE(run.tell([&](Delivery& d) {
      lose_at_next_look(d);
      return d.try_commit();
    }));
  }
  SECTION("settle") {
    run.tell(lose_at_next_look);
    run.end(Outcome::retry());
    CHECK(queue.stats().failures == 0);
  }
  CHECK(between->has_happened());
  CHECK(queue.stats().stale_settles == 1);
  CHECK(queue.stats().expiries == 1);
  CHECK(queue.run_until_idle() == 1);
  CHECK(queue.stats().done == 1);
}

TEST_CASE("an extend that comes before the watch has looked keeps the job", "[race]") {
  Hooked queue{Puppet::handle, endless(100ms)};
  queue.try_enqueue(1).or_throw();
  Puppet run(queue);
  std::optional<Interruption> between;
  CHECK(run.tell([&](Delivery& d) {
    between.emplace("word.swap", 1, [&] { queue.clock().advance(200ms); });
    return d.extend(1h);
  }));
  CHECK(between->has_happened());
  CHECK(queue.stats().expiries == 0);
}

TEST_CASE("of a settle and an expiry that race exactly one wins, over and over", "[race][stress]") {
  constexpr std::uint64_t jobs = 30'000;
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  const ManualClock clock;
  std::atomic<std::uint64_t> runs{0};
  ManualQueue<std::uint32_t> queue{
      [&](const std::uint32_t& ticks) {
        ++runs;  // and returns about when its lease of one tick is over
        const auto end = clock.now() + ticks * 1ms;
        for (int looks = 1; clock.now() < end; ++looks) {
          if (looks % 64 == 0) std::this_thread::yield();  // there may be but one core
        }
      },
      {.capacity = 64, .lease = 1ms, .max_deliveries = 1'000'000, .max_hangs = 1'000'000, .retry = FixedDelay{}},
      clock};
  std::atomic<bool> is_over{false};
  std::thread worker([&] {
    while (!is_over) {
      if (!queue.run_one()) std::this_thread::yield();
    }
  });
  std::mt19937 random(seed);
  for (std::uint64_t accepted = 0; queue.stats().done < jobs;) {
    if (accepted < jobs && queue.try_enqueue(static_cast<std::uint32_t>(1 + random() % 3))) ++accepted;
    clock.advance(1ms);
    if (random() % 2 == 0) std::this_thread::yield();
  }
  is_over = true;
  clock.advance(10ms);  // who is inside still, stale, returns
  worker.join();
  while (queue.run_one()) {
  }
  const auto stats = queue.stats();
  expect_sums(stats, jobs, runs);
  CHECK(stats.expiries > 1000);  // the race was one
  CHECK(jobs - stats.late_successes > 1000);
}

TEST_CASE("with leases of 1 ms on real threads every job is done once and every run accounted for", "[race][stress]") {
  constexpr std::uint64_t jobs = 1'000;
  std::atomic<std::uint64_t> runs{0};
  auto options = endless(1ms);
  options.workers = 2;
  JobQueue<int> queue{[&](const int& payload, Delivery& d) {
                        ++runs;
                        std::this_thread::sleep_for(std::chrono::microseconds{payload % 8 * 300} / d.attempt());
                      },
                      std::move(options)};
  for (std::uint64_t i = 0; i < jobs; ++i) queue.enqueue(static_cast<int>(i)).or_throw();
  CHECK(queue.drain_for(60s));
  queue.shutdown();  // joins those that are stale
  expect_sums(queue.stats(), jobs, runs);
  CHECK(queue.stats().expiries > 0);
}
