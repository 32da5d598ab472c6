// The checker's eyes are open: recorded histories that are right, each with one thing in it changed so that it is
// wrong.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "engine/tally.hpp"
#include "queue_recorder.hpp"
#include "ring_recorder.hpp"
#include "windlass/detail/machines/index_ring.hpp"

using linearizability::check;
using linearizability::DawdlingAtomics;
using linearizability::Fifo;
using linearizability::History;
using linearizability::Jobs;
using linearizability::Log;
using linearizability::record_queue;
using linearizability::record_ring;
using linearizability::seed;
using linearizability::Team;
using windlass::detail::no_slot;

namespace {

constexpr std::uint64_t histories = 50;

/// What is changed in the caller's part, which comes last and so leaves no doubt about the order.
template <class Op>
struct Change {
  std::string what;
  std::function<void(Log<Op>&)> make;
};

template <class Spec>
void expect_rejected(const char* object, const History<typename Spec::Op>& right, typename Spec::State initial,
                     const std::vector<Change<typename Spec::Op>>& changes, std::size_t& planted) {
  REQUIRE(check<Spec>(right, initial).is_linearizable);
  for (const auto& change : changes) {
    CAPTURE(object, change.what);
    History<typename Spec::Op> wrong = right;
    change.make(wrong.back());
    REQUIRE_FALSE(check<Spec>(wrong, initial).is_linearizable);
    ++planted;
  }
}

// The caller's part of a ring's history ends with: push 62, push 63, pop 62, pop 63, pop none.
const std::vector<Change<Fifo::Op>> ring_changes{
    {"a number is lost", [](Log<Fifo::Op>& log) { log.erase(log.end() - 2); }},
    {"a number comes twice", [](Log<Fifo::Op>& log) { log.back().op.number = 63; }},
    {"a number comes from nowhere", [](Log<Fifo::Op>& log) { (log.end() - 2)->op.number = 64; }},
    {"not first in, first out", [](Log<Fifo::Op>& log) { std::swap((log.end() - 3)->op, (log.end() - 2)->op); }},
    {"none, though there is one",
     [](Log<Fifo::Op>& log) { log.insert(log.end() - 3, *(log.end() - 3))->op.number = no_slot; }},
    {"said to be empty, and is not",
     [](Log<Fifo::Op>& log) {
       log.insert(log.end() - 2, *(log.end() - 2))->op = {Fifo::Call::empty, 1};
     }},
};

// The caller's part of a queue's history ends with: claim and publish until full, full, take and settle each, none.
Log<Jobs::Op>::iterator full_of(Log<Jobs::Op>& log) {
  auto found = log.end() - 1;
  while (found->op.call != Jobs::Call::full) --found;
  return found;
}

const std::vector<Change<Jobs::Op>> queue_changes{
    {"a job is lost", [](Log<Jobs::Op>& log) { log.erase(log.end() - 3, log.end() - 1); }},
    {"a job is leased twice", [](Log<Jobs::Op>& log) { log.insert(log.end() - 3, *(log.end() - 3)); }},
    {"not first in, first out",
     [](Log<Jobs::Op>& log) {
       std::swap((log.end() - 5)->op, (log.end() - 3)->op);
       std::swap((log.end() - 4)->op, (log.end() - 2)->op);
     }},
    {"nothing ready, though there is a job",
     [](Log<Jobs::Op>& log) { log.insert(log.end() - 3, *(log.end() - 3))->op.call = Jobs::Call::none; }},
    {"full, though there is room",
     [](Log<Jobs::Op>& log) { log.insert(full_of(log) - 2, *(full_of(log) - 2))->op.call = Jobs::Call::full; }},
    {"room, though it is full", [](Log<Jobs::Op>& log) { full_of(log)->op.call = Jobs::Call::claim; }},
    {"an attempt too many", [](Log<Jobs::Op>& log) { ++(log.end() - 3)->op.attempt; }},
    {"a settle is refused", [](Log<Jobs::Op>& log) { (log.end() - 2)->op.has_counted = false; }},
    {"a letter of a job that is done", [](Log<Jobs::Op>& log) { (log.end() - 2)->op.was_buried = true; }},
};

}  // namespace

TEST_CASE("planted: wrong histories of a ring are rejected", "[planted]") {
  using Ring = windlass::detail::IndexRing<DawdlingAtomics>;
  Team team(3);
  std::size_t planted = 0;
  for (std::uint64_t number = 0; number < histories; ++number) {
    std::vector<Ring::Cell> cells(4);
    Ring ring(cells.data(), cells.size());
    const History<Fifo::Op> right = record_ring(team, ring, {.seed = seed() + number, .filled = 2});
    expect_rejected<Fifo>("ring", right, {}, ring_changes, planted);
  }
  std::printf("planted: %zu wrong histories of a ring, all rejected\n", planted);
  CHECK(planted == histories * ring_changes.size());
}

TEST_CASE("planted: wrong histories of a queue are rejected", "[planted]") {
  Team team(3);
  std::size_t planted = 0;
  for (std::uint64_t number = 0; number < histories; ++number) {
    const History<Jobs::Op> right =
        record_queue<linearizability::DawdlingTraits>(team, {.seed = seed() + number, .capacity = 34});  // 30 may wait
    expect_rejected<Jobs>("queue", right, {.room = 34}, queue_changes, planted);
  }
  std::printf("planted: %zu wrong histories of a queue, all rejected\n", planted);
  CHECK(planted == histories * queue_changes.size());
}
