#include <chrono>
#include <future>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "await.hpp"
#include "catch.hpp"
#include "tracked.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::DeadLetter;
using windlass::DeadReason;
using windlass::JobId;
using windlass::Leftover;
using windlass::Report;
using windlass::StopReason;
using windlass::testing::ManualClock;
using windlass::testing::ManualQueue;

namespace {

using Queue = ManualQueue<Tracked>;

// A pull-only queue with one job, which is out, and what came of it.
struct Lent {
  std::vector<DeadLetter<Tracked>> letters;
  ManualClock clock;
  std::optional<Queue> queue;
  std::optional<Queue::Lease> lease;

  explicit Lent(windlass::Duration its_lease = 1h) {
    Tracked::reset();
    queue.emplace(Queue::Options{.lease = its_lease,
                                 .max_failures = 1,
                                 .dead_letters = [this](DeadLetter<Tracked>&& l) { letters.push_back(std::move(l)); }},
                  clock);
    queue->emplace(7).or_throw();
    lease.emplace(std::move(*queue->try_reserve()));
  }
};

}  // namespace

TEST_CASE("shutdown gives leases that are out the grace to come back, and tells them", "[shutdown][lease]") {
  Lent lent;
  const auto begun = lent.clock.now();
  CHECK(lent.lease->stop_reason() == StopReason::none);
  const Report report = lent.queue->shutdown({.grace = 3s});
  CHECK(lent.clock.now() == begun + 3s);
  CHECK(report.present == 1);
  CHECK(report.dead == 0);
  CHECK(lent.lease->stop_reason() == StopReason::shutdown);
  CHECK((**lent.lease).value == 7);
  SECTION("done after all") {
    CHECK(lent.lease->done());
    CHECK(lent.queue->stats().done == 1);
    CHECK(lent.letters.empty());
  }
  SECTION("committed and done") {
    CHECK(lent.lease->try_commit());
    CHECK(lent.lease->done());
    CHECK(lent.queue->stats().done == 1);
  }
  SECTION("extended and done") {
    CHECK(lent.lease->extend(1min));
    CHECK(lent.lease->done());
    CHECK(lent.queue->stats().done == 1);
  }
  CHECK(lent.queue->stats().present == 0);
  CHECK(Tracked::live == 0);
}

TEST_CASE("a shutdown whose grace has no end returns when the last lease is given back", "[shutdown][lease]") {
  const Leftover leftover = GENERATE(Leftover::run, Leftover::discard);
  ManualQueue<int> queue{{.lease = 1s, .retry = windlass::FixedDelay{}}};
  queue.enqueue(7).or_throw();
  auto lost = queue.try_reserve();
  queue.clock().advance(3s);
  auto current = queue.try_reserve();
  REQUIRE((lost && current));
  CHECK(current->retry());
  std::promise<void> returned;
  std::thread ends{[&] {
    (void)queue.shutdown({.grace = windlass::Duration::max(), .leftover = leftover});
    returned.set_value();
  }};
  const auto future = returned.get_future();
  CHECK(future.wait_for(50ms) == std::future_status::timeout);
  CHECK_FALSE(lost->done());
  REQUIRE(future.wait_for(10s) == std::future_status::ready);
  ends.join();
}

TEST_CASE("a lease that fails within the grace of a shutdown has failed, and was not stopped", "[shutdown][lease]") {
  Lent lent{0s};  // else time, which the shutdown moves on, would end it
  std::thread ends{
      [&] { (void)lent.queue->shutdown({.grace = windlass::Duration::max(), .leftover = Leftover::dead_letter}); }};
  CHECK(await([&] { return lent.queue->try_reserve().error() == windlass::WaitError::closed; }));
  CHECK(lent.lease->stop_reason() == StopReason::none);
  CHECK(lent.lease->retry("by itself"));
  ends.join();
  REQUIRE(lent.letters.size() == 1);
  CHECK(lent.letters[0].reason == DeadReason::failures_exhausted);
  CHECK(lent.queue->stats().failures == 1);
}

TEST_CASE("a lease given back after shutdown is a leftover and counts against no limit", "[shutdown][lease]") {
  Lent lent;
  std::vector<int> handed_back;
  const bool hands_back = GENERATE(true, false);
  (void)lent.queue->shutdown({.grace = 0s,
                              .leftover = hands_back ? Leftover::hand_back : Leftover::dead_letter,
                              .hand_back = [&](JobId, Tracked&& job) { handed_back.push_back(job.value); }});
  SECTION("retry") { CHECK(lent.lease->retry("stopped")); }
  SECTION("retry_after") { CHECK(lent.lease->retry_after(1h)); }
  SECTION("snooze") { CHECK(lent.lease->snooze(1h)); }
  SECTION("dropped") { lent.lease.reset(); }
  const auto stats = lent.queue->stats();
  CHECK(stats.present == 0);
  CHECK(stats.failures == 0);
  if (hands_back) {
    CHECK(stats.returned == 1);
    CHECK(handed_back == std::vector{7});
  } else {
    CHECK(stats.abandoned == 1);
    REQUIRE(lent.letters.size() == 1);
    CHECK(lent.letters[0].reason == DeadReason::abandoned);
    CHECK(lent.letters[0].failures == 0);
    CHECK(lent.letters[0].payload.value().value == 7);
  }
}

TEST_CASE("a lease that says dead after shutdown is a dead letter, one that discards is discarded",
          "[shutdown][lease]") {
  Lent lent;
  (void)lent.queue->shutdown({.grace = 0s, .leftover = Leftover::dead_letter});
  const bool dies = GENERATE(true, false);
  CHECK((dies ? lent.lease->dead("broken") : lent.lease->discard()));
  CHECK(lent.queue->stats().discarded == (dies ? 0 : 1));
  CHECK(lent.letters.size() == (dies ? 1 : 0));
  if (dies) CHECK(lent.letters[0].reason == DeadReason::rejected);
}

TEST_CASE("a lease that expires while its queue shuts down is not given to anybody else", "[shutdown][lease]") {
  Lent lent(1s);
  const Report report = lent.queue->shutdown({.grace = 5s});
  CHECK(report.present + report.abandoned == 1);
  CHECK_FALSE(lent.queue->try_reserve());
  const bool is_in_time = lent.lease->done();  // nobody had it meanwhile
  CHECK(is_in_time == (lent.queue->stats().done == 1));
  CHECK(lent.queue->stats().present == 0);
}

TEST_CASE("a lease that outlives its queue is refused everything, and its job becomes a dead letter",
          "[shutdown][lease]") {
  Lent lent;
  const bool commits = GENERATE(false, true);
  if (commits) CHECK(lent.lease->try_commit());
  lent.queue.reset();
  REQUIRE(lent.letters.size() == 1);
  CHECK(lent.letters[0].reason == (commits ? DeadReason::failed_after_commit : DeadReason::abandoned));
  CHECK(lent.letters[0].payload.value().value == 7);
  CHECK(lent.letters[0].failures == 0);
  CHECK(lent.lease->stop_reason() == StopReason::shutdown);
  CHECK(lent.lease->stop_requested());
  CHECK_FALSE(lent.lease->extend(1h));
  CHECK_FALSE(lent.lease->try_commit());
  SECTION("settled") { CHECK_FALSE(lent.lease->done()); }
  SECTION("dropped") { lent.lease.reset(); }
  SECTION("moved") {
    Queue::Lease other = std::move(*lent.lease);
    CHECK_FALSE(other.retry());
  }
  CHECK(lent.letters.size() == 1);
  lent.letters.clear();
  CHECK(Tracked::live == 0);
}

TEST_CASE("a lease that was settled in time is no hang of a job that waits for another's run as its queue ends",
          "[shutdown][lease]") {
  std::vector<DeadLetter<int>> letters;
  ManualQueue<int> queue{[](const int&) {},
                         {.lease = 20ms, .retry = windlass::FixedDelay{1min}, .dead_letters = [&](DeadLetter<int>&& l) {
                            letters.push_back(std::move(l));
                          }}};
  queue.enqueue(7).or_throw();
  auto lost = queue.try_reserve();
  REQUIRE(lost);
  queue.clock().advance(1s);
  CHECK(queue.poll() == 0);  // the loss is dealt with
  queue.clock().advance(2min);
  auto second = queue.try_reserve();
  REQUIRE(second);
  CHECK(second->snooze(0s));
  CHECK(queue.shutdown({.grace = 3s}).present == 1);  // not redelivered beside the lease that is out
  CHECK_FALSE(lost->retry());
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].reason == DeadReason::abandoned);
  CHECK(letters[0].hangs == 1);
  CHECK(letters[0].deliveries == 1);
}
