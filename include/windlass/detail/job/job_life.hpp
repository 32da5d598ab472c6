#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <mutex>
#include <string_view>
#include <utility>

#include "../machines/rng.hpp"
#include "frame.hpp"
#include "job_burial.hpp"
#include "verdict.hpp"
#include "windlass/callable.hpp"

namespace windlass::detail {

template <class Life>
void end_leftover(Life& life, std::uint32_t slot);  // leftovers.hpp, both
template <class Life>
void sweep_leftovers(Life& life);

/// What follows from the end of a run: settling, hangs, dead letters, freeing. One function per fork of the road;
/// the rows named in comments are those of the transition table. Takes no lock while it calls user code.
template <class Payload, class Traits>
class JobLife : public JobBurial<Payload, Traits> {
  using Burial = JobBurial<Payload, Traits>;

 public:
  using Burial::Burial;
  using Burial::clock, Burial::counters, Burial::options, Burial::phase, Burial::planner, Burial::store;

  /// The delivery of `slot` under `stamp` came to an end with `outcome`; `run` is null for a pulled lease.
  /// False if it had lost its lease: then the outcome counts for nothing.
  bool finish(std::uint32_t slot, std::uint64_t stamp, Commit commit, const Outcome& outcome, const Run* run) {
    auto& word = store.hot(slot).word;
    const OutcomeKind kind = outcome.kind();
    const bool succeeds = kind == OutcomeKind::done && commit != Commit::refused;
    if (!succeeds) counters.add(Count::other_runs);
    if (succeeds && commit != Commit::made && word.finish_alone(stamp)) {  // rows 3, 10
      this->observe(Event::finished, slot);
      this->free_slot(slot);
      count_done(run);
      return true;
    }
    if (run != nullptr) tell_done(run->line);  // what follows may take its time, and tells whoever waits of itself only
    if (commit == Commit::made) {
      finish_committed(slot, stamp, outcome);
      return true;
    }
    if (succeeds) {
      const bool in_time = word.finish(stamp);
      if (in_time || finish_late(slot, stamp)) {  // rows 3, 9b
        if (!in_time) counters.add(Count::late_successes);
        this->observe(Event::finished, slot);
        end(slot, Count::done);
        return true;
      }
      counters.add(Count::other_runs);
    } else {
      const bool was_stopped = this->was_stopped(run);  // before the word lets go of a shutdown that waits for it
      if (word.begin_settle(stamp)) {
        const Verdict verdict = judge(slot, outcome, run, was_stopped);
        apply(slot, verdict, kind == OutcomeKind::discard ? Count::discarded : Count::cancelled);
        return true;
      }
    }
    counters.add(Count::stale_settles);
    this->observe(Event::stale_settle, slot);
    if (was_ended_by_watch(slot, stamp)) this->observe(Event::dropped, slot);
    release(slot);
    return false;
  }

  /// Row 8. A commit that is refused, because the lease was lost or the job cancelled, is counted.
  [[nodiscard]] Commit commit(std::uint32_t slot, std::uint64_t stamp) noexcept {
    if (store.hot(slot).word.commit(stamp)) return Commit::made;
    counters.add(Count::stale_settles);
    return Commit::refused;
  }

  /// The job was leased when its queue had stopped: it does not run, and is left over.
  ///
  /// [stop.lease] The phase was stored, then a shutdown reads the words; a lease is in its word, then who leased it
  /// reads the phase. All seq_cst: either the shutdown waits for it within its grace, or it comes here.
  void give_back(std::uint32_t slot, std::uint64_t stamp) {
    const Frame frame(this->host, this->number);
    (void)store.hot(slot).word.begin_settle(stamp);  // only a cancel can come meanwhile, and apply() sees to that
    apply(slot, {State::ready}, Count::cancelled);
  }

  /// Rows 6a, 9d: what was popped from the errand ring.
  void run_errand(std::uint32_t slot) {
    auto& word = store.hot(slot).word;
    if (word.claim_expired()) return settle_hang(slot);
    release(slot);
  }

  /// Row 11: drops one hold, and does what the last one out has to do.
  void release(std::uint32_t slot) {
    using AfterDrop = typename Burial::Word::AfterDrop;
    switch (store.hot(slot).word.drop()) {
      case AfterDrop::nothing:
        return;
      case AfterDrop::free:
        return this->free_slot(slot);
      case AfterDrop::settle:  // row 12
        return go_on_after_hang(slot);
    }
  }

  /// The caller's hold on an ended job goes; then the job is counted, so that whoever sees the count sees its effects.
  void end(std::uint32_t slot, Count what) {
    if (what != Count::done && what != Count::dead) this->observe(Event::dropped, slot);
    release(slot);
    counters.add(what);
    this->note_quiet();
  }

  /// Whoever waits for idleness is told what the runs of `line` have ended.
  ///
  /// A worker that ends a job and runs the next one of its queue tells nobody: with that one the queue is not idle. It
  /// does tell before it turns to anything else, be it an errand or a tombstone: those may be of jobs that are over.
  void tell_done(RunLine& line) noexcept {
    if (!std::exchange(line.owes_notice, false)) return;
    counters.publish_done(line.index);
    this->note_quiet();
  }

  /// The job in `slot` was cancelled, and its holds go with whoever has them.
  void count_cancelled(std::uint32_t slot) {
    this->observe(Event::dropped, slot);
    counters.add(Count::cancelled);
    this->note_quiet();
  }

  /// The number in `slot`'s place in a lane was popped, and its job is over.
  void drop_tombstone(std::uint32_t slot) {
    counters.add(Count::tombstones_gone);
    release(slot);
  }

  /// Row 5: offers the dead letter to the sink; a sink that fails loses nothing.
  void bury(std::uint32_t slot) {
    this->observe(Event::dead, slot);
    if (this->offer(slot)) return end(slot, Count::dead);
    counters.add(Count::dead);
    this->keep(slot);
    this->note_quiet();
  }

 protected:
  // A job that is settled, or whose enqueue ends, after its queue's shutdown has nobody else to care for it.
  void deal_with_leftovers() {
    if (phase.load() == Phase::over) sweep_leftovers(*this);
  }

 private:
  void count_done(const Run* run) noexcept {
    if (run == nullptr || run->line.serves_many) {
      counters.add(Count::done);
      this->note_quiet();
    } else {
      counters.add_done(run->line.index);
      run->line.owes_notice = true;
    }
  }

  // Row 9b: a success that comes after the lease was lost, but before anybody has the job again.
  bool finish_late(std::uint32_t slot, std::uint64_t stamp) {
    using Lock = typename Burial::Word::Planner;
    auto& word = store.hot(slot).word;
    State left = word.finish_late(stamp, Lock::unlocked);
    if (left == State::ready) counters.add(Count::tombstones_made);
    if (left != State::free) return true;
    const State now = word.read().state();  // what waited just now may be ready, or stalled by a shutdown
    if (now != State::waiting && now != State::ready && now != State::stalled) return false;
    const auto hold = planner.hold();
    left = word.finish_late(stamp, Lock::locked);
    if (left == State::ready) counters.add(Count::tombstones_made);
    if (left == State::waiting) {
      planner.remove(2 * slot);
      counters.add(Count::left_waiting);
    }
    return left != State::free;
  }

  // Whether the job was cancelled and then lost the lease of the run with this stamp, which has a hold: over by row 6,
  // and nobody was told, for the watch runs no user code. Had it been an errand, its hang would be booked.
  [[nodiscard]] bool was_ended_by_watch(std::uint32_t slot, std::uint64_t stamp) noexcept {
    const SlotView seen = store.hot(slot).word.read();
    return seen.state() == State::done && seen.cancel() && seen.stamp() == stamp &&
           store.cold(slot).hang_stamp != stamp;
  }

  void finish_committed(std::uint32_t slot, std::uint64_t stamp, const Outcome& outcome) {
    auto& word = store.hot(slot).word;
    const OutcomeKind kind = outcome.kind();
    if (kind == OutcomeKind::done || kind == OutcomeKind::discard) {
      (void)word.finish_committed(stamp, State::done);
      if (kind == OutcomeKind::done) this->observe(Event::finished, slot);
      return end(slot, kind == OutcomeKind::done ? Count::done : Count::discarded);
    }
    book_failure(store, slot, outcome.reason(), clock.now());
    store.cold(slot).dead_reason = DeadReason::failed_after_commit;
    (void)word.finish_committed(stamp, State::dead);  // row 8a
    counters.add(Count::failures);
    this->observe(Event::failed, slot);
    bury(slot);
  }

  // Whether a shutdown has asked for an end; `run` is null for a pulled lease.
  [[nodiscard]] bool was_stopped(const Run* run) const noexcept {
    if (run == nullptr) return this->are_leases_told.load();
    return run->line.stop.reason(run->round) == StopReason::shutdown;
  }

  // Row 3a: what an unsuccessful outcome means. Owns `settling`.
  Verdict judge(std::uint32_t slot, const Outcome& outcome, const Run* run, bool was_stopped) {
    switch (outcome.kind()) {
      case OutcomeKind::done:
      case OutcomeKind::discard:
        return {State::done};
      case OutcomeKind::yield:
      case OutcomeKind::snooze:
        if (Traits::at_most_once) return {State::dead, {}, DeadReason::rejected};  // it would run twice
        counters.add(Count::snoozes);
        if (store.hot(slot).has_cold) {  // without it, no age is known
          const ColdSlot& aged = store.cold(slot);
          if (is_too_old(aged, limits_of(aged), clock.now())) return {State::dead, {}, DeadReason::failures_exhausted};
        }
        return outcome.delay() > Duration{} ? Verdict{State::waiting, outcome.delay()} : Verdict{State::ready};
      case OutcomeKind::dead:
      case OutcomeKind::retry:
      case OutcomeKind::retry_after:
        break;
    }
    if (was_stopped && outcome.kind() != OutcomeKind::dead) return {State::ready};  // a leftover, and no failure
    const Time now = clock.now();
    book_failure(store, slot, outcome.reason(), now);
    const ColdSlot& cold = store.cold(slot);
    counters.add(Count::failures);
    this->observe(Event::failed, slot);
    if (outcome.kind() == OutcomeKind::dead) return {State::dead, {}, DeadReason::rejected};
    if (Traits::at_most_once) return {State::dead, {}, DeadReason::failures_exhausted};
    if (const auto limit = exhausted(cold, limits_of(cold), now)) return {State::dead, {}, *limit};
    if (outcome.kind() == OutcomeKind::retry) {
      const std::exception_ptr thrown = run == nullptr ? std::exception_ptr{} : run->exception;
      return next_try(slot, outcome.reason(), thrown, now, DeadReason::failures_exhausted);
    }
    counters.add(Count::retries);
    this->observe(Event::retry_scheduled, slot);
    return {outcome.delay() > Duration{} ? State::waiting : State::ready, outcome.delay()};
  }

  Limits limits_of(const ColdSlot& cold) const noexcept {
    const std::uint32_t max_failures = cold.max_failures.value_or(options.max_failures);
    return {max_failures, options.max_deliveries.value_or(default_max_deliveries(max_failures, options.max_hangs)),
            options.max_hangs, cold.retry_for.value_or(options.retry_for)};
  }

  Verdict next_try(std::uint32_t slot, std::string_view why, const std::exception_ptr& thrown, Time now,
                   DeadReason never) {
    Verdict verdict{State::waiting, std::chrono::seconds{1}};  // what a policy that throws means
    // Of its own for each attempt of each job: no thread waits for another's draw.
    const std::uint64_t which = std::uint64_t{slot} << 32U ^ store.hot(slot).word.read().stamp();
    const std::uint64_t draw = Rng(options.seed + which).next();
    this->contain([&] { verdict = ask(options.retry, store.cold(slot), why, thrown, now, draw, never); });
    if (verdict.to != State::dead) {
      counters.add(Count::retries);
      this->observe(Event::retry_scheduled, slot);
    }
    return verdict;
  }

  // Row 6a: the lease is lost. Owns `settling`; the hung run may still be inside.
  void settle_hang(std::uint32_t slot) {
    this->observe(Event::lease_expired, slot);
    book_hang(slot);
    const ColdSlot& cold = store.cold(slot);
    OnHung choice = default_on_hung(slot);
    if (options.on_hung) {
      this->contain([&] { choice = options.on_hung(HungInfo{this->id_of(slot), cold.hangs, cold.deliveries, false}); });
    }
    if (choice == OnHung::give_up) return apply(slot, {State::dead, {}, DeadReason::hung}, Count::cancelled);
    auto& word = store.hot(slot).word;
    const bool crowded = word.read().holders() > SlotView::max_holders / 2;
    const bool waits = choice == OnHung::wait || crowded || phase.load() != Phase::open;
    if (waits && word.stall()) return;  // row 6b; row 12 goes on from there
    go_on_after_hang(slot);
  }

  // Owns `settling`, and the job may run again; not once a shutdown began.
  void go_on_after_hang(std::uint32_t slot) {
    book_hang(slot);
    if (phase.load() == Phase::open) return apply(slot, after_hang(slot), Count::cancelled);
    auto& word = store.hot(slot).word;
    if (!word.settle(this->leftover == Leftover::discard ? State::done : State::dead)) {
      (void)word.settle(State::done);
    } else if (!word.read().cancel()) {
      return end_leftover(*this, slot);
    }
    end(slot, Count::cancelled);
  }

  // Each lost lease counts once, whichever row comes to it first. Owns `settling`.
  void book_hang(std::uint32_t slot) {
    ColdSlot& cold = store.cold(slot);
    const std::uint64_t stamp = store.hot(slot).word.read().stamp();
    if (cold.hang_stamp == stamp) return;
    cold.hang_stamp = stamp;
    grow(cold.hangs);
    grow(cold.deliveries);
  }

  Verdict after_hang(std::uint32_t slot) {
    const Time now = clock.now();
    ColdSlot& cold = store.cold(slot);
    if (const auto limit = exhausted(cold, limits_of(cold), now)) return {State::dead, {}, *limit};
    return next_try(slot, {}, nullptr, now, DeadReason::hung);
  }

  OnHung default_on_hung(std::uint32_t slot) {
    if constexpr (is_callable_v<Payload>) {
      return store.hot(slot).payload().is_concurrent() ? OnHung::redeliver : OnHung::wait;
    } else {
      return OnHung::redeliver;
    }
  }

  // Row 4. `ended` is what a move to done counts as.
  void apply(std::uint32_t slot, const Verdict& verdict, Count ended) {
    auto& word = store.hot(slot).word;
    const SlotView seen = word.read();
    // This lease is settled: should the job stall under its stamp, row 12 has no loss of it to book.
    if (seen.holders() > 1) store.cold(slot).hang_stamp = seen.stamp();
    switch (verdict.to) {
      case State::waiting:
        if (settle_waiting(slot, verdict.delay)) return deal_with_leftovers();
        break;
      case State::ready:
        if (word.settle(State::ready)) {
          this->push_ready(slot);
          return deal_with_leftovers();
        }
        break;
      case State::dead:
        store.cold(slot).dead_reason = verdict.reason;
        if (word.settle(State::dead)) return bury(slot);
        break;
      default:
        (void)word.settle(State::done);
        return end(slot, word.read().cancel() ? Count::cancelled : ended);
    }
    (void)word.settle(State::done);  // a cancel came first
    end(slot, Count::cancelled);
  }

  bool settle_waiting(std::uint32_t slot, Duration delay) {
    const Time due = later(clock.now(), delay);
    bool earliest = false;
    {
      const auto hold = planner.hold();
      if (!store.hot(slot).word.settle(State::waiting)) return false;
      earliest = planner.insert(2 * slot, due);
      counters.add(Count::entered_waiting);
    }
    if (earliest) this->plan_changed();
    this->note_quiet();
    return true;
  }
};

}  // namespace windlass::detail
