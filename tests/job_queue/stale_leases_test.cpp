// Jobs of which several leases were lost, whose owners still hold them.

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::Event;
using windlass::Leftover;
using windlass::StopReason;
using windlass::testing::ManualQueue;

namespace {

struct CountingObserver {
  int dropped = 0;
  void operator()(const windlass::Observation& seen) { dropped += seen.event == Event::dropped ? 1 : 0; }
};
struct ObservedTraits : windlass::testing::ManualTraits<> {
  using Observer = CountingObserver;
};

// Lets the current lease of the only job be lost, and pulls the job again.
template <class Queue>
auto lose_and_reserve(Queue& queue) {
  for (int times = 0; times < 100; ++times) {
    queue.clock().advance(1s);
    if (auto lease = queue.try_reserve()) return lease;
  }
  return queue.try_reserve();
}

}  // namespace

TEST_CASE("a job that a cancel and its last lost lease end is dropped once, whichever stale lease settles first",
          "[pull][cancel][observer]") {
  ManualQueue<int, ObservedTraits> queue{{.lease = 1s, .max_hangs = 9, .retry = windlass::FixedDelay{}}};
  const windlass::JobId id = queue.enqueue(1).or_throw();
  auto first = queue.try_reserve();
  auto second = lose_and_reserve(queue);
  auto third = lose_and_reserve(queue);
  REQUIRE((first && second && third));
  CHECK(queue.cancel(id) == windlass::CancelResult::requested);
  queue.clock().advance(3s);
  CHECK(queue.stats().cancelled == 1);
  for (auto* const lease : {&first, &second, &third}) CHECK_FALSE((*lease)->done());
  CHECK(queue.observer().dropped == 1);
}

TEST_CASE("a job that a thousand hung leases hold waits for them", "[pull][hung]") {
  static constexpr std::uint32_t many = 1'000'000;
  ManualQueue<int> queue{
      {.lease = 1s, .max_failures = many, .max_deliveries = many, .max_hangs = many, .retry = windlass::FixedDelay{}}};
  queue.enqueue(1).or_throw();
  std::vector<decltype(queue.try_reserve())> leases;
  leases.push_back(queue.try_reserve());
  while (leases.back() && leases.size() < 1'500) leases.push_back(lose_and_reserve(queue));
  CHECK_FALSE(leases.back());
  CHECK(leases.size() > 1'000);
  CHECK(leases.size() < 1'100);
  leases.clear();
  CHECK(queue.try_reserve());
}

TEST_CASE("a job that somebody still holds is not handed back", "[pull][leftover]") {
  int handed_back = 0;
  std::vector<windlass::DeadReason> letters;
  ManualQueue<int> queue{
      {.lease = 1s, .retry = windlass::FixedDelay{}, .dead_letters = [&](const windlass::DeadLetter<int>& letter) {
         letters.push_back(letter.reason);
       }}};
  queue.enqueue(1).or_throw();
  auto stale = queue.try_reserve();
  auto current = lose_and_reserve(queue);
  REQUIRE((stale && current));
  CHECK(current->retry());  // ready again, and held by the stale one
  (void)queue.shutdown({.leftover = Leftover::hand_back, .hand_back = [&](windlass::JobId, int&&) { ++handed_back; }});
  CHECK(handed_back == 0);
  CHECK(letters == std::vector{windlass::DeadReason::abandoned});
}

TEST_CASE("the letter of a job whose leases outlive its queue has the payload", "[pull][destructor]") {
  using Payload = std::unique_ptr<int>;
  std::vector<int> letters;
  std::optional<ManualQueue<Payload>> queue;
  queue.emplace(windlass::QueueOptions<Payload>{
      .lease = 1s, .retry = windlass::FixedDelay{}, .dead_letters = [&](windlass::DeadLetter<Payload>&& letter) {
        letters.push_back(letter.payload ? **letter.payload : 0);
      }});
  queue->enqueue(std::make_unique<int>(7)).or_throw();
  auto stale = queue->try_reserve();
  auto current = lose_and_reserve(*queue);
  REQUIRE((stale && current));
  queue.reset();
  CHECK(letters == std::vector{7});
}

TEST_CASE("a stale lease says that it is lost, though somebody else holds the job by now", "[pull][stop]") {
  ManualQueue<int> queue{{.lease = 1s, .retry = windlass::FixedDelay{}}};
  queue.enqueue(1).or_throw();
  auto stale = queue.try_reserve();
  auto current = lose_and_reserve(queue);
  REQUIRE((stale && current));
  CHECK(stale->stop_reason() == StopReason::lease_lost);
  CHECK(current->stop_reason() == StopReason::none);
  CHECK(current->done());
}
