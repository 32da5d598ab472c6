#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "catch.hpp"
#include "signal.hpp"
#include "windlass/testing.hpp"
#include "windlass/worker_pool.hpp"

// Of twelve jobs in a row, 8, 3 and 1 are of the high, the normal and the low lane if none of these is empty: whatever
// else is served by who takes them, and whatever else was looked for. A payload is its job's lane.

using namespace std::chrono_literals;
using windlass::JobQueue;
using windlass::Priority;
using windlass::testing::ManualQueue;
using windlass::testing::ManualTraits;

namespace {

template <class Base>
struct Weighted : Base {
  static constexpr windlass::Lanes lanes{3, windlass::LaneOrder::weighted, {8, 3, 1, 1, 1, 1, 1, 1}};
};
using Queue = ManualQueue<std::uint32_t, Weighted<ManualTraits<>>>;

constexpr std::uint32_t high = 0, normal = 1, low = 2;
const std::vector<std::uint32_t> one_round{high, high, high, high, high, high, high, high, normal, normal, normal, low};

template <class AnyQueue>
windlass::JobId enqueue(AnyQueue& queue, std::uint32_t lane) {
  return queue.try_enqueue(lane, {.priority = static_cast<Priority>(lane)}).or_throw();
}

template <class AnyQueue>
void fill(AnyQueue& queue, int each) {
  for (int n = 0; n < each; ++n) {
    for (const std::uint32_t lane : {high, normal, low}) (void)enqueue(queue, lane);
  }
}

}  // namespace

TEST_CASE("queues that share a worker give each of their weighted lanes its turns", "[priority][pool]") {
  windlass::WorkerPool pool;
  Signal inside, go_on;
  std::vector<std::uint32_t> seen, others;  // by the only worker
  using Shared = JobQueue<std::uint32_t, Weighted<windlass::DefaultTraits>>;
  Shared queue{[&](std::uint32_t lane) { seen.push_back(lane); }, {.pool = &pool}};
  Shared other{[&](std::uint32_t lane) { others.push_back(lane); }, {.pool = &pool}};
  JobQueue<> busy{{.pool = &pool}};
  busy.enqueue([&] {
        inside.set();
        go_on.wait();
      })
      .or_throw();
  REQUIRE(inside.wait());
  fill(queue, 24);
  fill(other, 24);
  go_on.set();
  REQUIRE(queue.drain_for(10s));
  REQUIRE(other.drain_for(10s));
  for (const auto& order : {seen, others}) {
    REQUIRE(order.size() == 72);
    CHECK(std::vector(order.begin(), order.begin() + 12) == one_round);
    CHECK(std::vector(order.begin() + 12, order.begin() + 24) == one_round);
  }
}

TEST_CASE("a job that was cancelled before it ran uses up no turn of its lane", "[priority][cancel]") {
  std::vector<std::uint32_t> seen;
  Queue queue{[&](std::uint32_t lane) { seen.push_back(lane); }};
  for (int n = 0; n < 50; ++n) REQUIRE(queue.cancel(enqueue(queue, low)) == windlass::CancelResult::cancelled);
  fill(queue, 24);

  SECTION("whoever pumps") {
    for (int n = 0; n < 12; ++n) REQUIRE(queue.run_one());
  }
  SECTION("whoever reserves") {
    for (int n = 0; n < 12; ++n) {
      auto lease = queue.try_reserve();
      REQUIRE(lease);
      seen.push_back(**lease);
      REQUIRE(lease->done());
    }
  }
  CHECK(seen == one_round);
}

TEST_CASE("a look that takes no job uses up no turn", "[priority][pump]") {
  std::vector<std::uint32_t> seen;
  Queue queue{[&](std::uint32_t lane) { seen.push_back(lane); }};
  CHECK(queue.poll() == 0);
  CHECK_FALSE(queue.run_one());
  CHECK_FALSE(queue.try_reserve());
  fill(queue, 24);

  SECTION("of a poll that begins") {
    for (int n = 0; n < 11; ++n) REQUIRE(queue.run_one());
    REQUIRE(queue.poll() == 61);
    seen.resize(12);
  }
  SECTION("of a reserve in a queue that is paused") {
    for (int n = 0; n < 12; ++n) {
      queue.pause();
      CHECK_FALSE(queue.try_reserve());
      queue.resume();
      auto lease = queue.try_reserve();
      REQUIRE(lease);
      seen.push_back(**lease);
      REQUIRE(lease->done());
    }
  }
  CHECK(seen == one_round);
}
