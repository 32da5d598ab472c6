#include "windlass/detail/job/slot.hpp"

#include <chrono>
#include <cstdint>

#include "catch.hpp"
#include "windlass/detail/machines/atomics.hpp"

using windlass::Time;
using windlass::detail::pack;
using Hot = windlass::detail::HotSlot<int, windlass::detail::StdAtomics>;
using namespace std::chrono_literals;

TEST_CASE("a slot says when its job was enqueued, from the first moment of its clock on", "[slot]") {
  Hot slot{};
  for (const Time when : {Time{}, Time{1ns}, Time{80h}, Time::max()}) {
    slot.stamp_enqueue(when);
    CHECK(slot.enqueued_at() == when);
  }
}

TEST_CASE("a link of the free list is never taken for the time of an enqueue", "[slot]") {
  constexpr std::uint32_t last = (1U << 31U) - 1;  // plus one: capacity is at most 2^31 - 1
  Hot slot{};
  for (const std::uint64_t link : {pack(0, 0), pack(0, last), pack(last, 0), pack(last, last)}) {
    slot.link.store(link);
    CHECK_FALSE(slot.enqueued_at());
  }
}
