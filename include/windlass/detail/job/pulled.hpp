#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>

#include "job_parts.hpp"

// Leases that are pulled by hand: what times them and tells them to stop. A worker's run has a line for that; a pulled
// lease has the alarm node of its slot, and a stop state that its slot keeps, with a round for each lease.
//
// Invariant: a round's lease is told before the number of its slot can be pulled again: by who expires it, before that
// makes an errand of it, or by who settles it, before that gives up its hold. So nobody waits for a round that is over.

namespace windlass::detail {

/// Whether a run, or whoever pulled the job, has it and works it.
[[nodiscard]] constexpr bool is_held(SlotView seen) noexcept {
  return seen.state() == State::leased || seen.state() == State::committing;
}

/// One pulled lease, as its owner knows it; what Run is for a handler.
struct Pulled {
  JobId id{};
  std::uint32_t slot = 0;
  std::uint32_t attempt = 1;
  std::uint64_t stamp = 0;  // an extend renews it
  std::uint64_t round = 0;  // of the slot's stop state
  Commit commit = Commit::none;
};

/// The lease was just pulled: from now on its alarm times it, if it has an end or a max_runtime.
template <class Core>
void set_alarm(Core& core, const Pulled& pulled) {
  const Duration lease = core.lease_of(pulled.slot);
  const Duration limit = core.max_runtime_of(pulled.slot);
  if (lease == Duration{} && limit == Duration{}) return;
  const Time now = core.clock.now();
  const auto in = [&](Duration length) {
    return length > Duration{} ? later(core.host.lease_time(now), length) : (Time::max)();
  };
  bool earliest = false;
  {
    const auto hold = core.planner.hold();
    ColdSlot& cold = core.store.cold(pulled.slot);
    cold.pulled_stamp = pulled.stamp;
    cold.pulled_until = in(lease);
    cold.pulled_limit = in(limit);
    cold.is_over_time = false;
    const Duration first = lease == Duration{} || (limit > Duration{} && limit < lease) ? limit : lease;
    earliest = core.planner.insert(2 * pulled.slot + 1, later(now, first));
  }
  if (earliest) core.plan_changed();
}

/// The lease is about to be settled: it has no alarm any more, and who waits for its stop has waited long enough.
/// While the word bears its stamp, the cold slot is this job's and only expiry, under this lock, can end that.
template <class Core>
void end_pulled(Core& core, const Pulled& pulled) {
  {
    const auto hold = core.planner.hold();
    const SlotView seen = core.store.hot(pulled.slot).word.read();
    if (is_held(seen) && seen.stamp() == pulled.stamp) core.planner.remove(2 * pulled.slot + 1);
  }
  core.store.stop(pulled.slot)->request(pulled.round, StopReason::lease_lost);
}

/// What became of an extend.
enum class Extended : std::uint8_t {
  yes,
  lost,       // somebody else has the job, or may have it
  over_time,  // max_runtime is over
};

/// Row "renew" for a pulled lease that has not committed.
template <class Core>
[[nodiscard]] Extended extend_pulled(Core& core, Pulled& pulled, Duration by) {
  const Time now = core.clock.now();
  const Time until = later(core.host.lease_time(now), by);
  const auto hold = core.planner.hold();
  auto& word = core.store.hot(pulled.slot).word;
  const SlotView seen = word.read();
  if (seen.state() != State::leased || seen.stamp() != pulled.stamp) return Extended::lost;
  ColdSlot& cold = core.store.cold(pulled.slot);  // this job's, as in end_pulled()
  if (cold.is_over_time) return Extended::over_time;
  pulled.stamp = cold.pulled_stamp = word.renew(pulled.stamp);
  if (until > cold.pulled_until && core.lease_of(pulled.slot) > Duration{}) {
    cold.pulled_until = until;
    const Time first = (std::min)(until, cold.pulled_limit);
    core.planner.remove(2 * pulled.slot + 1);
    core.planner.insert(2 * pulled.slot + 1, later(now, first - core.host.lease_time(now)));
  }
  return Extended::yes;
}

/// What follows from an alarm, when the planner's lock is released.
struct Alarm {
  std::uint32_t slot = 0;
  std::uint64_t round = 0;            // of the slot's stop state
  StopReason why = StopReason::none;  // what that is to be told; `none` if nothing follows
  State reached = State::free;        // row 6; `free` if the lease is not lost
};

/// Under the planner's lock: the alarm of a pulled lease went off. If the process stood still meanwhile, there is lease
/// time left.
template <class Core>
[[nodiscard]] Alarm ring_alarm(Core& core, std::uint32_t slot, Time now) {
  ColdSlot& cold = core.store.cold(slot);
  const Time lease_now = core.host.lease_time(now);
  // The round is the alarm's: until its lease is settled or lost nobody pulls the slot again, a settle first takes this
  // lock to clear the alarm, and what is lost here is pulled again only after we let go of the lock.
  Alarm alarm{slot, core.store.stop(slot)->round()};
  if (cold.pulled_limit <= lease_now) {
    cold.pulled_limit = (Time::max)();
    cold.is_over_time = true;
    alarm.why = StopReason::max_runtime;
  }
  Time next = cold.pulled_limit;
  if (cold.pulled_until > lease_now) {
    next = (std::min)(next, cold.pulled_until);
  } else {
    const bool is_open = core.phase.load() == Phase::open;
    alarm.reached = core.store.hot(slot).word.expire(static_cast<std::uint32_t>(cold.pulled_stamp),
                                                     is_open ? State::expired : State::stalled);
    if (alarm.reached != State::free) {
      if (alarm.why == StopReason::none) alarm.why = StopReason::lease_lost;
      core.counters.add(Count::expiries);
      if (alarm.reached == State::done) core.counters.add(Count::cancelled);
      return alarm;
    }
  }
  if (next != (Time::max)()) core.planner.insert(2 * slot + 1, later(now, next - lease_now));
  return alarm;
}

/// Asks the pulled lease to stop that the caller has seen in the word; `still(word)` says whether a later look shows it
/// yet.
///
/// [pull.round] The round is read between two looks at the word that both show the lease. It was begun before the first
/// one (row 2 is a release, a look an acquire). A later one is begun only when the word has ceased to show the lease,
/// and is stored with release: whoever reads that finds the lease gone in the second look. Should the lease end after
/// it, request() does nothing to a round that is over.
template <class Life, class Still>
void stop_pulled(Life& life, std::uint32_t slot, StopReason why, Still still) {
  StopState* const state = life.store.stop(slot);
  if (state == nullptr) return;  // never: the lease was seen
  const std::uint64_t round = state->round();
  if (still(life.store.hot(slot).word.read())) state->request(round, why);
}

/// Asks all pulled leases to stop; `phase` is `stopping` already, and whoever has a lease had it in its word before
/// that (JobLife::give_back). O(slots ever used). A slot that a worker runs may have a state too: the lease that it
/// belonged to is over and was told.
template <class Core>
void stop_all_pulled(Core& core) {
  core.are_leases_told.store(true);
  for (std::uint32_t slot = 0; slot < core.store.free.used(); ++slot) {
    if (!is_held(core.store.hot(slot).word.read())) continue;
    if (StopState* const state = core.store.stop(slot)) state->request(state->round(), StopReason::shutdown);
  }
}

}  // namespace windlass::detail
