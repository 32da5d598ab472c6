#include <chrono>
#include <functional>
#include <optional>
#include <utility>

#include "catch.hpp"
#include "hooked.hpp"
#include "puppet.hpp"
#include "tracked.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::CancelResult;
using windlass::EnqueueError;
using windlass::FixedDelay;
using windlass::HungInfo;
using windlass::OnHung;
using windlass::Outcome;
using windlass::QueueOptions;
using windlass::testing::ManualQueue;
using windlass::testing::ManualTraits;

// A run that lost its lease succeeds after all, before anybody has its job again: that counts, wherever the job lies.

namespace {

using Queue = ManualQueue<Tracked>;

void expect_one_late_success(const windlass::Stats& stats) {
  CHECK(stats.done == 1);
  CHECK(stats.late_successes == 1);
  CHECK(stats.stale_settles == 0);
  CHECK(stats.expiries == 1);
  CHECK(stats.redeliveries == 0);
  CHECK(stats.present == 0);
}

}  // namespace

TEST_CASE("a late success before anybody heard of the hang ends the job", "[late]") {
  Tracked::reset();
  Queue queue{Puppet::handle, {.capacity = 1, .lease = 100ms, .retry = FixedDelay{}}};
  queue.try_emplace(1).or_throw();
  Puppet run(queue);
  queue.clock().advance(200ms);
  run.end();
  expect_one_late_success(queue.stats());
  CHECK(queue.run_until_idle() == 0);
  CHECK(queue.stats().done == 1);
  CHECK(Tracked::live == 0);
  CHECK(queue.try_emplace(2));
}

TEST_CASE("a late success while the job waits for its backoff ends the job", "[late]") {
  Tracked::reset();
  Queue queue{Puppet::handle, {.capacity = 1, .lease = 100ms, .retry = FixedDelay{10s}}};
  queue.try_emplace(1).or_throw();
  Puppet run(queue);
  queue.clock().advance(200ms);
  CHECK(queue.step() == 0);
  CHECK(queue.stats().waiting == 1);
  run.end();
  expect_one_late_success(queue.stats());
  CHECK(queue.stats().waiting == 0);
  CHECK_FALSE(queue.next_due());
  CHECK(Tracked::live == 0);
  CHECK(queue.try_emplace(2));
  CHECK(queue.run_until_idle() == 1);
}

TEST_CASE("a late success while the job is ready again ends it, and its number lies in the lane until popped",
          "[late]") {
  Tracked::reset();
  Queue queue{Puppet::handle, {.capacity = 2, .lease = 100ms, .retry = FixedDelay{1s}}};
  queue.try_emplace(1).or_throw();
  Puppet run(queue);
  queue.clock().advance(200ms);
  CHECK(queue.step() == 0);
  queue.clock().advance(1s);
  REQUIRE(queue.stats().waiting == 0);
  run.end();
  expect_one_late_success(queue.stats());
  CHECK(queue.stats().tombstones == 1);
  queue.try_emplace(2).or_throw();
  CHECK(queue.try_emplace(3).error() == EnqueueError::full);
  CHECK(queue.step() == 1);
  CHECK(queue.stats().tombstones == 0);
  CHECK(queue.stats().done == 2);
  CHECK(Tracked::live == 0);
  CHECK(queue.try_emplace(3));
  CHECK(queue.try_emplace(4));
}

TEST_CASE("a late success of a run that its job waits for ends the job", "[late]") {
  Tracked::reset();
  QueueOptions<Tracked> options{.capacity = 1, .lease = 100ms};
  options.on_hung = [](const HungInfo&) { return OnHung::wait; };
  Queue queue{Puppet::handle, std::move(options)};
  queue.try_emplace(1).or_throw();
  Puppet run(queue);
  queue.clock().advance(200ms);
  CHECK(queue.step() == 0);
  run.end();
  expect_one_late_success(queue.stats());
  CHECK(Tracked::live == 0);
  CHECK(queue.try_emplace(2));
}

TEST_CASE("a success that comes while the hang is being settled is too late", "[late]") {
  std::optional<Puppet> run;
  QueueOptions<Tracked> options{.lease = 100ms, .retry = FixedDelay{}};
  options.on_hung = [&](const HungInfo&) {
    run->end();
    return OnHung::redeliver;
  };
  Queue queue{Puppet::handle, std::move(options)};
  queue.try_emplace(1).or_throw();
  run.emplace(queue);
  queue.clock().advance(200ms);
  CHECK(queue.step() + queue.step() == 1);
  const auto stats = queue.stats();
  CHECK(stats.stale_settles == 1);
  CHECK(stats.late_successes == 0);
  CHECK(stats.done == 1);
  CHECK(stats.redeliveries == 1);
}

TEST_CASE("a success is too late for a newer lease, even when the job is between runs again", "[late]") {
  const auto second = GENERATE(Outcome::snooze(1h), Outcome::yield(), Outcome::retry_after(1h));
  Queue queue{Puppet::handle, {.lease = 100ms, .retry = FixedDelay{}}};
  queue.try_emplace(1).or_throw();
  Puppet first(queue);
  queue.clock().advance(200ms);
  Puppet(queue).end(second);
  first.end();
  CHECK(queue.stats().stale_settles == 1);
  CHECK(queue.stats().done == 0);
  CHECK(queue.stats().present == 1);
}

TEST_CASE("of two hung runs only the younger one's success counts", "[late]") {
  Queue queue{Puppet::handle, {.lease = 100ms, .max_hangs = 3, .retry = FixedDelay{1h}}};
  queue.try_emplace(1).or_throw();
  Puppet first(queue);
  queue.clock().advance(200ms);
  CHECK(queue.step() == 0);
  queue.clock().advance(1h, 1s);
  Puppet second(queue);
  queue.clock().advance(200ms);
  CHECK(queue.step() == 0);
  first.end();
  CHECK(queue.stats().done == 0);
  second.end();
  CHECK(queue.stats().done == 1);
  CHECK(queue.stats().late_successes == 1);
  CHECK(queue.stats().stale_settles == 1);
}

TEST_CASE("a late outcome that is no success counts for nothing", "[late]") {
  const auto late = GENERATE(Outcome::retry(), Outcome::dead(), Outcome::discard(), Outcome::snooze(0s));
  Queue queue{Puppet::handle, {.lease = 100ms, .retry = FixedDelay{10s}}};
  queue.try_emplace(1).or_throw();
  Puppet run(queue);
  queue.clock().advance(200ms);
  const bool is_settled = GENERATE(false, true);
  if (is_settled) CHECK(queue.step() == 0);
  run.end(late);
  CHECK(queue.stats().stale_settles == 1);
  CHECK(queue.run_until_idle() == 1);
  CHECK(queue.stats().done == 1);
  CHECK(queue.stats().failures == 0);
}

TEST_CASE("a late success that meets the timer of its backoff ends the job once", "[late]") {
  // Between its looks at the word the job becomes ready, which changes nothing, or starts: then it comes too late.
  const int look = GENERATE(1, 2, 3);
  const bool starts = GENERATE(false, true);
  ManualQueue<int, ManualTraits<HookedTraits>> queue{Puppet::handle, {.lease = 100ms, .retry = FixedDelay{1s}}};
  queue.try_enqueue(1).or_throw();
  Puppet run(queue);
  queue.clock().advance(200ms);
  CHECK(queue.step() == 0);
  std::optional<Interruption> between;
  std::optional<Puppet> next;
  run.tell([&](windlass::Delivery&) {
    between.emplace("word.read", look, [&] {
      queue.clock().advance(1s);
      if (starts) next.emplace(queue);
    });
  });
  run.end();
  CHECK(between->has_happened());
  CHECK(queue.stats().late_successes == (starts ? 0 : 1));
  CHECK(queue.stats().stale_settles == (starts ? 1 : 0));
  next.reset();
  queue.run_until_idle();
  CHECK(queue.stats().done == 1);
  CHECK(queue.stats().present == 0);
}
