#pragma once

#include <cstdint>
#include <mutex>
#include <utility>

#include "job_life.hpp"

namespace windlass::detail {

/// A job that no run will start any more; the caller took it out of its place, owns it as `dead` or, to be discarded,
/// as `done`, and has its hold. A `hand_back` that throws makes a dead letter of it.
template <class Life>
void end_leftover(Life& life, std::uint32_t slot) {
  if (life.leftover == Leftover::discard) return life.end(slot, Count::discarded);
  auto& hot = life.store.hot(slot);
  if (life.leftover == Leftover::hand_back && hot.word.read().holders() == 1) {
    const JobId id = life.id_of(slot);
    if (life.contain([&] { life.hand_back(id, std::move(hot.payload())); })) return life.end(slot, Count::returned);
  }
  life.counters.add(Count::abandoned);
  life.store.cold(slot).dead_reason = DeadReason::abandoned;
  life.bury(slot);
}

/// Row 9d for one slot that waits: unlinked and taken over in one critical section. False if nothing waits.
template <class Life>
bool take_waiting(Life& life, State to, std::uint32_t& slot) {
  const auto hold = life.planner.hold();
  for (std::uint32_t node = 0; life.planner.take_due((Time::max)(), node);) {
    slot = node / 2;
    if (node % 2 != 0) continue;  // a pulled lease: it is its owner's until that settles it
    life.counters.add(Count::left_waiting);
    if (life.store.hot(slot).word.abandon(State::waiting, to)) return true;
  }
  return false;
}

/// After the last run: ends what lies in the rings and in the planner. Several may sweep at once.
template <class Life>
void sweep_leftovers(Life& life) {
  const Frame frame(life.host, life.number);
  const State to = life.leftover == Leftover::discard ? State::done : State::dead;
  for (bool found = true; found;) {
    found = false;
    for (std::uint32_t slot = life.store.errands.pop(); slot != no_slot; slot = life.store.errands.pop()) {
      life.run_errand(slot);
      found = true;
    }
    for (auto& lane : life.store.ready) {
      for (std::uint32_t slot = lane->pop(); slot != no_slot; slot = lane->pop()) {
        if (life.store.hot(slot).word.abandon(State::ready, to)) {
          end_leftover(life, slot);
        } else {
          life.drop_tombstone(slot);
        }
        found = true;
      }
    }
    for (std::uint32_t slot = 0; take_waiting(life, to, slot); found = true) end_leftover(life, slot);
  }
}

/// At destruction, when no thread is inside any more: ends one job that somebody still holds by a pulled lease, whose
/// calls are all refused by now. Stale leases have a hold each, which nobody else will drop.
template <class Life>
void end_held(Life& life, std::uint32_t slot) {
  using AfterDrop = typename Life::Word::AfterDrop;
  auto& word = life.store.hot(slot).word;
  for (SlotView seen = word.read(); seen.state() != State::free; seen = word.read()) {
    const bool is_over = seen.state() == State::done || seen.state() == State::dead;
    if (is_over || seen.holders() > 1) {
      const AfterDrop next = word.drop();
      if (next == AfterDrop::free) return life.free_slot(slot);
      if (next == AfterDrop::nothing) continue;
    } else if (word.finish_committed(seen.stamp(), State::dead)) {
      life.store.cold(slot).dead_reason = DeadReason::failed_after_commit;
      return life.bury(slot);
    } else if (!word.begin_settle(seen.stamp())) {
      return;  // kept
    }
    if (word.settle(life.leftover == Leftover::discard ? State::done : State::dead)) return end_leftover(life, slot);
    (void)word.settle(State::done);
    return life.end(slot, Count::cancelled);
  }
}

/// At destruction: ends what is still held, offers kept letters a last time, and destroys their payloads if they are
/// refused again.
template <class Life>
void end_everything(Life& life) {
  for (std::uint32_t slot = 0; slot < life.store.free.used(); ++slot) end_held(life, slot);
  life.retry_kept();
  for (std::uint32_t slot = 0; slot < life.store.free.used(); ++slot) {
    if (life.store.hot(slot).word.read().state() != State::free) life.destroy_payload(slot);
  }
}

}  // namespace windlass::detail
