#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "puppet.hpp"
#include "windlass/dead_letter_box.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::CancelResult;
using windlass::DeadReason;
using windlass::Delivery;
using windlass::FixedDelay;
using windlass::Outcome;
using windlass::StopReason;
using windlass::testing::ManualQueue;

namespace {

using Queue = ManualQueue<int>;

bool commit(Puppet& run) {
  return run.tell([](Delivery& d) { return d.try_commit(); });
}

}  // namespace

TEST_CASE("a job that was committed is never taken away, however long its run takes", "[commit]") {
  Queue queue{Puppet::handle, {.lease = 100ms, .retry = FixedDelay{}}};
  queue.try_enqueue(1).or_throw();
  Puppet run(queue);
  queue.clock().advance(50ms);
  CHECK(commit(run));
  queue.clock().advance(100 * 100ms);
  CHECK(queue.step() == 0);
  CHECK(run.stop_reason() == StopReason::none);
  const auto stats = queue.stats();
  CHECK(stats.expiries == 0);
  CHECK(stats.hung == 1);  // it is only seen to hang
  run.end();
  CHECK(queue.stats().done == 1);
  CHECK(queue.stats().deliveries == 1);
  CHECK(queue.stats().stale_settles == 0);
}

TEST_CASE("try_commit is true once", "[commit]") {
  Queue queue{Puppet::handle};
  queue.try_enqueue(1).or_throw();
  Puppet run(queue);
  CHECK(commit(run));
  CHECK_FALSE(commit(run));
  run.end();
  CHECK(queue.stats().done == 1);
}

TEST_CASE("effects after try_commit happen once, however many runs lost their lease before", "[commit]") {
  constexpr std::size_t hangs = 20;
  Queue queue{Puppet::handle, {.lease = 100ms, .max_deliveries = 99, .max_hangs = 99, .retry = FixedDelay{}}};
  queue.try_enqueue(1).or_throw();
  int effects = 0;
  const auto act = [&](Puppet& run) {
    if (commit(run)) ++effects;
  };
  std::vector<std::unique_ptr<Puppet>> hung;
  for (std::size_t i = 0; i < 3; ++i) {
    hung.push_back(std::make_unique<Puppet>(queue));
    queue.clock().advance(200ms);
  }
  for (std::size_t i = 3; i < hangs; ++i) {  // there are four seats: these return, and try at the end of their runs
    hung.push_back(std::make_unique<Puppet>(queue));
    queue.clock().advance(200ms);
    act(*hung.back());
    hung.back()->end(Outcome::retry());
  }
  Puppet last(queue);
  act(*hung[0]);
  act(last);
  act(*hung[1]);
  CHECK(effects == 1);
  queue.clock().advance(10s);
  act(*hung[2]);
  CHECK(queue.step() == 0);
  for (auto& run : hung) run->end();
  last.end();
  CHECK(effects == 1);
  CHECK(queue.stats().done == 1);
  CHECK(queue.stats().expiries == hangs);
  CHECK(queue.run_until_idle() == 0);
}

TEST_CASE("a run that lost its lease cannot commit, whether or not somebody else has the job", "[commit]") {
  Queue queue{Puppet::handle, {.lease = 100ms, .retry = FixedDelay{}}};
  queue.try_enqueue(1).or_throw();
  Puppet run(queue);
  queue.clock().advance(200ms);
  CHECK_FALSE(commit(run));
  CHECK(queue.step() == 1);
  CHECK_FALSE(commit(run));
  CHECK(queue.stats().stale_settles == 1);  // once refused it is not asked again
}

TEST_CASE("a cancelled job cannot be committed, and ends as cancelled whatever is returned then", "[commit]") {
  Queue queue{Puppet::handle};
  const auto id = queue.try_enqueue(1).or_throw();
  Puppet run(queue);
  CHECK(queue.cancel(id) == CancelResult::requested);
  CHECK_FALSE(commit(run));
  CHECK_FALSE(commit(run));
  run.end(GENERATE(Outcome::done(), Outcome::discard(), Outcome::retry()));
  CHECK(queue.run_until_idle() == 0);
  CHECK(queue.stats().cancelled == 1);
  CHECK(queue.stats().present == 0);
}

TEST_CASE("a success after a refused commit is none: its effects were left out", "[commit]") {
  Queue queue{Puppet::handle, {.lease = 100ms, .retry = FixedDelay{}}};
  queue.try_enqueue(1).or_throw();
  Puppet run(queue);
  queue.clock().advance(200ms);
  CHECK_FALSE(commit(run));
  run.end();  // nobody else has the job yet, but this was no success
  CHECK(queue.stats().done == 0);
  CHECK(queue.stats().late_successes == 0);
  CHECK(queue.stats().stale_settles == 2);
  CHECK(queue.run_until_idle() == 1);
  CHECK(queue.stats().done == 1);
}

TEST_CASE("after a commit anything but done and discard is a dead letter that says so", "[commit]") {
  const auto outcome = GENERATE(Outcome::retry("oh"), Outcome::retry_after(1s, "oh"), Outcome::snooze(1s),
                                Outcome::yield(), Outcome::dead("oh"));
  windlass::DeadLetterBox<int> box;
  Queue queue{Puppet::handle, {.retry = FixedDelay{}, .dead_letters = &box}};
  queue.try_enqueue(7).or_throw();
  Puppet run(queue);
  REQUIRE(commit(run));
  run.end(outcome);
  CHECK(queue.run_until_idle() == 0);
  CHECK(queue.stats().dead == 1);
  CHECK(box.take(9, [&](windlass::DeadLetter<int>&& letter) {
    CHECK(letter.reason == DeadReason::failed_after_commit);
    CHECK(letter.last_error.view() == outcome.reason());
    CHECK(letter.failures == 1);
    CHECK(letter.payload == 7);
  }) == 1);
}

TEST_CASE("a handler that throws after its commit leaves a dead letter with what it said", "[commit]") {
  windlass::DeadLetterBox<int> box;
  const auto handle = [](const int&, Delivery& d) {
    if (d.try_commit()) throw std::runtime_error("half done");
  };
  Queue queue{handle, {.dead_letters = &box}};
  queue.try_enqueue(7).or_throw();
  CHECK(queue.run_until_idle() == 1);
  CHECK(box.take(9, [&](windlass::DeadLetter<int>&& letter) {
    CHECK(letter.reason == DeadReason::failed_after_commit);
    CHECK(letter.last_error.view() == "half done");
  }) == 1);
}

TEST_CASE("a committed job that is discarded is discarded", "[commit]") {
  Queue queue{Puppet::handle};
  queue.try_enqueue(1).or_throw();
  Puppet run(queue);
  REQUIRE(commit(run));
  run.end(Outcome::discard());
  CHECK(queue.stats().discarded == 1);
  CHECK(queue.stats().present == 0);
}

TEST_CASE("a commit says nothing about the next attempt of another job in that slot", "[commit]") {
  Queue queue{Puppet::handle, {.capacity = 1}};
  for (int i = 0; i < 3; ++i) {
    queue.try_enqueue(i).or_throw();
    Puppet run(queue);
    CHECK(commit(run));
    run.end();
  }
  CHECK(queue.stats().done == 3);
}
