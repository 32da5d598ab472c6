#include <atomic>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "catch.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::DeadLetter;
using windlass::Duration;
using windlass::Failure;
using windlass::JobQueue;
using windlass::Outcome;
using windlass::Stats;
using windlass::testing::ManualQueue;

// Whatever the host's code throws: the job is accounted for and the one worker lives on to run the next.

namespace {

// A what() cannot throw (std::exception says noexcept, and so must who overrides it), but may have nothing to say.
struct MuteError : std::exception {
  [[nodiscard]] const char* what() const noexcept override { return nullptr; }
};

struct ThrowingObserver {
  std::atomic<int> told{0};
  void operator()(const windlass::Observation&) {
    ++told;
    throw std::runtime_error("observer");
  }
};
struct Observed : windlass::DefaultTraits {
  using Observer = ThrowingObserver;
};
struct ManuallyObserved : windlass::testing::ManualTraits<> {
  using Observer = ThrowingObserver;
};

// Throws as it is destroyed if its value is negative.
struct Explosive {
  int value;
  explicit Explosive(int v) noexcept : value(v) {}
  Explosive(const Explosive&) = delete;
  Explosive& operator=(const Explosive&) = delete;
  ~Explosive() noexcept(false) {
    if (value < 0) throw std::runtime_error("destructor");
  }
};

// What the last error of a job says whose handler throws `error`, on a worker that then has to run another job.
template <class Error>
std::string error_of(const Error& error) {
  std::string text;
  JobQueue<int> queue{
      [&](int n) {
        if (n == 0) throw error;
      },
      {.max_failures = 1, .dead_letters = [&](const DeadLetter<int>& letter) { text = letter.last_error.view(); }}};
  queue.enqueue(0).or_throw();
  queue.enqueue(1).or_throw();
  CHECK(queue.drain_for(10s));
  const Stats stats = queue.stats();
  CHECK(stats.exceptions == 1);
  CHECK(stats.failures == 1);
  CHECK(stats.dead == 1);
  CHECK(stats.done == 1);
  return text;
}

}  // namespace

TEST_CASE("an exception's what() becomes the job's last error", "[hostile]") {
  CHECK(error_of(std::runtime_error("the disk is full")) == "the disk is full");
  CHECK(error_of(std::runtime_error(std::string(1000, 'x'))) == std::string(95, 'x'));
}

TEST_CASE("a thrown number is a failure like any other", "[hostile]") {
  CHECK(error_of(42) == "an exception that is not a std::exception");
}

TEST_CASE("an exception without a text is a failure without one", "[hostile]") { CHECK(error_of(MuteError{}).empty()); }

TEST_CASE("a policy that throws means another try after a second", "[hostile]") {
  std::vector<Duration> ran;
  windlass::testing::ManualClock clock;
  const auto begun = clock.now();
  ManualQueue<int> queue{[&](int) {
                           ran.push_back(clock.now() - begun);
                           return ran.size() < 3 ? Outcome::retry() : Outcome::done();
                         },
                         {.retry = [](const Failure&) -> std::optional<Duration> { throw 42; }},
                         clock};
  queue.try_enqueue(1).or_throw();
  CHECK(queue.run_until_idle() == 3);
  CHECK(ran == std::vector<Duration>{0s, 1s, 2s});
  CHECK(queue.stats().user_errors == 2);
  CHECK(queue.stats().retries == 2);
}

TEST_CASE("a sink that throws keeps the letter and the worker", "[hostile]") {
  JobQueue<int> queue{[](int n) { return n == 0 ? Outcome::dead() : Outcome::done(); },
                      {.dead_letters = [](const DeadLetter<int>&) { throw 42; }}};
  queue.enqueue(0).or_throw();
  queue.enqueue(1).or_throw();
  REQUIRE(queue.drain_for(10s));
  const Stats stats = queue.stats();
  CHECK(stats.done == 1);
  CHECK(stats.dead == 1);
  CHECK(stats.kept == 1);
  CHECK(stats.sink_failures == 1);
  CHECK(stats.user_errors == 1);
}

TEST_CASE("an observer that throws at every event changes nothing but a count", "[hostile]") {
  std::atomic<int> runs{0};
  JobQueue<int, Observed> queue{[&](int n) {
                                  ++runs;
                                  if (n == 1) throw std::runtime_error("handler");
                                  return n == 2 ? Outcome::discard() : n == 3 ? Outcome::dead() : Outcome::done();
                                },
                                {.max_failures = 2, .retry = windlass::FixedDelay{1ms}}};
  for (int n = 0; n < 4; ++n) queue.enqueue(n).or_throw();
  REQUIRE(queue.drain_for(10s));
  CHECK(runs == 5);
  const Stats stats = queue.stats();
  CHECK(stats.done == 1);
  CHECK(stats.discarded == 1);
  CHECK(stats.dead == 2);
  CHECK(stats.user_errors >= 4 + 5 + 1 + 3 + 1 + 2 + 1);  // enqueued, started, finished, failed, retry, dead, dropped
  CHECK(stats.user_errors <= static_cast<std::uint64_t>(queue.observer().told.load()));
}

TEST_CASE("an observer that throws as a lease expires does not stop the redelivery", "[hostile]") {
  int runs = 0;
  ManualQueue<int, ManuallyObserved> queue{[&](int) { ++runs; }, {.lease = 1s}};
  queue.try_enqueue(1).or_throw();
  auto lease = queue.try_reserve();
  REQUIRE(lease);
  queue.clock().advance(1s + 1ms);
  CHECK(queue.run_until_idle() == 1);
  CHECK_FALSE(lease->retry());
  CHECK(runs == 1);
  CHECK(queue.stats().done == 1);
}

TEST_CASE("a payload that throws as it is destroyed frees its slot all the same", "[hostile]") {
  JobQueue<Explosive> queue{
      [](const Explosive& payload) { return payload.value == -2 ? Outcome::dead() : Outcome::done(); },
      {.capacity = 1}};
  for (int n = 0; n < 50; ++n) {
    for (const int value : {-1, 1, -2}) queue.emplace(value).or_throw();
  }
  REQUIRE(queue.drain_for(10s));
  const Stats stats = queue.stats();
  CHECK(stats.done == 100);
  CHECK(stats.dead == 50);
  CHECK(stats.user_errors == 100);
  CHECK(queue.size_approx() == 0);
}

TEST_CASE("a payload that throws as it is cancelled is cancelled", "[hostile]") {
  ManualQueue<Explosive> queue{[](const Explosive&) {}};
  const auto ready = queue.try_emplace(-1).or_throw();
  const auto waiting = queue.try_emplace_with({.delay = 1s}, -1).or_throw();
  CHECK(queue.cancel(ready) == windlass::CancelResult::cancelled);
  CHECK(queue.cancel(waiting) == windlass::CancelResult::cancelled);
  CHECK(queue.run_until_idle() == 0);
  CHECK(queue.stats().cancelled == 2);
  CHECK(queue.stats().user_errors == 2);
}

TEST_CASE("callables that throw leave the worker alive", "[hostile]") {
  std::atomic<int> runs{0};
  JobQueue<> queue{{.max_failures = 1}};
  queue.enqueue([] { throw 42; }).or_throw();
  queue.enqueue([] { throw MuteError{}; }).or_throw();
  queue.enqueue([&] { ++runs; }).or_throw();
  REQUIRE(queue.drain_for(10s));
  CHECK(runs == 1);
  CHECK(queue.stats().exceptions == 2);
}
