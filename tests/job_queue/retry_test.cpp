#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "catch.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::DeadLetter;
using windlass::DeadReason;
using windlass::Delivery;
using windlass::Duration;
using windlass::ExponentialBackoff;
using windlass::Failure;
using windlass::FixedDelay;
using windlass::Jitter;
using windlass::JobQueue;
using windlass::NoRetry;
using windlass::Outcome;
using windlass::SteppedBackoff;
using windlass::Time;
using windlass::testing::ManualClock;
using windlass::testing::ManualQueue;

namespace {

// When a job that always fails runs, counted from its enqueue.
std::vector<Duration> times_of_runs(windlass::QueueOptions<int> options) {
  ManualClock clock;
  const Time begun = clock.now();
  std::vector<Duration> times;
  ManualQueue<int> queue{[&](int) {
                           times.push_back(clock.now() - begun);
                           return Outcome::retry();
                         },
                         std::move(options), clock};
  queue.try_enqueue(1).or_throw();
  (void)queue.run_until_idle();
  return times;
}

}  // namespace

TEST_CASE("a failing job waits 1s, 2s, 4s, then becomes a dead letter", "[retry]") {
  const auto times =
      times_of_runs({.max_failures = 4, .retry = ExponentialBackoff{.first = 1s, .jitter = Jitter::none}});
  CHECK(times == std::vector<Duration>{0s, 1s, 3s, 7s});
}

TEST_CASE("a retry is due at the first tick that is not before its delay is over", "[retry]") {
  const auto times = times_of_runs({.max_failures = 3, .retry = SteppedBackoff{1ns, 1'500'000ns}});
  CHECK(times == std::vector<Duration>{0ms, 1ms, 3ms});
}

TEST_CASE("a retry without delay follows at once, behind the jobs that are ready", "[retry]") {
  std::vector<int> seen;
  ManualQueue<int> queue{[&](int n) {
                           seen.push_back(n);
                           return n == 0 ? Outcome::retry() : Outcome::done();
                         },
                         {.max_failures = 2, .retry = FixedDelay{}}};
  for (int n = 0; n < 3; ++n) queue.try_enqueue(n).or_throw();
  CHECK(queue.run_until_idle() == 4);
  CHECK(seen == std::vector{0, 1, 2, 0});
}

TEST_CASE("a policy that says never makes a dead letter of the first failure", "[retry]") {
  std::vector<DeadReason> reasons;
  ManualQueue<int> queue{
      [](int) { return Outcome::retry(); },
      {.retry = NoRetry{}, .dead_letters = [&](const DeadLetter<int>& letter) { reasons.push_back(letter.reason); }}};
  queue.try_enqueue(1).or_throw();
  CHECK(queue.run_until_idle() == 1);
  CHECK(reasons == std::vector{DeadReason::failures_exhausted});
  CHECK(queue.stats().retries == 0);
}

TEST_CASE("a policy that says never to a hang makes a dead letter that says hung", "[retry]") {
  std::vector<DeadReason> reasons;
  ManualQueue<int> queue{[](int) {}, {.lease = 1s, .retry = NoRetry{}, .dead_letters = [&](const DeadLetter<int>& l) {
                                        reasons.push_back(l.reason);
                                      }}};
  queue.try_enqueue(1).or_throw();
  auto lease = queue.try_reserve();
  REQUIRE(lease);
  queue.clock().advance(1s + 1ms);
  CHECK(queue.step() == 0);
  CHECK(reasons == std::vector{DeadReason::hung});
}

TEST_CASE("a policy is told of failures, hangs, deliveries, the last delay, the age and the reason", "[retry]") {
  std::vector<Failure> told;
  std::vector<std::string> reasons;
  const auto policy = [&](const Failure& failure) -> std::optional<Duration> {
    told.push_back(failure);
    reasons.emplace_back(failure.reason);
    return 10s * static_cast<int>(told.size());
  };
  int runs = 0;
  ManualQueue<int> queue{[&](int) {
                           switch (++runs) {
                             case 1:
                               return Outcome::retry("first");
                             case 2:
                               return Outcome::snooze(1s);
                             case 3:
                               throw std::runtime_error("second");
                             default:
                               return Outcome::done();
                           }
                         },
                         {.lease = 1s, .retry = policy, .retry_for = 1h}};
  queue.try_enqueue(1).or_throw();
  CHECK(queue.step() == 1);
  {
    queue.clock().advance(10s);
    auto lease = queue.try_reserve();
    REQUIRE(lease);
    CHECK(lease->attempt() == 2);
    queue.clock().advance(1s);
    CHECK(queue.step() == 0);
  }
  CHECK(queue.run_until_idle() == 3);
  REQUIRE(told.size() == 3);
  CHECK(reasons == std::vector<std::string>{"first", "", "second"});
  const auto row = [](const Failure& f) { return std::vector<std::uint32_t>{f.failures, f.hangs, f.deliveries}; };
  CHECK(row(told[0]) == std::vector<std::uint32_t>{1, 0, 1});
  CHECK(row(told[1]) == std::vector<std::uint32_t>{1, 1, 2});
  CHECK(row(told[2]) == std::vector<std::uint32_t>{2, 1, 3});
  CHECK(told[0].previous_delay == 0s);
  CHECK(told[1].previous_delay == 10s);
  CHECK(told[2].previous_delay == 20s);
  CHECK(told[0].age == Duration{0s});
  CHECK(told[1].age == Duration{11s});
  CHECK(told[2].age == Duration{32s});
  CHECK(told[0].random != told[2].random);
}

TEST_CASE("a policy is told no age where none was stamped", "[retry]") {
  bool has_age = true;
  ManualQueue<int> queue{[](int) { return Outcome::retry(); }, {.retry = [&](const Failure& failure) {
                           has_age = failure.age.has_value();
                           return std::optional<Duration>{};
                         }}};
  queue.try_enqueue(1).or_throw();
  CHECK(queue.step() == 1);
  CHECK_FALSE(has_age);
}

TEST_CASE("by default retries wait up to 100 ms, doubled each time, anywhere in between", "[retry]") {
  Duration sum{};
  Duration longest{};
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const auto times = times_of_runs({.max_failures = 4, .seed = seed});
    REQUIRE(times.size() == 4);
    for (int n = 1; n < 4; ++n) {
      const auto i = static_cast<std::size_t>(n);
      REQUIRE(times[i] - times[i - 1] <= 100ms * (1 << (n - 1)) + 1ms);
    }
    sum += times[1];
    longest = std::max(longest, times[1]);
  }
  CHECK(longest > 90ms);
  CHECK(sum / 200 > 40ms);
  CHECK(sum / 200 < 60ms);
}

TEST_CASE("the same seed gives the same delays, another seed others", "[retry]") {
  const auto run = [](std::uint64_t seed) { return times_of_runs({.max_failures = 9, .seed = seed}); };
  CHECK(run(1) == run(1));
  CHECK(run(1) != run(2));
  CHECK(times_of_runs({}) == times_of_runs({}));
}

TEST_CASE("of 10,000 jobs failing together no millisecond gets more than 1 % of the retries", "[retry]") {
  static constexpr int count = 10'000;
  for (const Jitter jitter : {Jitter::full, Jitter::equal, Jitter::decorrelated}) {
    CAPTURE(static_cast<int>(jitter));
    ManualClock clock;
    std::map<Duration::rep, int> per_ms;
    ManualQueue<int> queue{[&](int, Delivery& delivery) {
                             if (delivery.attempt() == 1) return Outcome::retry();
                             ++per_ms[clock.now().time_since_epoch() / 1ms];
                             return Outcome::done();
                           },
                           {.capacity = count, .retry = ExponentialBackoff{.first = 1s, .jitter = jitter}},
                           clock};
    for (int n = 0; n < count; ++n) queue.try_enqueue(n).or_throw();
    CHECK(queue.step() == count);
    CHECK(queue.run_until_idle() == count);
    int most = 0;
    int all = 0;
    for (const auto& [ms, retries] : per_ms) {
      most = std::max(most, retries);
      all += retries;
    }
    CHECK(all == count);
    CHECK(most <= count / 100);
    CHECK(queue.stats().done == count);
  }
}

TEST_CASE("one worker with a poison job finishes a thousand others", "[retry]") {
  std::atomic<int> poisoned{0};
  std::atomic<int> others{0};
  JobQueue<int> queue{[&](int n) {
                        if (n != 0) return Outcome::done();
                        ++poisoned;
                        return Outcome::retry("poison");
                      },
                      {.workers = 1, .max_failures = 4, .retry = FixedDelay{}}};
  queue.enqueue(0).or_throw();
  for (int n = 1; n <= 1000; ++n) {
    queue.enqueue(n).or_throw();
    ++others;
  }
  REQUIRE(queue.drain_for(10s));
  const auto stats = queue.stats();
  CHECK(stats.done == static_cast<std::uint64_t>(others));
  CHECK(stats.dead == 1);
  CHECK(poisoned == 4);
}

TEST_CASE("a job that backs off holds no worker", "[retry]") {
  std::atomic<int> runs{0};
  JobQueue<int> queue{[&](int n) {
                        ++runs;
                        return n == 0 ? Outcome::retry() : n == 1 ? Outcome::snooze(1h) : Outcome::done();
                      },
                      {.workers = 1, .retry = FixedDelay{1h}}};
  for (int n = 0; n < 100; ++n) queue.enqueue(n).or_throw();
  REQUIRE(queue.wait_idle_for(10s));
  CHECK(runs == 100);
  CHECK(queue.stats().done == 98);
  CHECK(queue.stats().waiting == 2);
}

TEST_CASE("a policy is given what the handler threw, and nothing where it threw nothing", "[retry]") {
  std::vector<std::string> seen;
  ManualQueue<int> queue{[](const int& n) {
                           if (n == 0) throw std::out_of_range("far");
                           if (n == 1) throw 42;
                           return Outcome::retry("no");
                         },
                         {.retry = [&](const Failure& failure) -> std::optional<Duration> {
                           try {
                             if (failure.exception) std::rethrow_exception(failure.exception);
                             seen.emplace_back("none");
                           } catch (const std::out_of_range& error) {
                             seen.emplace_back(error.what());
                           } catch (int number) {
                             seen.push_back(std::to_string(number));
                           }
                           return std::nullopt;
                         }}};
  for (int n = 0; n < 3; ++n) queue.enqueue(n).or_throw();
  CHECK(queue.run_until_idle() == 3);
  CHECK(seen == std::vector<std::string>{"far", "42", "none"});
  CHECK(queue.stats().dead == 3);
}
