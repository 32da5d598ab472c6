#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "catch.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::EnqueueError;
using windlass::FixedDelay;
using windlass::JobQueue;
using windlass::LaneOrder;
using windlass::Outcome;
using windlass::Priority;
using windlass::testing::ManualQueue;
using windlass::testing::ManualTraits;

namespace {

template <std::uint32_t count, LaneOrder order>
struct WithLanes : ManualTraits<> {
  static constexpr windlass::Lanes lanes{count, order, {8, 3, 1, 1, 1, 1, 1, 1}};
};
struct EvenLanes : ManualTraits<> {
  static constexpr windlass::Lanes lanes{2, LaneOrder::weighted, {2, 1, 1, 1, 1, 1, 1, 1}};
};
using Weighted = WithLanes<3, LaneOrder::weighted>;

constexpr std::array three{Priority::high, Priority::normal, Priority::low};

// Writes down the payloads in the order in which they ran; a payload is lane * 1000 + n.
template <class Traits = ManualTraits<>>
struct Log {
  std::vector<int> seen;
  ManualQueue<int, Traits> queue{[this](int n) { seen.push_back(n); }, {.capacity = 8192}};

  void enqueue(std::uint32_t lane, int n, windlass::Duration delay = {}) {
    queue.try_enqueue(static_cast<int>(lane) * 1000 + n, {.delay = delay, .priority = static_cast<Priority>(lane)})
        .or_throw();
  }
};

// How many of the first `runs` entries of `seen` are of `lane`.
std::ptrdiff_t share(const std::vector<int>& seen, std::size_t runs, int lane) {
  return std::count_if(seen.begin(), seen.begin() + static_cast<std::ptrdiff_t>(runs),
                       [&](int n) { return n / 1000 == lane; });
}

}  // namespace

TEST_CASE("a higher lane runs first, and each lane in the order of its enqueues", "[priority]") {
  Log<> log;
  for (int n = 0; n < 4; ++n) {
    for (const std::uint32_t lane : {2U, 0U, 1U}) log.enqueue(lane, n);
  }
  CHECK(log.queue.step() == 12);
  CHECK(log.seen == std::vector{0, 1, 2, 3, 1000, 1001, 1002, 1003, 2000, 2001, 2002, 2003});
}

TEST_CASE("a job without a priority goes to the middle lane", "[priority]") {
  std::vector<int> seen;
  ManualQueue<int> queue{[&](int n) { seen.push_back(n); }};
  queue.try_enqueue(3, {.priority = Priority::low}).or_throw();
  queue.try_enqueue(2).or_throw();
  queue.try_enqueue(1, {.priority = Priority::high}).or_throw();
  CHECK(queue.step() == 3);
  CHECK(seen == std::vector{1, 2, 3});
}

TEST_CASE("with strict lanes a job that comes in at the top is next", "[priority]") {
  std::vector<int> seen;
  ManualQueue<int> queue{[&](int n) { seen.push_back(n); }};
  for (int n = 0; n < 3; ++n) queue.try_enqueue(100 + n, {.priority = Priority::low}).or_throw();
  REQUIRE(queue.run_one());
  queue.try_enqueue(1, {.priority = Priority::high}).or_throw();
  REQUIRE(queue.run_one());
  CHECK(seen == std::vector{100, 1});
  CHECK(queue.step() == 2);
}

TEST_CASE("weighted lanes share 8 to 3 to 1, and each stays in order", "[priority]") {
  Log<Weighted> log;
  for (int n = 0; n < 900; ++n) {
    for (const std::uint32_t lane : {0U, 1U, 2U}) log.enqueue(lane, n);
  }
  for (int turn = 0; turn < 1200; ++turn) REQUIRE(log.queue.run_one());
  for (std::size_t runs = 12; runs <= 1200; runs += 12) {  // in every round, not only on average
    const auto rounds = static_cast<std::ptrdiff_t>(runs) / 12;
    REQUIRE(share(log.seen, runs, 0) == 8 * rounds);
    REQUIRE(share(log.seen, runs, 1) == 3 * rounds);
    REQUIRE(share(log.seen, runs, 2) == rounds);
  }
  for (int lane = 0; lane < 3; ++lane) {
    std::vector<int> of_lane;
    std::copy_if(log.seen.begin(), log.seen.end(), std::back_inserter(of_lane),
                 [&](int n) { return n / 1000 == lane; });
    CHECK(std::is_sorted(of_lane.begin(), of_lane.end()));
  }
}

TEST_CASE("an empty lane's turns go to the others, so that nothing waits while there is work", "[priority]") {
  Log<Weighted> log;
  for (int n = 0; n < 100; ++n) log.enqueue(2, n);
  for (int turn = 0; turn < 100; ++turn) REQUIRE(log.queue.run_one());
  CHECK_FALSE(log.queue.run_one());
  CHECK(log.seen.size() == 100);
}

TEST_CASE("the lowest weighted lane does not starve under a full high lane", "[priority]") {
  Log<Weighted> log;
  log.enqueue(2, 0);
  for (int n = 0; n < 100; ++n) log.enqueue(0, n);
  for (int turn = 0; turn < 12; ++turn) REQUIRE(log.queue.run_one());
  CHECK(share(log.seen, 12, 2) == 1);
}

TEST_CASE("weights are the traits' own", "[priority]") {
  Log<EvenLanes> log;
  for (int n = 0; n < 300; ++n) {
    log.enqueue(0, n);
    log.enqueue(1, n);
  }
  for (int turn = 0; turn < 300; ++turn) REQUIRE(log.queue.run_one());
  CHECK(share(log.seen, 300, 0) == 200);
  CHECK(share(log.seen, 300, 1) == 100);
}

TEST_CASE("a queue of one lane is first in, first out, and has no other priority", "[priority]") {
  Log<WithLanes<1, LaneOrder::strict>> log;
  log.enqueue(0, 1);
  log.queue.try_enqueue(2).or_throw();
  CHECK(log.queue.try_enqueue(3, {.priority = Priority::normal}).field() == "priority");
  CHECK(log.queue.step() == 2);
  CHECK(log.seen == std::vector{1, 2});
}

TEST_CASE("a queue of eight lanes runs them in order, the middle one by default", "[priority]") {
  Log<WithLanes<8, LaneOrder::strict>> log;
  for (std::uint32_t lane = 8; lane-- > 0;) log.enqueue(lane, 0);
  log.queue.try_enqueue(4001).or_throw();
  CHECK(log.queue.try_enqueue(0, {.priority = static_cast<Priority>(8)}).error() == EnqueueError::invalid_options);
  CHECK(log.queue.step() == 9);
  CHECK(log.seen == std::vector{0, 1000, 2000, 3000, 4000, 4001, 5000, 6000, 7000});
}

TEST_CASE("a job that comes due goes into its own lane", "[priority]") {
  Log<> log;
  for (const std::uint32_t lane : {2U, 1U, 0U}) log.enqueue(lane, 0, 1s);
  for (const std::uint32_t lane : {2U, 1U, 0U}) log.enqueue(lane, 1, 2s);
  log.queue.clock().advance(2s);
  CHECK(log.queue.step() == 6);
  CHECK(log.seen == std::vector{0, 1, 1000, 1001, 2000, 2001});
}

TEST_CASE("priority survives failure, retry_after, snooze, yield, hang and a dropped lease", "[priority]") {
  // First each job comes back once, in its way; then we see in which order the second runs start.
  const std::vector<std::pair<const char*, Outcome>> ways{{"retry", Outcome::retry()},
                                                          {"retry_after", Outcome::retry_after(1s)},
                                                          {"snooze", Outcome::snooze(1s)},
                                                          {"yield", Outcome::yield()}};
  for (const auto& [name, outcome] : ways) {
    CAPTURE(name);
    std::vector<int> seen;
    bool again = false;
    ManualQueue<int> queue{[&, &way = outcome](int n) {
                             seen.push_back(n);
                             return again ? Outcome::done() : way;
                           },
                           {.retry = FixedDelay{1s}}};
    for (int n = 0; n < 3; ++n) queue.try_enqueue(n, {.priority = three[static_cast<std::size_t>(n)]}).or_throw();
    REQUIRE(queue.step() == 3);
    again = true;
    seen.clear();
    queue.clock().jump(1s);
    queue.try_enqueue(9).or_throw();  // last of the middle lane, and of all if the others lost theirs
    CHECK(queue.step() == 4);
    CHECK(seen == std::vector{0, 1, 9, 2});
  }

  for (const bool hangs : {true, false}) {
    CAPTURE(hangs);
    std::vector<int> seen;
    ManualQueue<int> queue{[&](int n) { seen.push_back(n); }, {.lease = 1s, .retry = FixedDelay{1s}}};
    queue.try_enqueue(9, {.priority = Priority::low}).or_throw();
    auto lease = queue.try_reserve();
    REQUIRE(lease);
    if (hangs) {
      queue.clock().advance(1s + 10ms);
    } else {
      windlass::Lease<int, ManualTraits<>> dropped{std::move(*lease)};
    }
    CHECK(queue.step() == 0);  // what follows from it
    REQUIRE(queue.stats().waiting == 1);
    queue.try_enqueue(1, {.priority = Priority::normal}).or_throw();
    queue.clock().jump(1s);
    queue.try_enqueue(2, {.priority = Priority::normal}).or_throw();
    CHECK(queue.step() == 3);
    CHECK(seen == std::vector{1, 2, 9});
  }
}

TEST_CASE("workers take the high lane first and keep each lane's order", "[priority]") {
  std::vector<int> seen;
  JobQueue<int> queue{[&](int n) { seen.push_back(n); }, {.paused = true}};
  for (int n = 0; n < 100; ++n) {
    for (int lane = 2; lane >= 0; --lane) {
      queue.enqueue(lane * 1000 + n, {.priority = static_cast<Priority>(lane)}).or_throw();
    }
  }
  queue.resume();
  REQUIRE(queue.drain_for(10s));
  CHECK(seen.size() == 300);
  CHECK(std::is_sorted(seen.begin(), seen.end()));
}
