// Room waiters x free x timeout x close, on WaitList and FreeList, as Engine::enqueue, JobIntake::admit and
// JobBurial::free_slot use them.

#include <array>
#include <chrono>
#include <cstdint>

#include "../interleave.hpp"
#include "catch.hpp"
#include "windlass/detail/machines/free_list.hpp"
#include "windlass/detail/machines/wait_list.hpp"

namespace {

using interleave::check;
using interleave::checked;
using interleave::Run;
using windlass::WaitError;
using windlass::detail::no_slot;
using Free = windlass::detail::FreeList<interleave::Atomics>;
using WaitList = windlass::detail::BasicWaitList<interleave::Atomics>;

// A full queue.
template <std::uint32_t Slots>
struct Full {
  std::array<Free::Link, Slots> links;
  Free free{links.data(), Slots};
  WaitList room;
  interleave::Atomic<bool> closed{false};
  std::array<checked<int>, Slots> payloads;

  Full() {
    while (free.take().slot != no_slot) {
    }
  }

  std::uint32_t try_take() {
    const auto [slot, moved] = free.take();
    if (moved) room.notify_one();
    if (slot != no_slot) payloads[slot].set(payloads[slot].get() + 1);
    return slot;
  }

  WaitError wait(WaitList::Deadline deadline) {
    return room.wait([&] { return free.has_any() || closed.load(std::memory_order_seq_cst); }, deadline, {});
  }

  // The slot; none if it was too late, or the queue is closed.
  std::uint32_t enqueue(WaitList::Deadline deadline = {}) {
    for (;;) {
      if (closed.load(std::memory_order_seq_cst)) return no_slot;
      const std::uint32_t slot = try_take();
      if (slot != no_slot || wait(deadline) == WaitError::timed_out) return slot;
    }
  }

  void end(std::uint32_t slot) {
    payloads[slot].set(payloads[slot].get() + 1);
    free.give(slot);
    room.notify_one();
  }
};

const WaitList::Deadline soon = std::chrono::steady_clock::time_point{};

}  // namespace

TEST_CASE("room: a waiter gets the slot that is given back", "[room]") {
  interleave::explore([](Run& run) {
    Full<1> queue;
    std::uint32_t got = no_slot;
    run.thread([&] { got = queue.enqueue(); });
    run.thread([&] { queue.end(0); });
    run.join();
    check(got == 0, "not the slot");
  });
}

TEST_CASE("room: two waiters get two slots", "[room]") {
  interleave::explore([](Run& run) {
    Full<2> queue;
    std::array<std::uint32_t, 2> got{};
    for (std::uint32_t& slot : got) run.thread([&] { slot = queue.enqueue(); });
    run.thread([&] {
      queue.end(0);
      queue.end(1);
    });
    run.join();
    check(got[0] + got[1] == 1, "not one each");
  });
}

TEST_CASE("room: two slots given back by two, to two who wait", "[room]") {
  interleave::explore({.random = 10'000}, [](Run& run) {
    Full<2> queue;
    std::array<std::uint32_t, 2> got{};
    for (std::uint32_t& slot : got) run.thread([&] { slot = queue.enqueue(); });
    for (const std::uint32_t slot : {0U, 1U}) run.thread([&, slot] { queue.end(slot); });
    run.join();
    check(got[0] + got[1] == 1, "not one each");
  });
}

TEST_CASE("room: waiters get slots that travel as a chain", "[room]") {
  interleave::explore({.random = 10'000}, [](Run& run) {
    Full<16> queue;  // chains of 2
    std::array<std::uint32_t, 2> got{};
    for (std::uint32_t& slot : got) run.thread([&] { slot = queue.enqueue(); });
    run.thread([&] {
      queue.end(0);
      queue.end(1);
    });
    run.join();
    check(got[0] + got[1] == 1, "not one each");
  });
}

TEST_CASE("room: who takes from a chain tells those who could not see the rest of it meanwhile", "[room]") {
  interleave::explore({.random = 10'000}, [](Run& run) {
    Full<16> queue;
    queue.free.give(0);
    queue.free.give(1);  // now a chain in the shared stack
    std::array<std::uint32_t, 2> got{};
    run.thread([&] { got[0] = queue.try_take(); });
    run.thread([&] { got[1] = queue.enqueue(); });
    run.join();
    check(got[1] != no_slot && (got[0] == no_slot || got[0] + got[1] == 1), "not one each");
  });
}

TEST_CASE("room: one notify that is worth two slots gets two waiters going", "[room]") {
  interleave::explore({.random = 10'000}, [](Run& run) {
    Full<24> queue;  // chains of 3
    for (const std::uint32_t slot : {0U, 1U, 2U}) queue.free.give(slot);
    std::array<std::uint32_t, 3> got{};
    run.thread([&] { got[0] = queue.try_take(); });
    for (std::uint32_t* slot : {&got[1], &got[2]}) run.thread([&, slot] { *slot = queue.enqueue(); });
    run.join();
    check(got[1] != got[2] && got[1] != no_slot && got[2] != no_slot, "not one each");
  });
}

TEST_CASE("room: a waiter whose time is up leaves no slot beside another waiter", "[room]") {
  interleave::explore({.random = 10'000}, [](Run& run) {
    Full<1> queue;
    std::array<std::uint32_t, 2> got{};
    run.thread([&] {
      got[0] = queue.enqueue(soon);
      if (got[0] != no_slot) queue.end(got[0]);
    });
    run.thread([&] { got[1] = queue.enqueue(); });
    run.thread([&] { queue.end(0); });
    run.join();
    check(got[1] == 0, "not the slot");
  });
}

TEST_CASE("room: close sends all waiters away", "[room]") {
  interleave::explore({.random = 10'000}, [](Run& run) {
    Full<1> queue;
    int inside = 0;
    for (int i = 0; i < 2; ++i) {
      run.thread([&] {
        ++inside;
        const std::uint32_t slot = queue.enqueue();
        --inside;
        if (slot != no_slot) queue.end(slot);
      });
    }
    run.thread([&] { queue.end(0); });
    run.thread([&] {
      queue.closed.store(true, std::memory_order_seq_cst);
      queue.room.notify_all();
    });
    run.join();
    check(inside == 0, "somebody stayed");
  });
}
