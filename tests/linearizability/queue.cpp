// The queue at its surface: enqueue, reserve and settle of several threads come out as if done one after another.

#include <cstddef>
#include <cstdint>

#include "catch.hpp"
#include "engine/tally.hpp"
#include "queue_recorder.hpp"

using linearizability::DawdlingTraits;
using linearizability::Jobs;
using linearizability::QueuePlan;
using linearizability::record_queue;
using linearizability::seed;
using linearizability::Tally;
using linearizability::Team;

namespace {

// `histories` of 3 threads and as many of 4.
template <class Traits>
void expect_linearizable(const char* what, std::uint32_t lanes, std::uint64_t histories) {
  Tally<Jobs> tally(what);
  for (const std::size_t threads : {3U, 4U}) {
    Team team(threads);
    for (std::uint64_t number = 0; number < histories && tally.rejected() == 0; ++number) {
      const std::uint64_t draw = windlass::detail::Rng(seed() + number).next();
      const QueuePlan plan{.seed = draw, .capacity = 1 + static_cast<std::uint32_t>(draw % 5), .lanes = lanes};
      tally.add(record_queue<Traits>(team, plan), {.room = plan.capacity});
    }
  }
  tally.print();
  INFO(tally.first_rejected());
  CHECK(tally.rejected() == 0);
  CHECK(tally.histories() == 2 * histories);
  CHECK(tally.overlap() >= 0.5);
}

}  // namespace

TEST_CASE("queue: every history is linearizable and full means full", "[queue]") {
  expect_linearizable<DawdlingTraits>("queue", 1, 1000);
}

TEST_CASE("queue: with strict lanes every history is linearizable and nothing ready means in none of them", "[queue]") {
  expect_linearizable<DawdlingTraits>("queue with strict lanes", 3, 150);
}

TEST_CASE("queue: with weighted lanes every history is linearizable and nothing ready means in none", "[queue]") {
  expect_linearizable<linearizability::WeightedTraits>("queue with weighted lanes", 3, 400);
}
