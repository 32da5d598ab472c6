#include <chrono>
#include <optional>
#include <stdexcept>
#include <utility>

#include "catch.hpp"
#include "puppet.hpp"
#include "tracked.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::CancelResult;
using windlass::Delivery;
using windlass::EnqueueError;
using windlass::FixedDelay;
using windlass::JobId;
using windlass::Outcome;
using windlass::QueueOptions;
using windlass::StopReason;
using windlass::testing::ManualQueue;

namespace {

using Queue = ManualQueue<Tracked>;

}  // namespace

TEST_CASE("a ready job that is cancelled never runs, and its payload goes at once", "[cancel]") {
  Tracked::reset();
  Queue queue{Puppet::handle, {.capacity = 2}};
  const JobId id = queue.try_emplace(1).or_throw();
  queue.try_emplace(2).or_throw();
  CHECK(queue.cancel(id) == CancelResult::cancelled);
  CHECK(Tracked::live == 1);
  CHECK(queue.stats().cancelled == 1);
  CHECK(queue.stats().present == 1);
  CHECK(queue.cancel(id) == CancelResult::finished);  // its number still lies in the lane
  CHECK(queue.step() == 1);
  CHECK(queue.cancel(id) == CancelResult::not_found);
  const auto stats = queue.stats();
  CHECK(stats.cancelled == 1);
  CHECK(stats.done == 1);
  CHECK(stats.deliveries == 1);
}

TEST_CASE("cancelled jobs in a lane are tombstones: they take room until popped, then it is back", "[cancel]") {
  constexpr int many = 100;
  Tracked::reset();
  Queue queue{Puppet::handle, {.capacity = many}};
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < many; ++i) CHECK(queue.cancel(queue.try_emplace(i).or_throw()) == CancelResult::cancelled);
    CHECK(queue.stats().tombstones == many);
    CHECK(queue.size_approx() == 0);
    CHECK(Tracked::live == 0);
    CHECK(queue.try_emplace(0).error() == EnqueueError::full);
    CHECK(queue.run_until_idle() == 0);
    CHECK(queue.stats().tombstones == 0);
  }
  CHECK(queue.stats().cancelled == 3 * many);
}

TEST_CASE("a waiting job that is cancelled is gone at once, slot and timer included", "[cancel]") {
  Tracked::reset();
  const bool retries = GENERATE(false, true);
  Queue queue{Puppet::handle, {.capacity = 1}};
  const JobId id = queue.try_emplace_with({.delay = retries ? 0s : 1h}, 1).or_throw();
  if (retries) Puppet(queue).end(Outcome::retry_after(1h));
  REQUIRE(queue.stats().waiting == 1);
  CHECK(queue.cancel(id) == CancelResult::cancelled);
  CHECK(Tracked::live == 0);
  CHECK_FALSE(queue.next_due());
  const auto stats = queue.stats();
  CHECK(stats.waiting == 0);
  CHECK(stats.tombstones == 0);
  CHECK(stats.cancelled == 1);
  CHECK(queue.cancel(id) == CancelResult::not_found);
  CHECK(queue.try_emplace(2));
  CHECK(queue.run_until_idle() == 1);
}

TEST_CASE("a running job that is cancelled is told, and does not run again whatever it returns", "[cancel]") {
  Tracked::reset();
  Queue queue{Puppet::handle, {.capacity = 1, .retry = FixedDelay{}}};
  const JobId id = queue.try_emplace(1).or_throw();
  Puppet run(queue);
  CHECK(queue.cancel(id) == CancelResult::requested);
  CHECK(run.stop_reason() == StopReason::user);
  CHECK(queue.cancel(id) == CancelResult::requested);
  CHECK(queue.stats().cancelled == 0);
  CHECK(Tracked::live == 1);
  run.end(GENERATE(Outcome::retry(), Outcome::retry_after(0s), Outcome::snooze(0s), Outcome::snooze(1h),
                   Outcome::yield(), Outcome::dead()));
  CHECK(queue.run_until_idle() == 0);
  const auto stats = queue.stats();
  CHECK(stats.cancelled == 1);
  CHECK(stats.dead == 0);
  CHECK(stats.present == 0);
  CHECK(Tracked::live == 0);
  CHECK(queue.try_emplace(2));
}

TEST_CASE("a cancelled job that throws is not tried again", "[cancel]") {
  std::optional<JobId> id;
  Queue* self = nullptr;
  CancelResult said{};
  Queue queue{[&](const Tracked&, Delivery& d) {
    said = self->cancel(*id);  // its own handler may do so
    if (d.stop_token().reason() == StopReason::user) throw std::runtime_error("stopped");
  }};
  self = &queue;
  id = queue.try_emplace(1).or_throw();
  CHECK(queue.run_until_idle() == 1);
  CHECK(said == CancelResult::requested);
  CHECK(queue.stats().cancelled == 1);
  CHECK(queue.stats().failures == 1);
}

TEST_CASE("a cancelled job that succeeds is done, and one that is discarded is cancelled", "[cancel]") {
  const bool succeeds = GENERATE(false, true);
  Queue queue{Puppet::handle};
  const JobId id = queue.try_emplace(1).or_throw();
  Puppet run(queue);
  CHECK(queue.cancel(id) == CancelResult::requested);
  run.end(succeeds ? Outcome::done() : Outcome::discard());
  const auto stats = queue.stats();
  CHECK(stats.done == (succeeds ? 1 : 0));
  CHECK(stats.cancelled == (succeeds ? 0 : 1));
  CHECK(stats.discarded == 0);
}

TEST_CASE("a job that is cancelled while the policy is asked is not tried again", "[cancel]") {
  const windlass::Duration delay = GENERATE(0s, 1s);
  std::optional<JobId> id;
  Queue* self = nullptr;
  CancelResult said{};
  QueueOptions<Tracked> options;
  options.retry = [&](const windlass::Failure&) {
    said = self->cancel(*id);
    return std::optional<windlass::Duration>{delay};
  };
  Queue queue{[](const Tracked&, Delivery&) { return Outcome::retry(); }, std::move(options)};
  self = &queue;
  id = queue.try_emplace(1).or_throw();
  CHECK(queue.run_until_idle() == 1);
  CHECK(said == CancelResult::cancelled);  // its run is over
  CHECK(queue.stats().cancelled == 1);
  CHECK(queue.stats().dead == 0);
}

TEST_CASE("a committed job that is cancelled is told, but what it has begun stands", "[cancel]") {
  const bool succeeds = GENERATE(false, true);
  Queue queue{Puppet::handle};
  const JobId id = queue.try_emplace(1).or_throw();
  Puppet run(queue);
  REQUIRE(run.tell([](Delivery& d) { return d.try_commit(); }));
  CHECK(queue.cancel(id) == CancelResult::requested);
  CHECK(run.stop_reason() == StopReason::user);
  run.end(succeeds ? Outcome::done() : Outcome::retry());
  CHECK(queue.stats().done == (succeeds ? 1 : 0));
  CHECK(queue.stats().dead == (succeeds ? 0 : 1));
  CHECK(queue.stats().cancelled == 0);
}

TEST_CASE("cancel knows only jobs that are here: no foreign, reused, past or made-up id", "[cancel]") {
  Queue queue{Puppet::handle, {.capacity = 2}};
  Queue other{Puppet::handle, {.capacity = 2}};
  const JobId past = queue.try_emplace(1).or_throw();
  CHECK(queue.cancel(JobId{}) == CancelResult::not_found);
  CHECK(other.cancel(past) == CancelResult::not_found);
  CHECK(queue.cancel(JobId{past.stamp(), past.slot() + 1, past.queue()}) == CancelResult::not_found);
  CHECK(queue.cancel(JobId{past.stamp(), 1'000'000, past.queue()}) == CancelResult::not_found);
  CHECK(queue.cancel(JobId{past.stamp() + 1, past.slot(), past.queue()}) == CancelResult::not_found);
  CHECK(queue.step() == 1);
  CHECK(queue.cancel(past) == CancelResult::not_found);

  const JobId reused = queue.try_emplace(2).or_throw();
  REQUIRE(reused.slot() == past.slot());
  CHECK(queue.cancel(past) == CancelResult::not_found);
  Puppet run(queue);
  CHECK(queue.cancel(past) == CancelResult::not_found);
  CHECK(run.stop_reason() == StopReason::none);
  run.end();
  CHECK(queue.stats().done == 2);
  CHECK(queue.stats().cancelled == 0);
}

TEST_CASE("a job that is cancelled while it is paused or not due yet counts as cancelled, not as present", "[cancel]") {
  Queue queue{Puppet::handle, {.paused = true}};
  const JobId ready = queue.try_emplace(1).or_throw();
  const JobId later = queue.try_emplace_with({.delay = 1s}, 2).or_throw();
  CHECK(queue.cancel(ready) == CancelResult::cancelled);
  CHECK(queue.cancel(later) == CancelResult::cancelled);
  CHECK(queue.wait_idle_for(0s));
  queue.resume();
  CHECK(queue.run_until_idle() == 0);
}
