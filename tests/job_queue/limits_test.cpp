#include <memory>
#include <optional>
#include <vector>

#include "catch.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::DeadLetter;
using windlass::DeadReason;
using windlass::Duration;
using windlass::EnqueueOptions;
using windlass::FixedDelay;
using windlass::Outcome;
using windlass::QueueOptions;
using windlass::testing::ManualClock;
using windlass::testing::ManualQueue;

namespace {

// A queue whose handler returns `outcome`, and what becomes of its jobs.
struct Bench {
  ManualClock clock;
  Outcome outcome = Outcome::retry();
  int runs = 0;
  std::vector<DeadLetter<int>> letters;
  ManualQueue<int> queue;

  explicit Bench(QueueOptions<int> options)
      : queue{[this](int) {
                ++runs;
                return outcome;
              },
              [&] {
                options.dead_letters = [this](DeadLetter<int>&& letter) { letters.push_back(std::move(letter)); };
                return std::move(options);
              }(),
              clock} {}

  // Reserves a job and holds it until its lease is lost and that has had its consequences.
  bool hang() {
    auto lease = queue.try_reserve();
    if (!lease) return false;
    clock.advance(queue_lease + 10ms);
    (void)queue.step();
    return !lease->retry();  // a success, though late, would still be one
  }
  static constexpr Duration queue_lease = 1s;
};

}  // namespace

TEST_CASE("max_failures of N means exactly N runs", "[limits]") {
  for (const std::uint32_t limit : {1U, 2U, 5U, 20U}) {
    CAPTURE(limit);
    Bench bench{{.max_failures = limit, .max_deliveries = 100, .retry = FixedDelay{1s}}};
    bench.queue.try_enqueue(1).or_throw();
    CHECK(bench.queue.run_until_idle() == limit);
    REQUIRE(bench.letters.size() == 1);
    CHECK(bench.letters[0].reason == DeadReason::failures_exhausted);
    CHECK(bench.letters[0].failures == limit);
    CHECK(bench.queue.stats().retries == limit - 1);
  }
}

TEST_CASE("retry_after and dropped leases reach max_failures too", "[limits]") {
  Bench bench{{.max_failures = 3}};
  bench.outcome = Outcome::retry_after(1s);
  bench.queue.try_enqueue(1).or_throw();
  REQUIRE(bench.queue.try_reserve());
  CHECK(bench.queue.run_until_idle() == 2);
  REQUIRE(bench.letters.size() == 1);
  CHECK(bench.letters[0].reason == DeadReason::failures_exhausted);
}

TEST_CASE("by default a job that always fails runs five times", "[limits]") {
  Bench bench{{}};
  bench.queue.try_enqueue(1).or_throw();
  CHECK(bench.queue.run_until_idle() == 5);
  CHECK(bench.queue.stats().dead == 1);
}

TEST_CASE("max_deliveries limits failures and hangs together", "[limits]") {
  Bench bench{{.lease = 1s, .max_failures = 100, .max_deliveries = 4, .max_hangs = 100, .retry = FixedDelay{1s}}};
  bench.queue.try_enqueue(1).or_throw();
  REQUIRE(bench.hang());
  CHECK(bench.queue.run_until_idle() == 3);
  REQUIRE(bench.letters.size() == 1);
  CHECK(bench.letters[0].reason == DeadReason::deliveries_exhausted);
  CHECK(bench.letters[0].deliveries == 4);
  CHECK(bench.letters[0].failures == 3);
  CHECK(bench.letters[0].hangs == 1);
}

TEST_CASE("a hung job with max_deliveries of 1 is never run again", "[limits]") {
  Bench bench{{.lease = 1s, .max_deliveries = 1}};
  bench.queue.try_enqueue(1).or_throw();
  REQUIRE(bench.hang());
  CHECK(bench.queue.run_until_idle() == 0);
  bench.clock.advance(1h, 1s);
  CHECK(bench.queue.run_until_idle() == 0);
  CHECK_FALSE(bench.queue.try_reserve());
  CHECK(bench.runs == 0);
  REQUIRE(bench.letters.size() == 1);
  CHECK(bench.letters[0].reason == DeadReason::deliveries_exhausted);
  CHECK(bench.queue.size_approx() == 0);
}

TEST_CASE("max_hangs of N means N lost leases, then a dead letter that says hung", "[limits]") {
  for (const std::uint32_t limit : {1U, 2U, 4U}) {
    CAPTURE(limit);
    Bench bench{{.lease = 1s, .max_hangs = limit, .retry = FixedDelay{5s}}};
    bench.queue.try_enqueue(1).or_throw();
    std::uint32_t hangs = 0;
    while (bench.hang()) {
      ++hangs;
      bench.clock.jump(5s);
    }
    CHECK(hangs == limit);
    CHECK(bench.runs == 0);
    REQUIRE(bench.letters.size() == 1);
    CHECK(bench.letters[0].reason == DeadReason::hung);
    CHECK(bench.letters[0].hangs == limit);
    CHECK(bench.letters[0].failures == 0);
    CHECK(bench.queue.stats().expiries == limit);
  }
}

TEST_CASE("whichever limit is reached first ends the job", "[limits]") {
  Bench bench{{.max_failures = 3, .max_deliveries = 2}};
  bench.queue.try_enqueue(1).or_throw();
  CHECK(bench.queue.run_until_idle() == 2);
  REQUIRE(bench.letters.size() == 1);
  CHECK(bench.letters[0].reason == DeadReason::deliveries_exhausted);
}

TEST_CASE("a job that fails when it is older than retry_for is not tried again", "[limits]") {
  Bench bench{{.max_failures = 100, .max_deliveries = 100, .retry = FixedDelay{10s}, .retry_for = 25s}};
  bench.queue.try_enqueue(1).or_throw();
  CHECK(bench.queue.run_until_idle() == 4);  // at 0, 10, 20 and 30 s
  REQUIRE(bench.letters.size() == 1);
  CHECK(bench.letters[0].reason == DeadReason::failures_exhausted);
  CHECK(bench.letters[0].failures == 4);
  REQUIRE(bench.letters[0].enqueued_at);
  CHECK(bench.letters[0].died_at - *bench.letters[0].enqueued_at == 30s);
}

TEST_CASE("the age of a delayed job counts from its enqueue", "[limits]") {
  Bench bench{{.retry = FixedDelay{1s}, .retry_for = 10s}};
  bench.queue.try_enqueue(1, {.delay = 10s}).or_throw();
  CHECK(bench.queue.run_until_idle() == 1);
  CHECK(bench.queue.stats().dead == 1);
}

TEST_CASE("a job that only snoozes is ended by its age", "[limits]") {
  for (const bool yields : {false, true}) {
    CAPTURE(yields);
    Bench bench{{.retry_for = 25s}};
    bench.outcome = yields ? Outcome::yield() : Outcome::snooze(10s);
    bench.queue.try_enqueue(1).or_throw();
    for (int i = 0; i < 10; ++i) {
      (void)bench.queue.step();
      bench.clock.jump(10s);
    }
    CHECK(bench.runs == 4);  // at 0, 10, 20 and 30 s
    REQUIRE(bench.letters.size() == 1);
    CHECK(bench.letters[0].reason == DeadReason::failures_exhausted);
    CHECK(bench.letters[0].failures == 0);
    CHECK(bench.letters[0].deliveries == 0);
  }
}

TEST_CASE("a job's own max_failures and retry_for stand before the queue's", "[limits]") {
  Bench bench{{.max_failures = 4, .max_deliveries = 100, .retry = FixedDelay{10s}, .retry_for = 1h}};
  struct Case {
    EnqueueOptions options;
    int runs;
  };
  for (const auto& [options, runs] : std::vector<Case>{{{}, 4},
                                                       {{.max_failures = 1}, 1},
                                                       {{.max_failures = 9}, 9},
                                                       {{.retry_for = 15s}, 3},
                                                       {{.max_failures = 50, .retry_for = 0s}, 50}}) {
    bench.runs = 0;
    bench.queue.try_enqueue(1, options).or_throw();
    CHECK(bench.queue.run_until_idle() == static_cast<std::size_t>(runs));
    CHECK(bench.runs == runs);
  }
  CHECK(bench.letters.size() == 5);
}

TEST_CASE("a job's own lease stands before the queue's, and none is for ever", "[limits]") {
  for (const auto& [lease, expires] :
       std::vector<std::pair<std::optional<Duration>, Duration>>{{std::nullopt, 10s}, {2s, 2s}, {60s, 60s}}) {
    Bench bench{{.lease = 10s}};
    bench.queue.try_enqueue(1, {.lease = lease}).or_throw();
    auto reserved = bench.queue.try_reserve();
    REQUIRE(reserved);
    bench.clock.advance(expires - 1ms);
    CHECK(bench.queue.stats().expiries == 0);
    bench.clock.advance(2ms);
    CHECK(bench.queue.stats().expiries == 1);
  }
  Bench bench{{.lease = 10s}};
  bench.queue.try_enqueue(1, {.lease = 0s}).or_throw();
  auto reserved = bench.queue.try_reserve();
  REQUIRE(reserved);
  bench.clock.advance(24h, 1s);
  CHECK(bench.queue.stats().expiries == 0);
  CHECK(reserved->done());
}

TEST_CASE("max_failures above ten needs no word about max_deliveries", "[limits]") {
  Bench bench{{.max_failures = 20, .retry = FixedDelay{1s}}};
  bench.queue.try_enqueue(1).or_throw();
  CHECK(bench.queue.run_until_idle() == 20);
  bench.queue.try_enqueue(1, {.max_failures = 50}).or_throw();
  CHECK(bench.queue.run_until_idle() == 50);
  REQUIRE(bench.letters.size() == 2);
  for (const auto& letter : bench.letters) CHECK(letter.reason == DeadReason::failures_exhausted);
  CHECK(bench.letters[0].failures == 20);
  CHECK(bench.letters[1].failures == 50);
}

TEST_CASE("a max_deliveries that was given limits a job's own max_failures too", "[limits]") {
  Bench bench{{.max_failures = 20, .max_deliveries = 10, .retry = FixedDelay{1s}}};
  for (const EnqueueOptions& options : std::vector<EnqueueOptions>{{}, {.max_failures = 50}}) {
    bench.letters.clear();
    bench.queue.try_enqueue(1, options).or_throw();
    CHECK(bench.queue.run_until_idle() == 10);
    REQUIRE(bench.letters.size() == 1);
    CHECK(bench.letters[0].reason == DeadReason::deliveries_exhausted);
  }
}
