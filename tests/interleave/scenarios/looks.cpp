// Looks that come after something was said, in the control word, in the ring, in Parking and in WaitList: what they
// must see, and what they must not take for more than it is.

#include <array>
#include <chrono>
#include <cstdint>

#include "../interleave.hpp"
#include "catch.hpp"
#include "windlass/detail/job/slot_word.hpp"
#include "windlass/detail/machines/index_ring.hpp"
#include "windlass/detail/machines/parking.hpp"
#include "windlass/detail/machines/wait_list.hpp"

namespace {

using interleave::check;
using interleave::Run;
using interleave::Seq;
using windlass::WaitError;
using windlass::detail::no_slot;
using Flag = interleave::Atomic<bool>;
using Ring = windlass::detail::IndexRing<interleave::Atomics, 2>;
using Parking = windlass::detail::Parking<interleave::Atomics>;
using WaitList = windlass::detail::BasicWaitList<interleave::Atomics>;
using Word = windlass::detail::SlotWord<interleave::Atomics>;

}  // namespace

TEST_CASE("slot word: whoever drops the last hold of an ended job comes after all that others did with it", "[word]") {
  interleave::explore([](Run& run) {
    using windlass::detail::State;
    Word word;
    interleave::checked<int> payload{1};
    word.enqueue(State::ready);
    const std::uint64_t stamp = word.lease();
    check(word.expire(static_cast<std::uint32_t>(stamp)) == State::expired, "not expired");
    check(word.claim_expired() && word.settle(State::done), "not over");
    for (int holder = 0; holder < 2; ++holder) {
      run.thread([&] {
        (void)payload.get();
        if (word.drop() == Word::AfterDrop::free) payload.set(0);
      });
    }
    run.join();
    check(payload.get() == 0, "freed by nobody");
  });
}

// [word.ended]
TEST_CASE("slot word: who ends a job alone comes after those who left it, and who sees the end after it", "[word]") {
  interleave::explore([](Run& run) {
    using windlass::detail::State;
    Word word;
    interleave::checked<int> payload{1};
    interleave::checked<int> effect;
    word.enqueue(State::ready);
    const std::uint64_t lost = word.lease();
    check(word.expire(static_cast<std::uint32_t>(lost)) == State::expired, "not expired");
    check(word.claim_expired() && word.settle(State::ready), "not redelivered");
    const std::uint64_t stamp = word.lease();
    run.thread([&] {
      (void)payload.get();
      check(word.drop() == Word::AfterDrop::nothing, "freed below another run");
    });
    run.thread([&] {
      effect.set(1);
      if (word.finish_alone(stamp)) payload.set(0);
    });
    run.thread([&] {
      if (word.read().state() == State::done) check(effect.get() == 1, "over, and an effect is not there");
    });
    run.join();
  });
}

// [stop.lease]
TEST_CASE("slot word: who leases and looks sees who says so and reads the word - or the reverse", "[word]") {
  interleave::explore({.seq = Seq::any}, [](Run& run) {
    using windlass::detail::State;
    Word word;
    Flag stopping{false};
    bool saw = false;
    State found = State::free;
    word.enqueue(State::ready);
    run.thread([&] {
      check(word.lease() != 0, "not leased");
      saw = stopping.load(std::memory_order_seq_cst);
    });
    run.thread([&] {
      stopping.store(true, std::memory_order_seq_cst);
      found = word.read().state();
    });
    run.join();
    check(saw || found == State::leased, "neither");
  });
}

TEST_CASE("ring: who pushes and looks sees who says so and pops - or the reverse", "[ring]") {
  interleave::explore({.seq = Seq::any}, [](Run& run) {
    std::array<Ring::Cell, 2> cells;
    Ring ring(cells.data(), 2);
    Flag over{false};
    bool saw = false;
    std::uint32_t found = no_slot;
    run.thread([&] {
      ring.push(0);
      saw = over.load(std::memory_order_seq_cst);
    });
    run.thread([&] {
      over.store(true, std::memory_order_seq_cst);
      found = ring.pop();
    });
    run.join();
    check(saw || found == 0, "neither");  // JobLife::deal_with_leftovers and Engine::shutdown
  });
}

TEST_CASE("ring: who pushes behind another and looks sees who says so and pops - or the reverse", "[ring]") {
  interleave::explore({.seq = Seq::any}, [](Run& run) {
    std::array<Ring::Cell, 2> cells;
    Ring ring(cells.data(), 2);
    Flag over{false};
    std::array<bool, 2> saw{};
    std::uint32_t found = no_slot;
    for (const std::uint32_t i : {0U, 1U}) {
      run.thread([&, i] {
        ring.push(i);
        saw[i] = over.load(std::memory_order_seq_cst);
      });
    }
    run.thread([&] {
      over.store(true, std::memory_order_seq_cst);
      found = ring.pop();
    });
    run.join();
    check((saw[0] && saw[1]) || found != no_slot, "neither");
  });
}

TEST_CASE("ring: who pushed behind another finds both", "[ring]") {
  interleave::explore({.seq = Seq::any}, [](Run& run) {
    std::array<Ring::Cell, 4> cells;
    Ring ring(cells.data(), 4);
    for (const std::uint32_t i : {0U, 1U}) {
      run.thread([&, i] {
        ring.push(i);
        check(!ring.empty(), "said to be empty, and nobody popped");
      });
    }
    run.thread([&] { ring.push(2); });
    run.join();
  });
}

TEST_CASE("ring: one that never is empty never says so", "[ring]") {
  interleave::explore({.seq = Seq::any}, [](Run& run) {
    std::array<Ring::Cell, 2> cells;
    Ring ring(cells.data(), 2);
    ring.push(0);
    run.thread([&] {
      for (int times = 0; times < 3; ++times) {
        ring.push(1);
        (void)ring.pop();
      }
    });
    run.thread([&] { check(!ring.empty(), "said to be empty"); });
    run.join();
  });
}

TEST_CASE("parking: while there is a searcher nobody is woken and nobody else becomes one", "[parking]") {
  interleave::explore([](Run&) {
    Parking parking;
    std::array<Parking::Sleeper, 3> beds;
    for (Parking::Sleeper& bed : beds) check(parking.lie_down(bed, false), "released");
    for (int times = 0; times < 2; ++times) parking.wake_one();
    check(parking.sleepers() == 2, "not one woken");
    check(!parking.try_search(), "a second searcher");
    check(parking.end_search(), "not the last one");
    check(parking.try_search(), "no searcher");
    check(parking.end_search(), "not the last one");
  });
}

// [watch.armed]
TEST_CASE("parking: who is woken and looks sees who says so and counts the sleepers - or the reverse", "[parking]") {
  enum class By { wake, nudge };
  for (const By by : {By::wake, By::nudge}) {
    interleave::explore({.seq = Seq::any}, [by](Run& run) {
      Parking parking;
      Parking::Sleeper bed;
      Flag armed{true};
      bool saw = false;
      std::uint32_t sleepers = 0;
      check(parking.lie_down(bed, false), "released");
      run.thread([&] {
        (void)parking.sleep(bed);
        saw = !armed.load(std::memory_order_seq_cst);
      });
      run.thread([&] { by == By::wake ? parking.wake_one() : parking.nudge(bed); });
      run.thread([&] {
        armed.store(false, std::memory_order_seq_cst);
        sleepers = parking.sleepers();
      });
      run.join();
      check(saw || sleepers == 0, "neither");
    });
  }
}

TEST_CASE("room: who waits for what everybody is told of is told", "[room]") {
  interleave::explore({.seq = Seq::any}, [](Run& run) {
    WaitList list;
    Flag closed{false};
    for (int i = 0; i < 2; ++i) {
      run.thread([&] { (void)list.wait([&] { return closed.load(std::memory_order_seq_cst); }, {}, {}); });
    }
    run.thread([&] {
      closed.store(true, std::memory_order_seq_cst);
      list.notify_all();
    });
    run.join();
  });
}

TEST_CASE("room: whose time is up looks once more before it says so", "[room]") {
  interleave::explore([](Run& run) {
    WaitList list;
    Flag ready{false};
    int looks = 0;
    run.thread([&] {
      const auto look = [&] {
        ++looks;
        return ready.load(std::memory_order_seq_cst);
      };
      const WaitError error = list.wait(look, std::chrono::steady_clock::time_point{}, {});
      check(error != WaitError::timed_out || looks == 2, "did not look");
    });
    run.thread([&] {
      ready.store(true, std::memory_order_seq_cst);
      list.notify_one();
    });
    run.join();
  });
}
