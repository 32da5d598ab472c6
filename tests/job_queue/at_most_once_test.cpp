#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "tracked.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::DeadLetter;
using windlass::DeadReason;
using windlass::Delivery;
using windlass::Outcome;
using windlass::testing::ManualTraits;

namespace {

struct AtMostOnce : ManualTraits<> {
  static constexpr bool at_most_once = true;
};

template <class Payload = windlass::Callable<48>>
using Queue = windlass::testing::ManualQueue<Payload, AtMostOnce>;

}  // namespace

TEST_CASE("a handler of an at-most-once queue may take the payload itself", "[at_most_once]") {
  std::vector<std::unique_ptr<int>> taken;
  Queue<std::unique_ptr<int>> queue{[&](std::unique_ptr<int>&& payload) { taken.push_back(std::move(payload)); }};
  queue.try_emplace(new int{1}).or_throw();
  queue.try_emplace(new int{2}).or_throw();
  CHECK(queue.step() == 2);
  REQUIRE(taken.size() == 2);
  CHECK(*taken[0] == 1);
  CHECK(*taken[1] == 2);
  CHECK(queue.stats().done == 2);
}

TEST_CASE("it may take it by value, by const reference, and with the delivery", "[at_most_once]") {
  Tracked::reset();
  std::vector<int> seen;
  Queue<Tracked> by_value{[&](Tracked payload) { seen.push_back(payload.value); }};
  Queue<Tracked> by_reference{[&](const Tracked& payload) { seen.push_back(payload.value); }};
  Queue<Tracked> with_delivery{[&](Tracked&& payload, Delivery& delivery) {
    seen.push_back(payload.value);
    CHECK(delivery.attempt() == 1);
    return Outcome::done();
  }};
  by_value.try_emplace(1).or_throw();
  by_reference.try_emplace(2).or_throw();
  with_delivery.try_emplace(3).or_throw();
  CHECK(by_value.step() + by_reference.step() + with_delivery.step() == 3);
  CHECK(seen == std::vector{1, 2, 3});
  CHECK(Tracked::copies == 0);
  CHECK(Tracked::live == 0);
}

TEST_CASE("with at_most_once any failure makes a dead letter at once", "[at_most_once]") {
  for (const int way : {0, 1, 2, 3}) {
    CAPTURE(way);
    std::vector<DeadLetter<int>> letters;
    Queue<int> queue{[&](int) {
                       if (way == 0) throw std::runtime_error("oops");
                       return way == 1   ? Outcome::retry("oops")
                              : way == 2 ? Outcome::retry_after(1s, "oops")
                                         : Outcome::dead("oops");
                     },
                     {.dead_letters = [&](const DeadLetter<int>& letter) { letters.push_back(letter); }}};
    queue.try_enqueue(1, {.max_failures = 9}).or_throw();
    CHECK(queue.run_until_idle() == 1);
    REQUIRE(letters.size() == 1);
    CHECK(letters[0].reason == (way == 3 ? DeadReason::rejected : DeadReason::failures_exhausted));
    CHECK(letters[0].last_error.view() == "oops");
    CHECK(letters[0].failures == 1);
    CHECK(letters[0].payload == 1);
    CHECK(queue.stats().retries == 0);
  }
}

TEST_CASE("a payload that the handler kept before it failed is missing from the dead letter", "[at_most_once]") {
  std::vector<DeadLetter<std::unique_ptr<int>>> letters;
  std::vector<std::unique_ptr<int>> kept;
  Queue<std::unique_ptr<int>> queue{
      [&](std::unique_ptr<int>&& payload) {
        kept.push_back(std::move(payload));
        throw 42;
      },
      {.dead_letters = [&](DeadLetter<std::unique_ptr<int>>&& letter) { letters.push_back(std::move(letter)); }}};
  queue.try_emplace(new int{7}).or_throw();
  CHECK(queue.run_until_idle() == 1);
  REQUIRE(letters.size() == 1);
  REQUIRE(letters[0].payload);
  CHECK(*letters[0].payload == nullptr);
  CHECK(*kept[0] == 7);
}

TEST_CASE("with at_most_once there is no lease that could expire", "[at_most_once]") {
  Queue<int> queue{[](int) {}, {.lease = 1s}};
  queue.try_enqueue(1, {.lease = 1ms}).or_throw();
  auto lease = queue.try_reserve();
  REQUIRE(lease);
  queue.clock().advance(1h, 1s);
  CHECK(queue.step() == 0);
  CHECK(queue.stats().expiries == 0);
  CHECK_FALSE(lease->stop_requested());
  CHECK(lease->done());
  CHECK(queue.stats().done == 1);
}

TEST_CASE("with at_most_once a dropped lease makes a dead letter", "[at_most_once]") {
  Queue<int> queue{[](int) {}};
  queue.try_enqueue(1).or_throw();
  REQUIRE(queue.try_reserve());  // and let go at once
  CHECK(queue.run_until_idle() == 0);
  CHECK(queue.stats().dead == 1);
}

TEST_CASE("callables too run at most once", "[at_most_once]") {
  int runs = 0;
  Queue<> queue;
  queue
      .try_enqueue([&] {
        ++runs;
        throw 42;
      })
      .or_throw();
  CHECK(queue.run_until_idle() == 1);
  CHECK(runs == 1);
  CHECK(queue.stats().dead == 1);
}

TEST_CASE("with at_most_once a job that would be run again without a failure is a dead letter too", "[at_most_once]") {
  for (const int way : {0, 1, 2}) {
    CAPTURE(way);
    int runs = 0;
    std::vector<DeadLetter<std::unique_ptr<int>>> letters;
    Queue<std::unique_ptr<int>> queue{
        [&](std::unique_ptr<int>&& payload) {
          ++runs;
          const auto taken = std::move(payload);  // a second run would find nothing
          if (runs == 5) return Outcome::done();  // lest it go on for ever
          return way == 0 ? Outcome::yield() : Outcome::snooze(way * 1s - 1s);
        },
        {.dead_letters = [&](DeadLetter<std::unique_ptr<int>>&& letter) { letters.push_back(std::move(letter)); }}};
    queue.try_emplace(new int{7}).or_throw();
    for (int look = 0; look < 3; ++look) {
      (void)queue.step();
      queue.clock().advance(1s);
    }
    CHECK(runs == 1);
    REQUIRE(letters.size() == 1);
    CHECK(letters[0].reason == DeadReason::rejected);
    CHECK(queue.stats().dead == 1);
    CHECK(queue.size_approx() == 0);
  }
}

TEST_CASE("with at_most_once a pulled job that is snoozed is a dead letter", "[at_most_once]") {
  std::vector<DeadReason> reasons;
  Queue<int> queue{{.dead_letters = [&](const DeadLetter<int>& letter) { reasons.push_back(letter.reason); }}};
  queue.try_enqueue(1).or_throw();
  auto lease = queue.try_reserve();
  REQUIRE(lease);
  CHECK(lease->snooze(1s));
  queue.clock().advance(2s);
  CHECK_FALSE(queue.try_reserve());
  CHECK(reasons == std::vector{DeadReason::rejected});
}
