#include <chrono>
#include <cstdint>

#include "catch.hpp"
#include "puppet.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::Delivery;
using windlass::Duration;
using windlass::Histogram;
using windlass::JobId;
using windlass::Outcome;
using windlass::Priority;
using windlass::Stats;
using windlass::Timing;
using windlass::testing::ManualQueue;
using windlass::testing::ManualTraits;

namespace {

struct AllTimed : windlass::DefaultTraits {
  static constexpr Timing timing = Timing::all;
};
struct NoneTimed : windlass::DefaultTraits {
  static constexpr Timing timing = Timing::none;
};
template <class Traits>
using TimedQueue = ManualQueue<int, ManualTraits<Traits>>;

std::uint64_t in_bucket_of(const Histogram& histogram, Duration length) {
  return histogram.counts[Histogram::bucket_of(length)];
}

void sleep_ms(const int& ms, Delivery& delivery) { delivery.sleep_for(1ms * ms); }

}  // namespace

TEST_CASE("each end of a job is counted as what it was", "[stats]") {
  ManualQueue<int> queue{[](const int& n, Delivery& delivery) -> Outcome {
                           switch (n) {
                             case 0:
                               return Outcome::done();
                             case 1:
                               throw 42;
                             case 2:
                               return delivery.attempt() < 3 ? Outcome::retry_after(1s) : Outcome::done();
                             case 3:
                               return Outcome::dead();
                             case 4:
                               return Outcome::discard();
                             case 5:
                               return delivery.try_commit() ? Outcome::retry() : Outcome::done();
                             default:
                               return Outcome::snooze(1h);
                           }
                         },
                         {.max_failures = 3}};
  for (int n = 0; n < 7; ++n) queue.enqueue(n).or_throw();
  const JobId id = queue.enqueue(0).or_throw();
  CHECK(queue.cancel(id) == windlass::CancelResult::cancelled);
  CHECK(queue.stats().tombstones == 1);
  CHECK(queue.stats().accepted == 8);
  CHECK(queue.stats().present == 7);
  CHECK(queue.size_approx() == 7);
  queue.clock().advance(0s);
  while (queue.stats().waiting != 1 || queue.stats().present != 1) {
    queue.step();
    queue.clock().advance(1s);
  }
  const Stats stats = queue.stats();
  CHECK(stats.accepted == 8);
  CHECK(stats.done == 2);
  CHECK(stats.dead == 3);
  CHECK(stats.cancelled == 1);
  CHECK(stats.discarded == 1);
  CHECK(stats.present == 1);
  CHECK(stats.abandoned == 0);
  CHECK(stats.returned == 0);
  CHECK(stats.deliveries == 1 + 3 + 3 + 1 + 1 + 1 + 1);
  CHECK(stats.failures == 3 + 2 + 1 + 1);
  CHECK(stats.exceptions == 3);
  CHECK(stats.retries == 2 + 2);
  CHECK(stats.snoozes == 1);
  CHECK(stats.waiting == 1);
  CHECK(stats.tombstones == 0);
  CHECK(stats.expiries == 0);
  CHECK(stats.stale_settles == 0);
  CHECK(stats.user_errors == 0);
  CHECK(stats.hung == 0);
  CHECK(stats.substitutes == 0);
  CHECK_FALSE(stats.is_degraded);
}

TEST_CASE("lost leases, late successes and redeliveries are counted", "[stats]") {
  ManualQueue<int> queue{Puppet::handle, {.lease = 1s, .retry = windlass::FixedDelay{}}};
  queue.enqueue(0).or_throw();
  {
    Puppet hung(queue);
    queue.clock().advance(3s);
    CHECK(queue.stats().hung == 1);
    CHECK(queue.stats().expiries == 1);
    hung.end();
  }
  CHECK(queue.stats().late_successes == 1);
  CHECK(queue.stats().done == 1);
  queue.step();  // what is left of the errand
  queue.enqueue(1).or_throw();
  {
    Puppet hung(queue);
    queue.clock().advance(3s);
    CHECK(queue.step() == 1);  // redelivered, and done
    CHECK(queue.stats().redeliveries == 1);
    hung.end();
  }
  queue.clock().advance(1s);
  const Stats stats = queue.stats();
  CHECK(stats.done == 2);
  CHECK(stats.expiries == 2);
  CHECK(stats.late_successes == 1);
  CHECK(stats.stale_settles == 1);
  CHECK(stats.deliveries == 3);
  CHECK(stats.hung == 0);
  CHECK(stats.present == 0);
}

TEST_CASE("with Timing::all every job's wait and run is in the histograms", "[stats]") {
  TimedQueue<AllTimed> queue{sleep_ms};
  queue.enqueue(3).or_throw();
  queue.clock().advance(100ms);
  CHECK(queue.step() == 1);  // waited 100 ms, ran 3 ms
  queue.enqueue(50).or_throw();
  queue.enqueue(0).or_throw();
  CHECK(queue.step() == 2);  // waited 0 and 50 ms, ran 50 and 0 ms
  const Stats stats = queue.stats();
  CHECK(stats.wait.total() == 3);
  CHECK(in_bucket_of(stats.wait, 100ms) == 1);
  CHECK(in_bucket_of(stats.wait, 50ms) == 1);
  CHECK(in_bucket_of(stats.wait, 0ms) == 1);
  CHECK(stats.run.total() == 3);
  CHECK(in_bucket_of(stats.run, 3ms) == 1);
  CHECK(in_bucket_of(stats.run, 50ms) == 1);
  CHECK(in_bucket_of(stats.run, 0ms) == 1);
  CHECK(stats.wait.quantile(1) >= 100ms);
  CHECK(stats.wait.quantile(1) < 200ms);
}

TEST_CASE("jobs that override an option, or are of a queue with retry_for, are timed as the others are", "[stats]") {
  TimedQueue<AllTimed> plain{sleep_ms};
  TimedQueue<AllTimed> aging{sleep_ms, {.retry_for = 1h}};
  plain.enqueue(3, {.max_failures = 7}).or_throw();
  aging.enqueue(3).or_throw();
  for (auto* queue : {&plain, &aging}) {
    queue->clock().advance(100ms);
    CHECK(queue->stats().oldest_wait == 100ms);
    CHECK(queue->step() == 1);
    CHECK(in_bucket_of(queue->stats().wait, 100ms) == 1);
    CHECK(in_bucket_of(queue->stats().run, 3ms) == 1);
  }
}

TEST_CASE("a job is timed to its first start, and delayed ones are not timed", "[stats]") {
  TimedQueue<AllTimed> queue{[](const int&, Delivery& delivery) {
    return delivery.attempt() == 1 ? Outcome::retry_after(1h) : Outcome::done();
  }};
  queue.enqueue(0).or_throw();
  queue.enqueue(0, {.delay = 1s}).or_throw();
  CHECK(queue.run_until_idle() == 4);
  CHECK(queue.stats().wait.total() == 1);
  CHECK(queue.stats().run.total() == 1);
  CHECK(in_bucket_of(queue.stats().wait, 0s) == 1);
}

TEST_CASE("with Timing::none no job is timed", "[stats]") {
  TimedQueue<NoneTimed> queue{sleep_ms};
  for (int n = 0; n < 200; ++n) queue.enqueue(1).or_throw();
  queue.clock().advance(1s);
  CHECK(queue.stats().oldest_wait == 0s);
  CHECK(queue.step() == 200);
  CHECK(queue.stats().wait.total() == 0);
  CHECK(queue.stats().run.total() == 0);
}

TEST_CASE("by default one job of 64 is timed", "[stats]") {
  ManualQueue<int> queue{sleep_ms};
  for (int n = 0; n < 64 * 5; ++n) queue.enqueue(1).or_throw();
  CHECK(queue.step() == 64 * 5);
  CHECK(queue.stats().wait.total() == 5);
  CHECK(queue.stats().run.total() == 5);
}

TEST_CASE("oldest_wait is how long the job at the front of a lane has waited", "[stats]") {
  TimedQueue<AllTimed> queue{sleep_ms};
  CHECK(queue.stats().oldest_wait == 0s);
  queue.enqueue(0).or_throw();
  CHECK(queue.stats().oldest_wait == 0s);
  queue.clock().advance(1s);
  queue.enqueue(0, {.priority = Priority::high}).or_throw();
  queue.clock().advance(1s);
  CHECK(queue.stats().oldest_wait == 2s);
  CHECK(queue.run_one());  // the one of high priority
  CHECK(queue.stats().oldest_wait == 2s);
  CHECK(queue.run_one());
  CHECK(queue.stats().oldest_wait == 0s);
}

TEST_CASE("a cancelled job does not wait any more", "[stats]") {
  TimedQueue<AllTimed> queue{sleep_ms};
  const JobId id = queue.enqueue(0).or_throw();
  queue.clock().advance(5s);
  queue.enqueue(0).or_throw();
  queue.clock().advance(1s);
  CHECK(queue.cancel(id) == windlass::CancelResult::cancelled);
  CHECK(queue.stats().oldest_wait == 1s);
}
