#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>

#include "job_life.hpp"
#include "pulled.hpp"
#include "windlass/result.hpp"

namespace windlass::detail {

// Row 9a'. `ready -> done` in the middle of a lane. With no run inside, the payload goes at once; the bare number
// stays in its lane with the queue's hold until it is popped: a tombstone.
template <class Life>
[[nodiscard]] bool cancel_ready(Life& life, std::uint32_t slot, SlotView& seen) {
  auto& hot = life.store.hot(slot);
  const bool is_alone = seen.holders() == 1;
  if (!hot.word.end_queued(seen, seen.holders() + (is_alone ? 1U : 0U))) return false;
  life.counters.add(Count::tombstones_made);
  if (!is_alone) {
    life.count_cancelled(slot);
    return true;
  }
  life.contain([&] { std::destroy_at(&hot.payload()); });
  hot.emptied = true;
  life.end(slot, Count::cancelled);
  return true;
}

// Row 9a. `waiting -> done`, unlinked in the same critical section; the queue's hold becomes the caller's.
template <class Life>
[[nodiscard]] bool cancel_waiting(Life& life, std::uint32_t slot, SlotView& seen) {
  {
    const auto hold = life.planner.hold();
    if (!life.store.hot(slot).word.end_queued(seen, seen.holders())) return false;
    life.planner.remove(2 * slot);
    life.counters.add(Count::left_waiting);
  }
  life.end(slot, Count::cancelled);
  return true;
}

// Tells the run of a job, leased and marked as cancelled, or committing. A worker shows its run a moment after it
// leased the job, or renewed the lease: until then we wait, for otherwise a handler would never hear of it.
template <class Life>
void tell_run(Life& life, std::uint32_t slot, SlotView seen) {
  auto& hot = life.store.hot(slot);
  // Whether a later look shows that run yet. A marked job has no further run, and one that committed renews no more. So
  // this is it, or that of a later job in the slot that somebody has cancelled as well: it may be told.
  const auto still = [first = seen](SlotView now) {
    if (now.state() != first.state()) return false;
    return first.state() == State::leased ? now.cancel() : now.stamp() == first.stamp();
  };
  while (!hot.is_pulled.load(std::memory_order_relaxed)) {
    if (life.host.stop_run(life.self(), slot, static_cast<std::uint32_t>(seen.stamp()), StopReason::user)) return;
    seen = hot.word.read();
    if (!still(seen)) return;
    std::this_thread::yield();
  }
  stop_pulled(life, slot, StopReason::user, still);
}

/// What `JobQueue::cancel` does. Lock-free unless the job waits for a time (one short lock) or runs.
///
/// Reads the word, then the birth stamp, then does its CAS; after a failed one it starts over. So the CAS can only
/// succeed on the job that was meant: stamps only grow, and a word read before the birth stamp is not newer than it.
template <class Life>
CancelResult cancel_job(Life& life, JobId id) {
  if (id.queue() != life.number || id.slot() >= life.store.free.used()) return CancelResult::not_found;
  const std::uint32_t slot = id.slot();
  auto& hot = life.store.hot(slot);
  for (;;) {
    SlotView seen = hot.word.read();
    const std::uint32_t holders = seen.holders();
    // [word.born] The word was read with acquire: whoever sees a job sees its birth stamp, or a later one.
    if (seen.state() == State::free || hot.birth.load(std::memory_order_relaxed) != id.stamp()) {
      return CancelResult::not_found;
    }
    switch (seen.state()) {
      case State::ready:
        if (!cancel_ready(life, slot, seen)) continue;
        break;
      case State::waiting:
        if (!cancel_waiting(life, slot, seen)) continue;
        break;
      case State::stalled:  // row 9c
        if (!hot.word.end_queued(seen, holders - 1)) continue;
        life.count_cancelled(slot);
        break;
      case State::settling:
        if (!hot.word.mark_cancelled(seen)) continue;
        break;
      case State::expired:  // its run was told when it lost its lease
        if (!hot.word.mark_cancelled(seen)) continue;
        return CancelResult::requested;
      case State::leased:
        if (!hot.word.mark_cancelled(seen)) continue;
        tell_run(life, slot, seen);
        return CancelResult::requested;
      case State::committing:  // it is told, but what it has begun stands
        tell_run(life, slot, seen);
        return CancelResult::requested;
      case State::free:
      case State::done:
      case State::dead:
      case State::kept:
        return CancelResult::finished;
    }
    return holders == 1 ? CancelResult::cancelled : CancelResult::requested;
  }
}

}  // namespace windlass::detail
