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
using windlass::EnqueueError;
using windlass::FixedDelay;
using windlass::HungInfo;
using windlass::JobId;
using windlass::OnHung;
using windlass::Outcome;
using windlass::QueueOptions;
using windlass::StopReason;
using windlass::testing::ManualQueue;

// Cancelling a job whose hung run is still inside: the answer is `requested`, wherever the job lies.

namespace {

using Queue = ManualQueue<Tracked>;

QueueOptions<Tracked> with(OnHung choice, windlass::Duration backoff) {
  QueueOptions<Tracked> options{.capacity = 1, .lease = 100ms, .retry = FixedDelay{backoff}};
  options.on_hung = [choice](const HungInfo&) { return choice; };
  return options;
}

// The job is over, its hung run is not; when that returns, nothing more happens but that the slot is free.
void expect_cancelled_for_good(Queue& queue, Puppet& hung) {
  CHECK(queue.run_until_idle() == 0);
  CHECK(queue.stats().cancelled == 1);
  CHECK(Tracked::live == 1);
  CHECK(queue.try_emplace(2).error() == EnqueueError::full);
  CHECK(hung.stop_reason() == StopReason::lease_lost);
  hung.end(GENERATE(Outcome::done(), Outcome::retry()));
  CHECK(queue.run_until_idle() == 0);
  const auto stats = queue.stats();
  CHECK(stats.cancelled == 1);
  CHECK(stats.done + stats.dead + stats.present == 0);
  CHECK(stats.stale_settles == 1);
  CHECK(stats.tombstones == 0);
  CHECK(Tracked::live == 0);
  CHECK(queue.try_emplace(2));
}

}  // namespace

TEST_CASE("a job that is cancelled before anybody heard of its hang is not redelivered", "[cancel]") {
  Tracked::reset();
  Queue queue{Puppet::handle, with(OnHung::redeliver, 0s)};
  const JobId id = queue.try_emplace(1).or_throw();
  Puppet hung(queue);
  queue.clock().advance(200ms);
  CHECK(queue.cancel(id) == CancelResult::requested);
  CHECK(queue.stats().cancelled == 0);  // when the errand is run
  expect_cancelled_for_good(queue, hung);
}

TEST_CASE("a job that is cancelled while its hang is settled is not redelivered", "[cancel]") {
  Tracked::reset();
  std::optional<JobId> id;
  Queue* self = nullptr;
  CancelResult said{};
  auto options = with(OnHung::redeliver, 0s);
  const OnHung choice = GENERATE(OnHung::redeliver, OnHung::wait, OnHung::give_up);
  options.on_hung = [&](const HungInfo&) {
    said = self->cancel(*id);
    return choice;
  };
  Queue queue{Puppet::handle, std::move(options)};
  self = &queue;
  id = queue.try_emplace(1).or_throw();
  Puppet hung(queue);
  queue.clock().advance(200ms);
  CHECK(queue.step() == 0);
  CHECK(said == CancelResult::requested);
  expect_cancelled_for_good(queue, hung);
}

TEST_CASE("a job that is cancelled while it waits for its backoff beside its hung run is over", "[cancel]") {
  Tracked::reset();
  Queue queue{Puppet::handle, with(OnHung::redeliver, 1h)};
  const JobId id = queue.try_emplace(1).or_throw();
  Puppet hung(queue);
  queue.clock().advance(200ms);
  CHECK(queue.step() == 0);
  REQUIRE(queue.stats().waiting == 1);
  CHECK(queue.cancel(id) == CancelResult::requested);
  CHECK(queue.stats().waiting == 0);
  CHECK_FALSE(queue.next_due());
  CHECK(queue.cancel(id) == CancelResult::finished);
  expect_cancelled_for_good(queue, hung);
}

TEST_CASE("a job that is cancelled while it is ready beside its hung run is over, but its payload stays for the run",
          "[cancel]") {
  Tracked::reset();
  Queue queue{Puppet::handle, with(OnHung::redeliver, 1s)};
  const JobId id = queue.try_emplace(1).or_throw();
  Puppet hung(queue);
  queue.clock().advance(200ms);
  CHECK(queue.step() == 0);
  queue.clock().advance(1s);
  REQUIRE(queue.stats().waiting == 0);
  CHECK(queue.cancel(id) == CancelResult::requested);
  CHECK(Tracked::live == 1);
  CHECK(queue.stats().tombstones == 1);
  CHECK(queue.cancel(id) == CancelResult::finished);
  expect_cancelled_for_good(queue, hung);
}

TEST_CASE("a job that is cancelled while it waits for its hung run is over at once", "[cancel]") {
  Tracked::reset();
  Queue queue{Puppet::handle, with(OnHung::wait, 0s)};
  const JobId id = queue.try_emplace(1).or_throw();
  Puppet hung(queue);
  queue.clock().advance(200ms);
  CHECK(queue.step() == 0);
  CHECK(queue.cancel(id) == CancelResult::requested);
  CHECK(queue.stats().cancelled == 1);
  CHECK(queue.cancel(id) == CancelResult::finished);
  CHECK(queue.wait_idle_for(0s));
  expect_cancelled_for_good(queue, hung);
}

TEST_CASE("a cancelled run that hangs loses its job at its lease, and that is the end of it", "[cancel]") {
  Tracked::reset();
  Queue queue{Puppet::handle, with(OnHung::redeliver, 0s)};
  const JobId id = queue.try_emplace(1).or_throw();
  Puppet hung(queue);
  CHECK(queue.cancel(id) == CancelResult::requested);
  queue.clock().advance(200ms);
  CHECK(queue.stats().expiries == 1);
  CHECK(queue.stats().cancelled == 1);
  CHECK(queue.cancel(id) == CancelResult::finished);
  CHECK(hung.stop_reason() == StopReason::user);
  CHECK(queue.run_until_idle() == 0);
  hung.end();
  CHECK(queue.stats().cancelled == 1);
  CHECK(queue.stats().done == 0);
  CHECK(Tracked::live == 0);
}

TEST_CASE("of a hung run and its redelivery a cancel tells the one that has the job", "[cancel]") {
  Queue queue{Puppet::handle, with(OnHung::redeliver, 0s)};
  const JobId id = queue.try_emplace(1).or_throw();
  Puppet hung(queue);
  queue.clock().advance(200ms);
  Puppet fresh(queue);
  CHECK(queue.cancel(id) == CancelResult::requested);
  CHECK(fresh.stop_reason() == StopReason::user);
  CHECK(hung.stop_reason() == StopReason::lease_lost);
  fresh.end(Outcome::retry());
  CHECK(queue.stats().cancelled == 1);
  CHECK(queue.cancel(id) == CancelResult::finished);  // the hung run keeps the slot
  hung.end();
  CHECK(queue.cancel(id) == CancelResult::not_found);
}

TEST_CASE("a cancelled late success is a success", "[cancel]") {
  Queue queue{Puppet::handle, with(OnHung::redeliver, 0s)};
  const JobId id = queue.try_emplace(1).or_throw();
  Puppet hung(queue);
  queue.clock().advance(200ms);
  CHECK(queue.cancel(id) == CancelResult::requested);
  hung.end();
  CHECK(queue.run_until_idle() == 0);
  CHECK(queue.stats().done == 1);
  CHECK(queue.stats().cancelled == 0);
}

TEST_CASE("a dead job is finished, while its sink runs, when the sink would not have it, and while a run holds it",
          "[cancel]") {
  std::optional<JobId> id;
  Queue* self = nullptr;
  CancelResult said{};
  bool refuses = true;
  auto options = with(OnHung::give_up, 0s);
  options.dead_letters = [&](windlass::DeadLetter<Tracked>&&) {
    said = self->cancel(*id);
    if (refuses) throw std::runtime_error("full");
  };
  Queue queue{Puppet::handle, std::move(options)};
  self = &queue;
  id = queue.try_emplace(1).or_throw();
  Puppet hung(queue);
  queue.clock().advance(200ms);
  CHECK(queue.step() == 0);
  CHECK(said == CancelResult::finished);
  CHECK(queue.stats().kept == 1);
  CHECK(queue.cancel(*id) == CancelResult::finished);
  refuses = false;
  CHECK(queue.retry_kept() == 1);
  CHECK(queue.cancel(*id) == CancelResult::finished);
  hung.end();
  CHECK(queue.cancel(*id) == CancelResult::not_found);
  CHECK(queue.stats().dead == 1);
  CHECK(queue.stats().cancelled == 0);
}
