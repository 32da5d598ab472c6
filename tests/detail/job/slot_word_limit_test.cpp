#include <cstdint>

#include "catch.hpp"
#include "windlass/detail/job/slot_word.hpp"

using windlass::detail::low_half;
using windlass::detail::SlotView;
using windlass::detail::SlotWord;
using windlass::detail::State;

TEST_CASE("a job that as many hold as the word can count keeps its lease", "[word]") {
  SlotWord<> word;
  word.enqueue(State::ready);
  std::uint64_t stamp = word.lease();
  while (word.read().holders() < SlotView::max_holders) {  // each run hangs
    REQUIRE(word.expire(low_half(stamp)) == State::expired);
    REQUIRE(word.claim_expired());
    REQUIRE(word.settle(State::ready));
    stamp = word.lease();
  }
  CHECK(word.expire(low_half(stamp)) == State::free);
  CHECK(word.read().state() == State::leased);
  CHECK(word.read().holders() == SlotView::max_holders);
  CHECK(word.finish(stamp));
}
