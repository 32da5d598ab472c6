#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <string_view>
#include <type_traits>
#include <utility>

#include "../machines/rng.hpp"
#include "../machines/wait_list.hpp"
#include "counters.hpp"
#include "job_store.hpp"
#include "planner.hpp"
#include "queue_base.hpp"
#include "verdict.hpp"
#include "windlass/callable.hpp"
#include "windlass/options.hpp"

namespace windlass::detail {

/// How far a queue's shutdown has come.
enum class Phase : std::uint8_t {
  open,      // as usual
  draining,  // shutdown began: what is due still runs, nothing is redelivered
  stopping,  // no run starts any more; what is settled now is left over
};

[[nodiscard]] inline Time later(Time now, Duration by) noexcept {
  return by > Time::max() - now ? Time::max() : now + by;
}

/// What follows from the end of a run: settling, hangs, dead letters, freeing. One function per fork of the road;
/// the rows named in comments are those of the transition table. Takes no lock while it calls user code.
template <class Payload, class Traits>
class JobLife {
 public:
  using Store = JobStore<Payload, Traits>;
  using Clock = typename Traits::Clock;

  JobLife(QueueOptions<Payload>&& given, Host& its_host, Clock its_clock, std::uint32_t its_number)
      : options(std::move(given)),
        clock(its_clock),
        host(its_host),
        number(its_number),
        name_text(options.name),
        store(options.capacity, options.memory),
        planner(store.nodes, clock.now(), Traits::tick) {}

  /// The run of `slot` came to an end with `outcome`.
  void finish_run(Run& run, const Outcome& outcome, bool threw) {
    auto& word = store.hot(run.slot).word;
    if (run.committed) return finish_committed(run, outcome);
    if (outcome.kind() == OutcomeKind::done) {
      if (word.finish(run.stamp)) {
        run.line.end();
        return end(run.slot, Count::done);
      }
      if (word.finish_late(run.stamp)) {  // row 9b
        counters.add(Count::late_successes);
        run.line.end();
        return end(run.slot, Count::done);
      }
    } else if (word.begin_settle(run.stamp)) {
      const bool stopped = run.line.stop.reason(run.round) == StopReason::shutdown;
      const Verdict verdict = judge(run.slot, outcome, threw, stopped);
      run.line.end();
      counters.add(Count::other_runs);
      return apply(run.slot, verdict, outcome.kind() == OutcomeKind::discard ? Count::discarded : Count::cancelled);
    }
    counters.add(Count::stale_settles);
    counters.add(Count::other_runs);
    run.line.end();
    release(run.slot);
  }

  /// Row 4 for a settle from outside a run (a lease that was pulled); the caller won `begin_settle`.
  void settle(std::uint32_t slot, const Outcome& outcome) {
    const Verdict verdict = judge(slot, outcome, false, false);
    counters.add(Count::other_runs);
    apply(slot, verdict, outcome.kind() == OutcomeKind::discard ? Count::discarded : Count::cancelled);
  }

  /// Rows 6a, 9d: what was popped from the errand ring.
  void run_errand(std::uint32_t slot) {
    auto& word = store.hot(slot).word;
    if (word.claim_expired()) return settle_hang(slot);
    if (word.read().state() == State::dead) return bury(slot);
    release(slot);
  }

  /// Row 11: drops one hold, and does what the last one out has to do.
  void release(std::uint32_t slot) {
    switch (store.hot(slot).word.drop()) {
      case SlotWord<typename Store::Policy>::AfterDrop::nothing:
        return;
      case SlotWord<typename Store::Policy>::AfterDrop::free:
        return free_slot(slot);
      case SlotWord<typename Store::Policy>::AfterDrop::settle:  // row 12
        return apply(slot, after_hang(slot), Count::cancelled);
    }
  }

  /// The caller's hold on an ended job goes; then the job is counted, so that whoever sees the count sees its effects.
  void end(std::uint32_t slot, Count what) {
    release(slot);
    counters.add(what);
    idle.notify_all();
  }

  /// Row 5: offers the dead letter to the sink; a sink that fails loses nothing.
  void bury(std::uint32_t slot) {
    if (offer(slot)) return end(slot, Count::dead);
    counters.add(Count::dead);
    counters.add(Count::kept);
    store.hot(slot).word.keep();
    idle.notify_all();
  }

  /// Row 5a: offers every kept letter again; returns how many the sink took.
  std::uint32_t retry_kept() {
    std::uint32_t taken = 0;
    for (std::uint32_t slot = 0; slot < options.capacity; ++slot) {
      auto& word = store.hot(slot).word;
      if (word.read().state() != State::kept || !word.unkeep()) continue;
      if (!offer(slot)) {
        word.keep();
        continue;
      }
      counters.add(Count::unkept);
      release(slot);
      ++taken;
    }
    return taken;
  }

  /// Puts a slot whose word says `ready` into its lane and sees to it that somebody comes for it.
  void push_ready(std::uint32_t slot) {
    store.ready[store.hot(slot).lane]->push(slot);
    host.wake();
    takers.notify_one();
  }

  void push_errand(std::uint32_t slot) {
    store.errands.push(slot);
    host.wake();
    takers.notify_one();
  }

  /// Calls user code; an exception is counted and goes no further. True if there was none.
  template <class F>
  bool contain(F call) {
#if defined(__cpp_exceptions)
    try {
      call();
      return true;
    } catch (...) {
      counters.add(Count::user_errors);
      return false;
    }
#else
    call();
    return true;
#endif
  }

  QueueOptions<Payload> options;
  const Clock clock;
  Host& host;
  const std::uint32_t number;
  const ReasonText name_text;
  Store store;
  Planner planner;
  Counters counters;
  WaitList room;
  WaitList idle;
  WaitList takers;
  std::atomic<Phase> phase{Phase::open};

 private:
  void finish_committed(Run& run, const Outcome& outcome) {
    auto& word = store.hot(run.slot).word;
    const OutcomeKind kind = outcome.kind();
    const bool good = kind == OutcomeKind::done || kind == OutcomeKind::discard;
    if (good) {
      (void)word.finish_committed(run.stamp, State::done);
      run.line.end();
      return end(run.slot, kind == OutcomeKind::done ? Count::done : Count::discarded);
    }
    ColdSlot& cold = store.cold(run.slot);
    book_failure(cold, outcome.reason(), clock.now());
    cold.dead_reason = DeadReason::failed_after_commit;
    (void)word.finish_committed(run.stamp, State::dead);  // row 8a
    counters.add(Count::failures);
    counters.add(Count::other_runs);
    run.line.end();
    bury(run.slot);
  }

  // Row 3a: what an unsuccessful outcome means. Owns `settling`.
  Verdict judge(std::uint32_t slot, const Outcome& outcome, bool threw, bool stopped_by_shutdown) {
    switch (outcome.kind()) {
      case OutcomeKind::done:
      case OutcomeKind::discard:
        return {State::done};
      case OutcomeKind::yield:
        counters.add(Count::snoozes);
        return {State::ready};
      case OutcomeKind::snooze:
        counters.add(Count::snoozes);
        return outcome.delay() > Duration{} ? Verdict{State::waiting, outcome.delay()} : Verdict{State::ready};
      case OutcomeKind::dead:
      case OutcomeKind::retry:
      case OutcomeKind::retry_after:
        break;
    }
    if (stopped_by_shutdown) return {State::ready};  // a leftover: its attempt does not count
    const Time now = clock.now();
    ColdSlot& cold = store.cold(slot);
    book_failure(cold, outcome.reason(), now);
    counters.add(Count::failures);
    if (threw) counters.add(Count::exceptions);
    if (outcome.kind() == OutcomeKind::dead) return {State::dead, {}, DeadReason::rejected};
    if (const auto limit = exhausted(cold, limits_of(cold), now)) return {State::dead, {}, *limit};
    if (outcome.kind() == OutcomeKind::retry) return next_try(cold, outcome.reason(), now, DeadReason::failures_exhausted);
    counters.add(Count::retries);
    if (outcome.delay() <= Duration{}) return {State::ready};
    return {State::waiting, outcome.delay()};
  }

  Limits limits_of(const ColdSlot& cold) const noexcept {
    return {cold.max_failures.value_or(options.max_failures), options.max_deliveries, options.max_hangs,
            cold.retry_for.value_or(options.retry_for)};
  }

  Verdict next_try(ColdSlot& cold, std::string_view why, Time now, DeadReason never) {
    Verdict verdict{State::waiting, std::chrono::seconds{1}};  // what a policy that throws means
    const std::uint64_t draw = Rng(options.seed + draws_.fetch_add(1, std::memory_order_relaxed)).next();
    contain([&] { verdict = ask(options.retry, cold, why, now, draw, never); });
    if (verdict.to != State::dead) counters.add(Count::retries);
    return verdict;
  }

  // Row 6a: the lease is lost; the hang is booked here, once.
  void settle_hang(std::uint32_t slot) {
    ColdSlot& cold = store.cold(slot);
    grow(cold.hangs);
    grow(cold.deliveries);
    OnHung choice = default_on_hung(slot);
    if (options.on_hung) {
      contain([&] { choice = options.on_hung(HungInfo{id_of(slot), cold.hangs, cold.deliveries, false}); });
    }
    if (choice == OnHung::give_up) return apply(slot, {State::dead, {}, DeadReason::hung}, Count::cancelled);
    auto& word = store.hot(slot).word;
    const bool crowded = word.read().holders() > SlotView::max_holders / 2;
    const bool waits = choice == OnHung::wait || crowded || phase.load(std::memory_order_seq_cst) != Phase::open;
    if (waits && word.stall()) return;  // row 6b; row 12 goes on from there
    apply(slot, after_hang(slot), Count::cancelled);
  }

  Verdict after_hang(std::uint32_t slot) {
    const Time now = clock.now();
    ColdSlot& cold = store.cold(slot);
    if (const auto limit = exhausted(cold, limits_of(cold), now)) return {State::dead, {}, *limit};
    return next_try(cold, {}, now, DeadReason::hung);
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
    switch (verdict.to) {
      case State::waiting:
        if (settle_waiting(slot, verdict.delay)) return;
        break;
      case State::ready:
        if (word.settle(State::ready)) return push_ready(slot);
        break;
      case State::dead:
        store.cold(slot).dead_reason = verdict.reason;
        if (word.settle(State::dead)) return bury(slot);
        break;
      default:
        (void)word.settle(State::done);
        return end(slot, ended);
    }
    (void)word.settle(State::done);  // a cancel came first
    end(slot, Count::cancelled);
  }

  bool settle_waiting(std::uint32_t slot, Duration delay) {
    const Time due = later(clock.now(), delay);
    bool earliest = false;
    {
      const std::lock_guard lock(planner.mutex());
      if (!store.hot(slot).word.settle(State::waiting)) return false;
      earliest = planner.insert(2 * slot, due);
      counters.add(Count::entered_waiting);
    }
    if (earliest) host.plan_changed(due);
    idle.notify_all();
    return true;
  }

  // Hands the letter over; on failure the payload is back in its slot.
  bool offer(std::uint32_t slot) {
    if (!options.dead_letters) return true;
    auto& hot = store.hot(slot);
    DeadLetter<Payload> letter = describe(slot);
    bool moved = false;
    bool taken = false;
    const bool calm = contain([&] {
      if (hot.word.read().holders() == 1) {
        if constexpr (std::is_move_constructible_v<Payload>) {
          letter.payload.emplace(std::move(hot.payload()));
          moved = true;
        }
      } else if constexpr (std::is_copy_constructible_v<Payload>) {
        letter.payload.emplace(std::as_const(hot.payload()));
      } else {
        letter.is_held = true;
      }
      taken = options.dead_letters(std::move(letter));
    });
    if (calm && taken) {
      hot.owes_letter = letter.is_held;
      return true;
    }
    counters.add(Count::sink_failures);
    if constexpr (std::is_move_constructible_v<Payload>) {
      if (moved && letter.payload) {
        std::destroy_at(&hot.payload());
        ::new (static_cast<void*>(hot.place)) Payload(std::move(*letter.payload));
      }
    }
    return false;
  }

  DeadLetter<Payload> describe(std::uint32_t slot) {
    const ColdSlot& cold = store.cold(slot);
    DeadLetter<Payload> letter;
    letter.id = id_of(slot);
    letter.reason = cold.dead_reason;
    letter.first_error = cold.first_error;
    letter.last_error = cold.last_error;
    letter.failures = cold.failures;
    letter.hangs = cold.hangs;
    letter.deliveries = cold.deliveries;
    letter.priority = store.hot(slot).lane;
    letter.enqueued_at = cold.enqueued_at;
    letter.first_failure = cold.first_failure;
    letter.died_at = clock.now();
    return letter;
  }

  // Row 10.
  void free_slot(std::uint32_t slot) {
    auto& hot = store.hot(slot);
    if (hot.owes_letter) {
      contain([&] {
        DeadLetter<Payload> letter = describe(slot);
        if constexpr (std::is_move_constructible_v<Payload>) letter.payload.emplace(std::move(hot.payload()));
        letter.is_completion = true;
        (void)options.dead_letters(std::move(letter));
      });
    }
    if (!hot.emptied) contain([&] { std::destroy_at(&hot.payload()); });
    hot.word.free();
    store.free.give(slot);
    room.notify_one();
  }

  JobId id_of(std::uint32_t slot) noexcept {
    return {store.hot(slot).birth.load(std::memory_order_relaxed), slot, number};
  }

  std::atomic<std::uint64_t> draws_{0};
};

}  // namespace windlass::detail
