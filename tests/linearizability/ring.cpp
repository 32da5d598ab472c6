// IndexRing is a FIFO to all threads at once, and "empty" means empty.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "broken_rings.hpp"
#include "catch.hpp"
#include "engine/tally.hpp"
#include "ring_recorder.hpp"
#include "windlass/detail/machines/index_ring.hpp"

using linearizability::DawdlingAtomics;
using linearizability::Fifo;
using linearizability::History;
using linearizability::record_ring;
using linearizability::RingPlan;
using linearizability::seed;
using linearizability::Tally;
using linearizability::Team;

namespace {

using Ring = windlass::detail::IndexRing<DawdlingAtomics>;

// A ring of few cells, so that its laps end soon; `used` numbers went through it already.
struct SmallRing {
  std::vector<Ring::Cell> cells;
  Ring ring;

  SmallRing(std::uint32_t count, std::uint64_t used) : cells(count), ring(cells.data(), count) {
    for (std::uint64_t i = 0; i < used; ++i) {
      ring.push(0);
      (void)ring.pop();
    }
  }
};

RingPlan plan(std::uint64_t number) {
  const std::uint64_t draw = windlass::detail::Rng(seed() + number).next();
  const std::uint32_t cells = 2U << (draw % 3);
  return {draw, cells, static_cast<std::uint32_t>(draw >> 32U) % (cells + 1)};
}

// Histories of a broken ring until one is rejected, or too many are not.
template <class Broken>
void expect_rejected(const char* what) {
  Team team(3);
  Tally<Fifo> tally(what);
  for (std::uint64_t number = 0; number < 5000 && tally.rejected() == 0; ++number) {
    Broken ring;
    RingPlan how = plan(number);
    how.cells = 8;
    tally.add(record_ring(team, ring, how));
  }
  tally.print();
  CHECK(tally.rejected() == 1);
}

}  // namespace

TEST_CASE("ring: every history is linearizable and empty means empty", "[ring]") {
  Tally<Fifo> tally("ring");
  for (const std::size_t threads : {3U, 4U}) {
    Team team(threads);
    for (std::uint64_t number = 0; number < 1100 && tally.rejected() == 0; ++number) {
      const RingPlan how = plan(number);
      SmallRing small(how.cells, how.seed % 64);
      tally.add(record_ring(team, small.ring, how));
    }
  }
  tally.print();
  INFO(tally.first_rejected());
  CHECK(tally.rejected() == 0);
  CHECK(tally.histories() >= 2000);
  CHECK(tally.overlap() >= 0.5);
}

TEST_CASE("ring: broken rings are rejected", "[ring]") {
  expect_rejected<linearizability::UnguardedRing>("a ring whose head is not guarded");
  expect_rejected<linearizability::HastyRing>("a ring that looks at its tail before its head");
  expect_rejected<linearizability::TicketRing>("a ring that is empty behind a hole");
}
