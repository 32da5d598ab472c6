#include "windlass/retry.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"
#include "windlass/detail/machines/rng.hpp"

using namespace std::chrono_literals;
using windlass::DoublingThenLinearBackoff;
using windlass::Duration;
using windlass::ExponentialBackoff;
using windlass::Failure;
using windlass::FixedDelay;
using windlass::Jitter;
using windlass::LinearBackoff;
using windlass::NoRetry;
using windlass::RetryPolicy;
using windlass::SteppedBackoff;
using windlass::detail::between;
using windlass::detail::Rng;

namespace {

constexpr Duration longest = Duration::max();
constexpr std::uint64_t all_ones = ~std::uint64_t{0};

Failure nth(std::uint32_t failures, std::uint64_t random = 0, Duration previous = {}) {
  Failure failure;
  failure.failures = failures;
  failure.random = random;
  failure.previous_delay = previous;
  return failure;
}

// What `policy` answers to failures 1 to `count`; -1 ns stands for never.
template <class Policy>
std::vector<Duration> answers(const Policy& policy, std::uint32_t count) {
  std::vector<Duration> all;
  for (std::uint32_t n = 1; n <= count; ++n) all.push_back(policy(nth(n)).value_or(-1ns));
  return all;
}

using Delays = std::vector<Duration>;

}  // namespace

TEST_CASE("doublings-then-linear waits 10, 20, 40, 80, 160, 240, 300, 300 s", "[retry]") {
  const DoublingThenLinearBackoff policy{.first = 10s, .doublings = 4, .step = 80s, .cap = 300s};
  CHECK(answers(policy, 8) == Delays{10s, 20s, 40s, 80s, 160s, 240s, 300s, 300s});
}

TEST_CASE("each policy answers the delays that it names", "[retry]") {
  CHECK(answers(NoRetry{}, 2) == Delays{-1ns, -1ns});
  CHECK(answers(FixedDelay{7s}, 3) == Delays{7s, 7s, 7s});
  CHECK(answers(LinearBackoff{.first = 1s, .step = 3s, .cap = 8s}, 4) == Delays{1s, 4s, 7s, 8s});
  CHECK(answers(ExponentialBackoff{.first = 100ms, .factor = 2, .cap = 500ms, .jitter = Jitter::none}, 4) ==
        Delays{100ms, 200ms, 400ms, 500ms});
  CHECK(answers(ExponentialBackoff{.first = 1s, .factor = 10, .cap = 1h, .jitter = Jitter::none}, 3) ==
        Delays{1s, 10s, 100s});
  CHECK(answers(DoublingThenLinearBackoff{.first = 1s, .doublings = 1, .cap = 1h}, 4) == Delays{1s, 2s, 2s, 2s});
}

TEST_CASE("a stepped backoff goes through its list and repeats the last, and an empty one means never", "[retry]") {
  CHECK(answers(SteppedBackoff{1s, 5min, 300ms}, 5) == Delays{1s, 5min, 300ms, 300ms, 300ms});
  CHECK(answers(SteppedBackoff{}, 2) == Delays{-1ns, -1ns});
  const SteppedBackoff full{1s, 2s, 3s, 4s, 5s, 6s, 7s, 8s, 9s, 10s, 11s, 12s, 13s, 14s, 15s, 16s};
  CHECK(full(nth(16)) == 16s);
  CHECK(full(nth(~0U)) == 16s);
}

TEST_CASE("failures and hangs share one backoff", "[retry]") {
  Failure failure = nth(1);
  failure.hangs = 2;
  CHECK(LinearBackoff{.first = 1s, .step = 1s}(failure) == 3s);
  CHECK(SteppedBackoff{1s, 2s, 3s, 4s}(failure) == 3s);
  failure.failures = failure.hangs = ~0U;
  CHECK(LinearBackoff{.first = 0s, .step = 1ns}(failure) == Duration{2LL * ~0U - 1});
  CHECK(LinearBackoff{.first = 1s, .step = 1s}(nth(0)) == 1s);  // a policy asked out of turn
}

TEST_CASE("any callable is a policy", "[retry]") {
  const RetryPolicy policy = [](const Failure& failure) -> std::optional<Duration> {
    if (failure.reason == "hopeless") return std::nullopt;
    return failure.failures * 1s;
  };
  Failure failure = nth(3);
  CHECK(policy(failure) == 3s);
  failure.reason = "hopeless";
  CHECK(policy(failure) == std::nullopt);
}

TEST_CASE("a policy with values that cannot be meant says which", "[retry]") {
  const auto says = [](const RetryPolicy& policy) {
    return std::string(policy.flaw() == nullptr ? "" : policy.flaw());
  };
  constexpr double inf = std::numeric_limits<double>::infinity();
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(says(FixedDelay{-1ns}) == "delay must not be negative");
  CHECK(says(LinearBackoff{.first = -1ns}) == "first must not be negative");
  CHECK(says(LinearBackoff{.step = -1ns}) == "step must not be negative");
  CHECK(says(LinearBackoff{.first = 2s, .cap = 1s}) == "cap must be at least first");
  CHECK(says(ExponentialBackoff{.first = -5s}) == "first must not be negative");
  CHECK(says(ExponentialBackoff{.first = 0s, .cap = -1s}) == "cap must be at least first");
  CHECK(says(ExponentialBackoff{.first = 1min}) == "cap must be at least first");  // the default is 30 s
  for (const double factor : {-2.0, 0.0, 0.99, inf, -inf, nan}) {
    CHECK(says(ExponentialBackoff{.factor = factor}) == "factor must be a number from 1 on");
  }
  CHECK(says(DoublingThenLinearBackoff{.first = -1s}) == "first must not be negative");
  CHECK(says(DoublingThenLinearBackoff{.step = -1s}) == "step must not be negative");
  CHECK(says(DoublingThenLinearBackoff{.first = 2s, .cap = 1s}) == "cap must be at least first");
  CHECK(says(SteppedBackoff{1s, -1ns, 1s}) == "no step must be negative");

  CHECK(says(NoRetry{}) == "");
  CHECK(says(FixedDelay{}) == "");
  CHECK(says(LinearBackoff{}) == "");
  CHECK(says(ExponentialBackoff{}) == "");
  CHECK(says(ExponentialBackoff{.first = 1s, .factor = 1, .cap = 1s}) == "");
  CHECK(says(DoublingThenLinearBackoff{}) == "");
  CHECK(says(SteppedBackoff{}) == "");
  CHECK(says([](const Failure&) { return std::optional<Duration>{-1s}; }) == "");  // a callable's own affair
}

TEST_CASE("a policy of one's own may say what is wrong with it, too", "[retry]") {
  struct Moody {
    const char* mood;
    const char* flaw() const { return mood; }
    std::optional<Duration> operator()(const Failure&) const { return 1s; }
  };
  RetryPolicy policy = Moody{"not today"};
  CHECK(policy.flaw() == std::string("not today"));
  policy = Moody{nullptr};
  CHECK(policy.flaw() == nullptr);
  CHECK(policy(nth(1)) == 1s);
}

TEST_CASE("a jittered delay lies within its bounds and comes close to both", "[retry]") {
  struct Case {
    Jitter jitter;
    Duration previous, low, high;
  };
  const auto& [jitter, previous, low, high] =
      GENERATE(Case{Jitter::full, 0s, 0s, 8s}, Case{Jitter::equal, 0s, 4s, 8s}, Case{Jitter::decorrelated, 3s, 2s, 9s},
               Case{Jitter::decorrelated, 1min, 2s, 20s}, Case{Jitter::decorrelated, 0s, 2s, 6s},
               Case{Jitter::decorrelated, 1s, 2s, 6s});
  const ExponentialBackoff policy{.first = 2s, .factor = 2, .cap = 20s, .jitter = jitter};
  CHECK(policy(nth(3, 0, previous)) == low);
  Rng rng(1);
  Duration least = longest;
  Duration greatest{};
  for (int i = 0; i < 10'000; ++i) {
    const Duration delay = policy(nth(3, i == 0 ? all_ones : rng.next(), previous)).value();
    least = std::min(least, delay);
    greatest = std::max(greatest, delay);
  }
  INFO("jitter " << static_cast<int>(jitter) << ", previous " << previous.count());
  CHECK(least >= low);
  CHECK(least < low + (high - low) / 100);
  CHECK(greatest <= high);
  CHECK(greatest > high - (high - low) / 100);
}

TEST_CASE("of 10,000 jobs that fail together no 1 ms holds more than 1 % of the retries", "[retry]") {
  const Jitter jitter = GENERATE(Jitter::full, Jitter::equal, Jitter::decorrelated);
  const ExponentialBackoff policy{.first = 1s, .jitter = jitter};
  std::map<std::int64_t, int> per_ms;
  std::set<std::int64_t> fractions;
  for (std::uint64_t job = 0; job < 10'000; ++job) {
    const Duration delay = policy(nth(1, Rng(job).next())).value();  // neighbouring seeds, as a queue draws them
    ++per_ms[delay / 1ms];
    fractions.insert(delay.count() % 1000);
  }
  const auto by_count = [](const auto& a, const auto& b) { return a.second < b.second; };
  CHECK(std::max_element(per_ms.begin(), per_ms.end(), by_count)->second <= 100);
  CHECK(fractions.size() > 900);  // down to the nanosecond, not in steps of a tick
}

TEST_CASE("a delay is finite, within its cap and not negative, for any failure and any parameters", "[retry]") {
  constexpr double inf = std::numeric_limits<double>::infinity();
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Duration> durations{Duration::min(), -1s, 0s, 1ns, 1s, 24h, longest - 1ns, longest};
  const std::vector<Duration> caps{-1s, 0s, 1ns, 30s, longest};
  std::uint64_t bad = 0;
  const auto expect = [&](std::optional<Duration> delay, Duration cap) {
    if (!delay || *delay < 0s || *delay > std::max<Duration>(cap, 0s)) ++bad;
  };
  for (const std::uint32_t n : {0U, 1U, 2U, 3U, 40U, 64U, 65U, 1023U, 1100U, 1U << 31U, ~0U}) {
    for (const std::uint64_t random : {std::uint64_t{0}, std::uint64_t{0x8000'0000'0000'0000}, all_ones}) {
      for (const Duration first : durations) {
        Failure failure = nth(n, random);
        failure.hangs = n / 2;
        expect(FixedDelay{first}(failure), longest);
        expect(SteppedBackoff{1s, first}(failure), longest);
        for (const Duration cap : caps) {
          for (const Duration other : durations) {
            failure.previous_delay = other;
            expect(LinearBackoff{.first = first, .step = other, .cap = cap}(failure), cap);
            expect(DoublingThenLinearBackoff{.first = first, .doublings = n / 2, .step = other, .cap = cap}(failure),
                   cap);
            for (const Jitter jitter : {Jitter::none, Jitter::full, Jitter::equal, Jitter::decorrelated}) {
              for (const double factor : {2.0, 1.0, 0.0, 1e300, -3.0, inf, -inf, nan}) {
                expect(ExponentialBackoff{.first = first, .factor = factor, .cap = cap, .jitter = jitter}(failure),
                       cap);
              }
            }
          }
        }
      }
    }
  }
  CHECK(bad == 0);
}

TEST_CASE("a backoff without jitter never gets shorter and ends at its cap", "[retry]") {
  const Duration cap = GENERATE(Duration{30s}, longest);
  const ExponentialBackoff policy{.first = 100ms, .factor = 1.5, .cap = cap, .jitter = Jitter::none};
  Duration before{};
  bool grows = true;
  for (std::uint32_t n = 1; n < 5000; ++n) {
    const Duration delay = policy(nth(n)).value();
    grows = grows && delay >= before;
    before = delay;
  }
  CHECK(grows);
  CHECK(before == cap);
  CHECK(policy(nth(~0U)) == cap);
}

TEST_CASE("a random length never leaves its span, however long", "[retry]") {
  CHECK(between(0s, longest, 0) == 0s);
  CHECK(between(0s, longest, all_ones) > longest / 2);
  CHECK(between(longest - 1ns, longest, all_ones) <= longest);
  CHECK(between(5s, 5s, all_ones) == 5s);
  CHECK(between(5s, 4s, all_ones) == 5s);
  Rng rng(2);
  bool inside = true;
  for (int i = 0; i < 100'000; ++i) {
    const Duration a{static_cast<Duration::rep>(rng.next() >> (1 + rng.next() % 63))};
    const Duration b{static_cast<Duration::rep>(rng.next() >> (1 + rng.next() % 63))};
    const auto [low, high] = std::minmax(a, b);
    const Duration drawn = between(low, high, i % 2 == 0 ? all_ones : rng.next());
    inside = inside && low <= drawn && drawn <= high;
  }
  CHECK(inside);
}
