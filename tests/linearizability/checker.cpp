// Is the checker what it says it is: histories of which it is known whether they are linearizable.

#include "engine/checker.hpp"

#include <string>

#include "catch.hpp"
#include "specs/fifo.hpp"

using linearizability::check;
using linearizability::describe;
using linearizability::Entry;
using linearizability::Fifo;
using linearizability::History;
using linearizability::never;
using linearizability::overlap_of;
using linearizability::Stamp;
using linearizability::Verdict;

namespace {

using Step = Entry<Fifo::Op>;

Step push(std::uint32_t number, Stamp begun, Stamp ended) { return {{Fifo::Call::push, number}, begun, ended}; }
Step pop(std::uint32_t number, Stamp begun, Stamp ended) { return {{Fifo::Call::pop, number}, begun, ended}; }
Step none(Stamp begun, Stamp ended) { return pop(windlass::detail::no_slot, begun, ended); }
Step empty(bool said, Stamp begun, Stamp ended) { return {{Fifo::Call::empty, said ? 1U : 0U}, begun, ended}; }

Step goes_on(Step step) {
  step.goes_on = true;
  return step;
}

bool is_right(const History<Fifo::Op>& history) { return check<Fifo>(history).is_linearizable; }

}  // namespace

TEST_CASE("checker: one thread alone has one order", "[checker]") {
  CHECK(is_right({}));
  CHECK(is_right({{push(1, 0, 1), push(2, 2, 3), pop(1, 4, 5), pop(2, 6, 7), none(8, 9)}}));
  CHECK_FALSE(is_right({{push(1, 0, 1), push(2, 2, 3), pop(2, 4, 5)}}));
  CHECK_FALSE(is_right({{push(1, 0, 1), none(2, 3)}}));
  CHECK_FALSE(is_right({{pop(1, 0, 1)}}));
}

TEST_CASE("checker: calls that meet may come in either order and others may not", "[checker]") {
  CHECK(is_right({{push(1, 0, 3)}, {push(2, 1, 2)}, {pop(1, 4, 5), pop(2, 6, 7)}}));
  CHECK(is_right({{push(1, 0, 3)}, {push(2, 1, 2)}, {pop(2, 4, 5), pop(1, 6, 7)}}));
  CHECK_FALSE(is_right({{push(1, 0, 1)}, {push(2, 2, 3)}, {pop(2, 4, 5), pop(1, 6, 7)}}));
  CHECK(is_right({{push(1, 0, 2)}, {pop(1, 1, 3)}}));
  CHECK_FALSE(is_right({{push(1, 2, 3)}, {pop(1, 0, 1)}}));  // out before it was in
}

TEST_CASE("checker: an answer is right if it was at some moment of its call", "[checker]") {
  CHECK(is_right({{push(1, 1, 2), pop(1, 3, 4)}, {none(0, 5)}}));
  CHECK(is_right({{push(1, 1, 2)}, {none(0, 3)}, {pop(1, 4, 5)}}));
  CHECK_FALSE(is_right({{push(1, 0, 1)}, {none(2, 5)}, {pop(1, 6, 7)}}));
  // Never empty, though each number came and went: the second was in before the first was out.
  CHECK_FALSE(is_right({{push(1, 0, 1), push(2, 3, 4), pop(1, 5, 6)}, {none(2, 7)}, {pop(2, 8, 9)}}));
  CHECK(is_right({{push(1, 0, 1), push(2, 3, 6)}, {none(2, 7)}, {pop(1, 4, 5), pop(2, 8, 9)}}));
  CHECK_FALSE(is_right({{push(1, 0, 1), empty(true, 2, 3)}}));
  CHECK_FALSE(is_right({{push(1, 0, 1), pop(1, 2, 3), empty(false, 4, 5)}}));
  CHECK(is_right({{push(1, 0, 3)}, {empty(false, 1, 2), empty(false, 4, 5)}}));
  CHECK_FALSE(is_right({{push(1, 0, 5)}, {empty(false, 1, 2), empty(true, 3, 4)}}));
}

TEST_CASE("checker: lost and doubled and strange numbers have no order", "[checker]") {
  CHECK_FALSE(is_right({{push(1, 0, 2)}, {push(2, 1, 3)}, {pop(1, 4, 5), none(6, 7)}}));
  CHECK_FALSE(is_right({{push(1, 0, 1)}, {pop(1, 2, 4)}, {pop(1, 3, 5)}}));
  CHECK_FALSE(is_right({{push(1, 0, 1)}, {pop(2, 2, 3)}}));
}

TEST_CASE("checker: a call that never returned may have had its effect or not", "[checker]") {
  CHECK(is_right({{push(1, 0, never)}, {none(1, 2), none(3, 4)}}));
  CHECK(is_right({{push(1, 0, never)}, {none(1, 2), pop(1, 3, 4), none(5, 6)}}));
  CHECK_FALSE(is_right({{push(1, 0, never)}, {pop(1, 1, 2), none(3, 4), pop(1, 5, 6)}}));
  CHECK_FALSE(is_right({{push(1, 3, never)}, {pop(1, 1, 2)}}));  // not before it was called
  // A pop that has not returned may have taken a number, and one only.
  CHECK(is_right({{push(1, 0, 1), push(2, 2, 3)}, {none(4, never)}, {pop(2, 5, 6), none(7, 8)}}));
  CHECK_FALSE(is_right({{push(1, 0, 1), push(2, 2, 3)}, {none(4, never)}, {none(5, 6)}}));
}

TEST_CASE("checker: the steps of one call keep their order and leave room between them", "[checker]") {
  // Two pushes by one call: another number may come between them, but not the second before the first.
  const Step first = push(1, 0, 5);
  const Step second = goes_on(push(2, 0, 5));
  CHECK(is_right({{first, second}, {push(3, 1, 2)}, {pop(1, 6, 7), pop(3, 8, 9), pop(2, 10, 11)}}));
  CHECK_FALSE(is_right({{first, second}, {push(3, 1, 2)}, {pop(2, 6, 7), pop(3, 8, 9), pop(1, 10, 11)}}));
}

TEST_CASE("checker: many calls that all meet are looked at once for each state", "[checker]") {
  // 6 threads push a number each, all at once as far as anybody knows, and a seventh then pops what is impossible.
  History<Fifo::Op> history(7);
  for (std::uint32_t thread = 0; thread < 6; ++thread) history[thread].push_back(push(thread, 0, 10));
  history[6].push_back(pop(0, 11, 12));
  history[6].push_back(pop(0, 13, 14));
  const Verdict verdict = check<Fifo>(history);
  CHECK_FALSE(verdict.is_linearizable);
  CHECK(verdict.thread == 6);
  CHECK(verdict.index == 1);
  CHECK(verdict.configurations < 10'000);
  CHECK(describe<Fifo>(history, verdict).find("[13, 14] pop: 0   <- no order") != std::string::npos);
}

TEST_CASE("checker: calls that meet are counted by calls, not by steps", "[checker]") {
  const auto overlap =
      overlap_of<Fifo::Op>({{push(1, 0, 4), goes_on(push(2, 0, 4)), push(3, 8, 9)}, {pop(1, 3, 5), none(6, 7)}});
  CHECK(overlap.calls == 4);
  CHECK(overlap.meeting == 2);
}
