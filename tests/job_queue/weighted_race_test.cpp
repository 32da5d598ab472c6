#include <optional>

#include "catch.hpp"
#include "hooked.hpp"
#include "windlass/windlass.hpp"

using windlass::Priority;

// Weighted lanes are not always looked at from the highest on. So a lane can fill behind somebody who looks through
// them all, and another that he comes to later can be emptied first.

namespace {

struct WeightedTraits : HookedTraits {
  static constexpr windlass::Lanes lanes{3, windlass::LaneOrder::weighted, {1, 1, 1, 1, 1, 1, 1, 1}};
};
using Queue = windlass::JobQueue<int, WeightedTraits>;

}  // namespace

TEST_CASE("with weighted lanes nothing is ready only if all lanes are empty at one moment", "[pulled]") {
  Queue queue{{.workers = 0}};
  queue.try_enqueue(1).or_throw();
  std::optional<Queue::Lease> first;
  // Errands, the lane whose turn it is (the highest), again the highest, and then the middle one.
  const Interruption before_the_middle_lane("ring.pop.head", 4, [&] {
    queue.try_enqueue(2, {.priority = Priority::high}).or_throw();
    first = *queue.try_reserve();  // it is the middle lane's turn
  });
  auto second = queue.try_reserve();
  REQUIRE(before_the_middle_lane.has_happened());
  CHECK(**first == 1);
  REQUIRE(second);  // there was a job at every moment
  CHECK(**second == 2);
  CHECK(first->done());
  CHECK(second->done());
}

TEST_CASE("with weighted lanes a run_one finds the job that is there whenever it looks", "[pump]") {
  int ran = 0;
  Queue queue{[&](const int& payload) { ran = payload; }, {.workers = 0}};
  queue.try_enqueue(0).or_throw();
  CHECK(queue.try_reserve()->done());  // who reserves next takes the middle lane's turn
  queue.try_enqueue(1).or_throw();
  std::optional<Queue::Lease> first;
  const Interruption before_the_middle_lane("ring.pop.head", 4, [&] {
    queue.try_enqueue(2, {.priority = Priority::high}).or_throw();
    first = *queue.try_reserve();
  });
  CHECK(queue.run_one());
  REQUIRE(before_the_middle_lane.has_happened());
  CHECK(**first == 1);
  CHECK(ran == 2);
  CHECK(first->done());
}
