#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "await.hpp"
#include "catch.hpp"
#include "puppet.hpp"
#include "windlass/testing.hpp"
#include "windlass/worker_pool.hpp"

using namespace std::chrono_literals;
using windlass::Delivery;
using windlass::Duration;
using windlass::Event;
using windlass::JobId;
using windlass::JobQueue;
using windlass::Observation;
using windlass::Outcome;
using windlass::testing::ManualQueue;
using windlass::testing::ManualTraits;

namespace {

// Writes down what it sees.
class Diary {
 public:
  void operator()(const Observation& seen) {
    const std::lock_guard lock(mutex_);
    events_.push_back(seen.event);
    ids_.push_back(seen.id);
    queue_ = seen.queue;
  }

  // What was seen since the last call.
  std::vector<Event> read() {
    const std::lock_guard lock(mutex_);
    return std::exchange(events_, {});
  }
  [[nodiscard]] std::vector<JobId> ids() const { return ids_; }
  [[nodiscard]] std::string queue() const { return queue_; }

 private:
  std::mutex mutex_;
  std::vector<Event> events_;
  std::vector<JobId> ids_;
  std::string queue_;
};
struct DiaryTraits : windlass::DefaultTraits {
  using Observer = Diary;
};
using Observed = ManualQueue<int, ManualTraits<DiaryTraits>>;
using Events = std::vector<Event>;

}  // namespace

TEST_CASE("an observer sees a job's life in its order, by its id and queue", "[observer]") {
  Observed queue{
      [](const int&, Delivery& delivery) { return delivery.attempt() == 1 ? Outcome::retry() : Outcome::done(); },
      {.name = "observed", .retry = windlass::FixedDelay{1s}}};
  const JobId id = queue.enqueue(0).or_throw();
  CHECK(queue.run_until_idle() == 2);
  CHECK(queue.observer().read() == Events{Event::enqueued, Event::started, Event::failed, Event::retry_scheduled,
                                          Event::started, Event::finished});
  CHECK(queue.observer().ids() == std::vector<JobId>(6, id));
  CHECK(queue.observer().queue() == "observed");
}

TEST_CASE("an observer sees each way a run can end", "[observer]") {
  const auto [number, events] = GENERATE(table<int, Events>({
      {0, {Event::finished}},
      {1, {Event::failed, Event::dead}},
      {2, {Event::failed, Event::dead}},
      {3, {Event::dropped}},
      {4, {Event::failed, Event::retry_scheduled}},
      {5, {}},
      {6, {}},
      {7, {Event::failed, Event::dead}},
      {8, {Event::finished}},
      {9, {Event::dropped}},
  }));
  CAPTURE(number);
  Observed queue{[](const int& n, Delivery& delivery) -> Outcome {
                   switch (n) {
                     case 1:
                       return Outcome::dead();
                     case 2:
                       throw 42;
                     case 3:
                       return Outcome::discard();
                     case 4:
                       return Outcome::retry_after(1h);
                     case 5:
                       return Outcome::snooze(1h);
                     case 6:
                       return Outcome::yield();
                     case 7:
                       return delivery.try_commit() ? Outcome::retry_after(1h) : Outcome::done();
                     case 8:
                       return delivery.try_commit() ? Outcome::done() : Outcome::dead();
                     case 9:
                       return delivery.try_commit() ? Outcome::discard() : Outcome::dead();
                     default:
                       return Outcome::done();
                   }
                 },
                 {.retry = windlass::NoRetry{}}};
  queue.enqueue(number).or_throw();
  CHECK(queue.step() == 1);
  Events expected{Event::enqueued, Event::started};
  expected.insert(expected.end(), events.begin(), events.end());
  CHECK(queue.observer().read() == expected);
  (void)queue.shutdown({.leftover = windlass::Leftover::discard});  // one of them yields for ever
}

TEST_CASE("an observer sees a job that is cancelled, left over or pulled", "[observer]") {
  Observed queue{[](const int&) {}};
  SECTION("cancelled") {
    const Duration delay = GENERATE(0s, 1s);
    const JobId id = queue.enqueue(0, {.delay = delay}).or_throw();
    CHECK(queue.cancel(id) == windlass::CancelResult::cancelled);
    queue.run_until_idle();
    CHECK(queue.observer().read() == Events{Event::enqueued, Event::dropped});
  }
  SECTION("abandoned") {
    queue.enqueue(0, {.delay = 1h}).or_throw();
    (void)queue.shutdown();
    CHECK(queue.observer().read() == Events{Event::enqueued, Event::dead});
  }
  SECTION("handed back") {
    queue.enqueue(0).or_throw();
    (void)queue.shutdown({.leftover = windlass::Leftover::hand_back, .hand_back = [](JobId, int&&) {}});
    CHECK(queue.observer().read() == Events{Event::enqueued, Event::dropped});
  }
  SECTION("pulled") {
    queue.enqueue(0).or_throw();
    auto lease = queue.try_reserve();
    REQUIRE(lease);
    CHECK(lease->done());
    CHECK(queue.observer().read() == Events{Event::enqueued, Event::started, Event::finished});
  }
  SECTION("refused") {
    queue.close();
    CHECK_FALSE(queue.try_enqueue(0));
    CHECK(queue.observer().read() == Events{});
  }
}

TEST_CASE("an observer sees a lost lease, the redelivery, and the outcome that came too late", "[observer]") {
  Observed queue{Puppet::handle, {.lease = 1s, .retry = windlass::FixedDelay{}}};
  queue.enqueue(0).or_throw();
  Puppet hung(queue);
  CHECK(queue.observer().read() == Events{Event::enqueued, Event::started});
  queue.clock().advance(2s);
  CHECK(queue.observer().read() == Events{});  // the timekeeper runs no user code
  CHECK(queue.step() == 1);
  CHECK(queue.observer().read() ==
        Events{Event::lease_expired, Event::retry_scheduled, Event::started, Event::finished});
  hung.end();
  CHECK(queue.observer().read() == Events{Event::stale_settle});
}

TEST_CASE("an observer hears once of the end of a cancelled run that lost its lease", "[observer]") {
  Observed queue{Puppet::handle, {.lease = 1s}};
  const JobId id = queue.enqueue(0).or_throw();
  SECTION("cancelled first") {
    Puppet hung(queue);
    CHECK(queue.cancel(id) == windlass::CancelResult::requested);
    queue.clock().advance(2s);
    CHECK(queue.stats().cancelled == 1);
    CHECK(queue.observer().read() == Events{Event::enqueued, Event::started});  // the timekeeper runs no user code
    hung.end();
    CHECK(queue.observer().read() == Events{Event::stale_settle, Event::dropped});
  }
  SECTION("cancelled before anybody heard of the hang") {
    Puppet hung(queue);
    queue.clock().advance(2s);
    CHECK(queue.cancel(id) == windlass::CancelResult::requested);
    CHECK(queue.step() == 0);
    hung.end(Outcome::retry());
    CHECK(queue.observer().read() == Events{Event::enqueued, Event::started, Event::lease_expired,
                                            Event::retry_scheduled, Event::dropped, Event::stale_settle});
  }
  SECTION("pulled") {
    auto lease = queue.try_reserve();
    REQUIRE(lease);
    CHECK(queue.cancel(id) == windlass::CancelResult::requested);
    queue.clock().advance(2s);
    CHECK_FALSE(lease->retry());
    CHECK(queue.observer().read() == Events{Event::enqueued, Event::started, Event::stale_settle, Event::dropped});
  }
  CHECK(queue.stats().cancelled == 1);
}

TEST_CASE("an observer is told of a dead letter before the sink is", "[observer]") {
  Observed* self = nullptr;
  Events seen_by_sink;
  Observed queue{[](const int&) { return Outcome::dead(); },
                 {.dead_letters = [&](const windlass::DeadLetter<int>&) { seen_by_sink = self->observer().read(); }}};
  self = &queue;
  queue.enqueue(0).or_throw();
  CHECK(queue.step() == 1);
  CHECK(seen_by_sink == Events{Event::enqueued, Event::started, Event::failed, Event::dead});
}

TEST_CASE("an observer sees a worker go to sleep, which names no job", "[observer]") {
  std::optional<windlass::WorkerPool> pool;
  const bool is_shared = GENERATE(false, true);
  if (is_shared) pool.emplace();
  JobQueue<int, DiaryTraits> queue{[](const int&) {}, {.pool = is_shared ? &*pool : nullptr}};
  queue.enqueue(0).or_throw();
  Events events;
  CHECK(await([&] {
    for (const Event event : queue.observer().read()) events.push_back(event);
    return std::count(events.begin(), events.end(), Event::finished) == 1 && events.back() == Event::parked;
  }));
  (void)queue.shutdown();
  CHECK(queue.observer().ids().back() == JobId{});
}

TEST_CASE("without an observer there is none to store", "[observer]") {
  STATIC_REQUIRE(std::is_empty_v<windlass::NoObserver>);
  STATIC_REQUIRE(std::is_same_v<windlass::DefaultTraits::Observer, windlass::NoObserver>);
}
