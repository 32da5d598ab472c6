#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "await.hpp"
#include "catch.hpp"
#include "hooked.hpp"
#include "puppet.hpp"
#include "signal.hpp"
#include "windlass/testing.hpp"
#include "windlass/windlass.hpp"

using namespace std::chrono_literals;
using windlass::CancelResult;
using windlass::Delivery;
using windlass::FixedDelay;
using windlass::JobId;
using windlass::JobQueue;
using windlass::Outcome;
using windlass::StopReason;
using windlass::StopToken;
using windlass::testing::ManualQueue;
using windlass::testing::ManualTraits;

namespace {

// A handler that sleeps for an hour, unless it is woken.
struct Sleeper {
  Signal inside;
  std::atomic<bool> slept_on{false};
  std::atomic<StopReason> reason{StopReason::none};
  std::atomic<bool> is_awake{false};

  void operator()(Delivery& delivery) {
    inside.set();
    slept_on = delivery.sleep_for(1h);
    reason = delivery.stop_token().reason();
    is_awake = true;
  }
};

}  // namespace

TEST_CASE("a stop wakes a handler that sleeps, at once and with its reason", "[stop]") {
  Sleeper sleeper;
  JobQueue<int> queue{[&](const int&, Delivery& d) { sleeper(d); },
                      {.workers = 1, .lease = 0s, .retry = windlass::NoRetry{}, .shutdown_grace = 0s}};
  StopReason expected{};
  windlass::EnqueueOptions options;
  SECTION("cancel") { expected = StopReason::user; }
  SECTION("shutdown") { expected = StopReason::shutdown; }
  SECTION("lease lost") {
    options.lease = 50ms;
    expected = StopReason::lease_lost;
  }
  SECTION("max_runtime") {
    options.max_runtime = 50ms;
    expected = StopReason::max_runtime;
  }
  const JobId id = queue.enqueue(1, options).or_throw();
  REQUIRE(sleeper.inside.wait());
  if (expected == StopReason::user) CHECK(queue.cancel(id) == CancelResult::requested);
  if (expected == StopReason::shutdown) queue.shutdown({.grace = 0s});
  CHECK(await([&] { return sleeper.is_awake.load(); }));
  CHECK(sleeper.reason == expected);
  CHECK_FALSE(sleeper.slept_on);
}

TEST_CASE("a stop that comes while a handler goes to sleep is not lost", "[stop]") {
  std::atomic<int> inside{0};
  std::atomic<int> awake{0};
  std::atomic<int> unasked{0};
  JobQueue<int> queue{[&](const int&, Delivery& d) {
                        ++inside;
                        if (d.sleep_for(1h) || d.stop_token().reason() != StopReason::user) ++unasked;
                        ++awake;
                      },
                      {.workers = 1}};
  for (int i = 1; i <= 1'000; ++i) {
    const JobId id = queue.enqueue(i).or_throw();
    while (inside != i) std::this_thread::yield();
    for (int spin = i % 64; spin > 0; --spin) inside.load();
    CHECK(queue.cancel(id) == CancelResult::requested);
    while (awake != i && await([&] { return awake == i; })) {
    }
    REQUIRE(awake == i);
  }
  CHECK(unasked == 0);
}

TEST_CASE("in virtual time sleep_for moves the clock on, and says whether it was asked to stop", "[stop]") {
  ManualQueue<int> queue{Puppet::handle};
  const JobId id = queue.try_enqueue(1).or_throw();
  Puppet run(queue);
  const auto sleep = [](Delivery& d) { return d.sleep_for(5s); };
  const auto begun = queue.clock().now();
  CHECK(run.tell(sleep));
  CHECK(queue.clock().now() == begun + 5s);
  CHECK(queue.cancel(id) == CancelResult::requested);
  CHECK_FALSE(run.tell(sleep));
}

TEST_CASE("a token is of its run: it says nothing of the next one on that worker", "[stop]") {
  ManualQueue<int> queue{Puppet::handle};
  std::optional<StopToken> old;
  const JobId first = queue.try_enqueue(1).or_throw();
  {
    Puppet run(queue);
    old = run.tell([](Delivery& d) { return d.stop_token(); });
    CHECK(queue.cancel(first) == CancelResult::requested);
    CHECK(old->reason() == StopReason::user);
  }
  const JobId second = queue.try_enqueue(2).or_throw();
  Puppet run(queue);  // the same seat
  CHECK_FALSE(old->stop_requested());
  CHECK(run.stop_reason() == StopReason::none);
  CHECK(queue.cancel(first) == CancelResult::not_found);
  CHECK(run.stop_reason() == StopReason::none);
  CHECK(queue.cancel(second) == CancelResult::requested);
  CHECK(run.stop_reason() == StopReason::user);
  CHECK_FALSE(old->stop_requested());
}

TEST_CASE("a run that loses its lease and returns just then does not leave its stop to the next one", "[stop]") {
  ManualQueue<int, ManualTraits<HookedTraits>> queue{Puppet::handle, {.lease = 100ms, .retry = FixedDelay{1h}}};
  queue.try_enqueue(1).or_throw();
  queue.try_enqueue(2).or_throw();
  auto hung = std::make_unique<Puppet>(queue);
  std::optional<Puppet> next;
  {
    // The watch has taken the job away and is about to say so; the worker is quicker.
    const Interruption between("ring.push.tail", 1, [&] {
      hung->end(Outcome::retry());
      next.emplace(queue);  // on the same line
    });
    queue.clock().advance(120ms);
    REQUIRE(between.has_happened());
  }
  CHECK(queue.stats().expiries == 1);
  CHECK(next->stop_reason() == StopReason::none);
  queue.clock().advance(50ms);
  CHECK(next->stop_reason() == StopReason::none);
  next->end();
  CHECK(queue.stats().done == 1);
}

TEST_CASE("of many cancels none ever stops the run of another job", "[stop]") {
  constexpr std::size_t jobs = 5'000;
  std::vector<std::atomic<bool>> asked(jobs);
  std::mutex mutex;
  std::size_t current = 0;
  JobId current_id;
  int wrong = 0;
  int stopped = 0;
  int missed = 0;
  JobQueue<std::size_t> queue{[&](const std::size_t& job, Delivery& d) {
                                {
                                  const std::lock_guard lock(mutex);
                                  current = job;
                                  current_id = d.id();
                                }
                                if (job % 16 == 0) std::this_thread::yield();
                                const StopReason reason = d.stop_token().reason();
                                if (reason == StopReason::none) return;
                                ++stopped;
                                if (!asked[job]) ++wrong;
                              },
                              {.capacity = 16, .workers = 1}};
  std::atomic<bool> is_over{false};
  std::thread canceller([&] {
    while (!is_over) {
      std::unique_lock lock(mutex);
      const std::size_t job = current;
      const JobId id = current_id;
      lock.unlock();
      if (job % 3 == 0) continue;  // these are never cancelled
      asked[job] = true;
      if (queue.cancel(id) == CancelResult::not_found) ++missed;  // over, and another may run on its line
    }
  });
  for (std::size_t job = 0; job < jobs; ++job) queue.enqueue(job).or_throw();
  CHECK(queue.drain_for(60s));
  is_over = true;
  canceller.join();
  CHECK(wrong == 0);
  CHECK(stopped > 0);
  CHECK(missed > 0);
  CHECK(queue.stats().done + queue.stats().cancelled == jobs);
}
