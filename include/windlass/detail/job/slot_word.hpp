#pragma once

#include <cstdint>

#include "../machines/atomics.hpp"

namespace windlass::detail {

/// Where a job is in its life, and where its slot number physically lies.
enum class State : std::uint8_t {
  free,        // the free list
  ready,       // a ready ring
  waiting,     // linked in the planner
  leased,      // with a running handler
  settling,    // the outcome is being worked out by its owner
  committing,  // with a running handler, after try_commit
  expired,     // the errand ring; the lease was lost
  stalled,     // nowhere: waits for a hung run to return
  done,        // over; whoever drops the last hold frees it
  dead,        // its dead letter is being handed over
  kept,        // nowhere: the sink would not take its dead letter
};

/// Whether the transition table has a row from `from` to `to`. Of those that leave the state as it is, only the renewal
/// counts, which makes another lease of it.
[[nodiscard]] constexpr bool can_move(State from, State to) noexcept {
  switch (from) {
    case State::free:
      return to == State::ready || to == State::waiting;
    case State::ready:
      return to == State::leased || to == State::done || to == State::dead || to == State::stalled;
    case State::waiting:
      return to == State::ready || to == State::done || to == State::dead;
    case State::leased:
      return to == State::leased || to == State::done || to == State::settling || to == State::expired ||
             to == State::committing || to == State::stalled;
    case State::settling:
      return to == State::ready || to == State::waiting || to == State::dead || to == State::done ||
             to == State::stalled;
    case State::committing:
      return to == State::done || to == State::dead;
    case State::expired:
      return to == State::settling || to == State::done;
    case State::stalled:
      return to == State::settling || to == State::done || to == State::dead;
    case State::done:
      return to == State::free;
    case State::dead:
      return to == State::free || to == State::kept;
    case State::kept:
      return to == State::dead;
  }
  return false;
}

/// One reading of the control word: `state:4 | cancel:1 | holders:11 | stamp:48`.
struct SlotView {
  std::uint64_t bits = 0;

  [[nodiscard]] static constexpr SlotView of(State state, bool cancel, std::uint32_t holders,
                                             std::uint64_t stamp) noexcept {
    return {(static_cast<std::uint64_t>(state) << 60U) | (std::uint64_t{cancel} << 59U) |
            (static_cast<std::uint64_t>(holders) << 48U) | (stamp & max_stamp)};
  }

  static constexpr std::uint64_t max_stamp = (std::uint64_t{1} << 48U) - 1;
  static constexpr std::uint32_t max_holders = (1U << 11U) - 1;

  [[nodiscard]] constexpr State state() const noexcept { return static_cast<State>(bits >> 60U); }
  [[nodiscard]] constexpr bool cancel() const noexcept { return ((bits >> 59U) & 1U) != 0; }
  [[nodiscard]] constexpr std::uint32_t holders() const noexcept {
    return static_cast<std::uint32_t>((bits >> 48U) & max_holders);
  }
  [[nodiscard]] constexpr std::uint64_t stamp() const noexcept { return bits & max_stamp; }
};

/// The one word that decides: settling, expiring, cancelling and committing race on it and exactly one wins.
/// One function per row of the transition table (include/windlass/README.md); each is lock-free.
template <class Policy = StdAtomics>
class SlotWord {
 public:
  /// What the caller that dropped a hold must do next.
  enum class AfterDrop : std::uint8_t {
    nothing,  // others hold the slot
    free,     // row 10: destroy the payload, then free()
    settle,   // row 12: the job waited for this hung run; it is `settling` now and the caller owns it
  };

  /// Whether the caller holds the planner's lock, and so may take a job out of `waiting`.
  enum class Planner : std::uint8_t { unlocked, locked };

  [[nodiscard]] SlotView read() const noexcept {
    Policy::probe("word.read");
    return {word_.load(std::memory_order_seq_cst)};
  }

  /// Row 1. The caller owns the free slot and has constructed the payload; the ring push publishes it.
  void enqueue(State to) noexcept { store(SlotView::of(to, false, 1, read().stamp())); }

  /// Row 2. `ready -> leased`, stamp + 1, returned; 0 if the job is not ready any more.
  [[nodiscard]] std::uint64_t lease() noexcept {
    SlotView seen = read();
    while (seen.state() == State::ready) {
      const SlotView next = SlotView::of(State::leased, seen.cancel(), seen.holders(), seen.stamp() + 1);
      if (swap(seen, next)) return next.stamp();
    }
    return 0;
  }

  /// Row 3. `leased -> done` by the run with this stamp.
  [[nodiscard]] bool finish(std::uint64_t stamp) noexcept { return move(State::leased, stamp, State::done); }

  /// Row 3 for the run that alone has a hold, of a job that nobody cancelled; may be false though it is. The word is
  /// the caller's then, until free().
  [[nodiscard]] bool finish_alone(std::uint64_t stamp) noexcept {
    SlotView seen = SlotView::of(State::leased, false, 1, stamp);
    const SlotView next = SlotView::of(State::done, false, 1, stamp);
    Policy::probe("word.swap");
    // [word.ended] acquire: what runs that have left did with the payload comes before its end. release: who sees the
    // end sees what the run did.
    return word_.compare_exchange_weak(seen.bits, next.bits, std::memory_order_acq_rel, std::memory_order_relaxed);
  }

  /// Row 3a. `leased -> settling` by the run with this stamp.
  [[nodiscard]] bool begin_settle(std::uint64_t stamp) noexcept { return move(State::leased, stamp, State::settling); }

  /// Row 4. The owner of `settling` says where the job goes; false if a cancel came first and `to` is not done.
  [[nodiscard]] bool settle(State to) noexcept {
    SlotView seen = read();
    for (;;) {
      if (seen.cancel() && to != State::done) return false;
      if (swap(seen, SlotView::of(to, seen.cancel(), seen.holders(), seen.stamp()))) return true;
    }
  }

  /// Row 6. The lease watch: `leased -> expired` if the word still bears the low stamp that was timed; during shutdown
  /// `leased -> stalled` (`to`), so that nothing is redelivered. The job gets a hold of its own, in the errand ring or
  /// nowhere; a cancelled job is over instead. Returns the state reached, `free` if none.
  [[nodiscard]] State expire(std::uint32_t low_stamp, State to = State::expired) noexcept {
    SlotView seen = read();
    while (seen.state() == State::leased && low_half(seen.stamp()) == low_stamp &&
           seen.holders() < SlotView::max_holders) {
      const State reached = seen.cancel() ? State::done : to;
      const std::uint32_t holders = seen.holders() + (seen.cancel() ? 0U : 1U);
      if (swap(seen, SlotView::of(reached, seen.cancel(), holders, seen.stamp()))) return reached;
    }
    return State::free;
  }

  /// Row 6a. `expired -> settling` by the popper of the errand ring.
  [[nodiscard]] bool claim_expired() noexcept { return change(State::expired, State::settling); }

  /// Row 6b. `settling -> stalled`, or during a shutdown `ready -> stalled` (`from`) by who popped the number in place
  /// of row 2, only if the same CAS sees a hung run still inside; gives up the caller's hold to it. False: no run is
  /// inside any more, or the job was cancelled; the caller still owns `settling`, or has the number.
  [[nodiscard]] bool stall(State from = State::settling) noexcept {
    SlotView seen = read();
    while (seen.state() == from && seen.holders() >= 2 && !seen.cancel()) {
      if (swap(seen, SlotView::of(State::stalled, false, seen.holders(), seen.stamp()))) return true;
    }
    return false;
  }

  /// Renews the lease of the run with this stamp: stamp + 1, returned; 0 if it lost the lease.
  [[nodiscard]] std::uint64_t renew(std::uint64_t stamp) noexcept {
    SlotView seen = read();
    while (seen.state() == State::leased && seen.stamp() == stamp) {
      if (swap(seen, SlotView::of(State::leased, seen.cancel(), seen.holders(), stamp + 1))) return stamp + 1;
    }
    return 0;
  }

  /// Row 8. `leased -> committing` by the run with this stamp, unless cancelled.
  [[nodiscard]] bool commit(std::uint64_t stamp) noexcept {
    SlotView seen = read();
    while (seen.state() == State::leased && seen.stamp() == stamp && !seen.cancel()) {
      if (swap(seen, SlotView::of(State::committing, false, seen.holders(), stamp))) return true;
    }
    return false;
  }

  /// Row 8a. The run that committed ends the job: done, or dead.
  [[nodiscard]] bool finish_committed(std::uint64_t stamp, State to) noexcept {
    return move(State::committing, stamp, to);
  }

  /// Row 9b. A late success of the stale run with this stamp, before any newer lease: one duplicate avoided. In a lane
  /// or the errand ring the number stays, with its hold, until it is popped; the hold of a `stalled` job, and of a
  /// `waiting` one, which is unlinked in the same critical section, goes with this CAS. Returns the state
  /// that was left, or `free` if the success comes too late.
  [[nodiscard]] State finish_late(std::uint64_t stamp, Planner planner = Planner::unlocked) noexcept {
    SlotView seen = read();
    while (seen.stamp() == stamp) {
      const State from = seen.state();
      const bool in_ring = from == State::expired || from == State::ready;
      if (!in_ring && from != State::stalled && (from != State::waiting || planner == Planner::unlocked)) break;
      const std::uint32_t holders = seen.holders() - (in_ring ? 0U : 1U);
      if (swap(seen, SlotView::of(State::done, seen.cancel(), holders, stamp))) return from;
    }
    return State::free;
  }

  /// Rows 9a, 9a' and 9c. The word that was `seen` becomes done with `holders`, by whoever cancels; false, with
  /// `seen` renewed, if it changed.
  [[nodiscard]] bool end_queued(SlotView& seen, std::uint32_t holders) noexcept {
    return swap(seen, SlotView::of(State::done, seen.cancel(), holders, seen.stamp()));
  }

  /// Sets the cancel bit on the word that was `seen`, leased, settling or expired, which it stays; false, with `seen`
  /// renewed, if it changed.
  [[nodiscard]] bool mark_cancelled(SlotView& seen) noexcept {
    return swap(seen, SlotView::of(seen.state(), true, seen.holders(), seen.stamp()));
  }

  /// Row 7. `waiting -> ready`, under the planner's lock. False if cancelled meanwhile (then it is not `waiting`).
  [[nodiscard]] bool wake() noexcept { return change(State::waiting, State::ready); }

  /// Row 9d. `from -> dead` or `done`, for leftovers of a shutdown, by whoever took the number out of its place.
  [[nodiscard]] bool abandon(State from, State to) noexcept { return change(from, to); }

  /// Row 5. The sink failed: `dead -> kept`; the hold stays.
  void keep() noexcept { (void)change(State::dead, State::kept); }

  /// Row 5a. `kept -> dead` by whoever offers the letter again.
  [[nodiscard]] bool unkeep() noexcept { return change(State::kept, State::dead); }

  /// Row 11: drops one hold. The last one out of an ended job keeps it until free() (row 10).
  [[nodiscard]] AfterDrop drop() noexcept {
    SlotView seen = read();
    for (;;) {
      const bool ended = seen.state() == State::done || seen.state() == State::dead;
      if (seen.holders() == 1 && ended) return AfterDrop::free;
      const bool resumes = seen.state() == State::stalled && seen.holders() == 2;
      const State to = resumes ? State::settling : seen.state();
      if (swap(seen, SlotView::of(to, seen.cancel(), seen.holders() - 1, seen.stamp()))) {
        return resumes ? AfterDrop::settle : AfterDrop::nothing;
      }
    }
  }

  /// Row 10. Writes `free` with no holders, stamp + 1; the caller had the last hold and destroyed the payload.
  void free() noexcept { store(SlotView::of(State::free, false, 0, read().stamp() + 1)); }

 private:
  [[nodiscard]] bool change(State from, State to) noexcept {
    SlotView seen = read();
    while (seen.state() == from) {
      if (swap(seen, SlotView::of(to, seen.cancel(), seen.holders(), seen.stamp()))) return true;
    }
    return false;
  }

  [[nodiscard]] bool move(State from, std::uint64_t stamp, State to) noexcept {
    SlotView seen = read();
    while (seen.state() == from && seen.stamp() == stamp) {
      if (swap(seen, SlotView::of(to, seen.cancel(), seen.holders(), stamp))) return true;
    }
    return false;
  }

  void store(SlotView next) noexcept {
    Policy::probe("word.store");
    // [word.born] release, pairs with the read in cancel_job(). Nobody races: the caller owns the slot, and hands it on
    // by a ring or the free list.
    word_.store(next.bits, std::memory_order_release);
  }

  // One total order over all words and counters: what a run wrote is seen by whoever continues the job.
  [[nodiscard]] bool swap(SlotView& seen, SlotView next) noexcept {
    Policy::probe("word.swap");
    return word_.compare_exchange_weak(seen.bits, next.bits, std::memory_order_seq_cst, std::memory_order_acquire);
  }

  typename Policy::template Atomic<std::uint64_t> word_{0};
};

}  // namespace windlass::detail
