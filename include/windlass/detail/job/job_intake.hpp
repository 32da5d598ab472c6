#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>

#include "job_life.hpp"
#include "windlass/result.hpp"

namespace windlass::detail {

/// How jobs get in: row 1. The fast road takes no lock and reads no clock.
template <class Payload, class Traits>
class JobIntake : public JobLife<Payload, Traits> {
  using Life = JobLife<Payload, Traits>;

 public:
  using Life::clock, Life::counters, Life::host, Life::options, Life::planner, Life::store;

  JobIntake(QueueOptions<Payload>&& given, Host& its_host, typename Traits::Clock its_clock, std::uint32_t its_number)
      : Life(std::move(given), its_host, its_clock, its_number), is_stamped_(options.retry_for != Duration{}) {}

  /// Takes a job in, or says why not; never waits. `construct(place)` makes the payload; if it throws, nothing was
  /// enqueued.
  template <class Construct>
  EnqueueResult admit(const EnqueueOptions& given, Construct construct) {
    const bool is_plain = given.is_default() && !given.priority;
    if (const char* const field = is_plain ? nullptr : (check)(given, Life::Store::lanes, Traits::tick)) {
      return EnqueueResult::refused(EnqueueError::invalid_options, field);
    }
    const std::uint64_t ticket = counters.add(Count::accepted);  // before the look at closed: close() does the reverse
    if (this->is_closed.load()) {
      leave();
      return EnqueueResult::refused(EnqueueError::closed);
    }
    const auto [slot, moved] = store.free.take();
    if (moved) this->room.notify_one();
    if (slot == no_slot) {
      leave();
      return EnqueueResult::refused(EnqueueError::full);
    }
    hint<typename Life::Store::Policy>([&, at = slot] {
      store.prefetch(store.free.likely_soon(at));
      if (!is_plain) store.prefetch_cold(at);
    });
    return EnqueueResult::accepted(fill(slot, given, is_sampled(ticket), construct));
  }

 private:
  struct GiveBack {
    JobIntake& intake;
    std::uint32_t slot;
    bool armed = true;
    ~GiveBack() {
      if (!armed) return;
      intake.store.free.give(slot);
      intake.room.notify_one();
      intake.leave();
    }
  };

  [[nodiscard]] static constexpr bool is_sampled(std::uint64_t ticket) noexcept {
    return Traits::timing == Timing::all || (Traits::timing == Timing::sampled && ticket % 64 == 0);
  }

  // Counts an enqueue out that did not happen after all.
  void leave() noexcept {
    counters.add(Count::refused);
    this->note_quiet();
  }

  template <class Construct>
  JobId fill(std::uint32_t slot, const EnqueueOptions& given, bool sampled, Construct construct) {
    auto& hot = store.hot(slot);
    GiveBack guard{*this, slot};
    construct(static_cast<void*>(hot.place));
    guard.armed = false;
    hot.lane = given.priority ? lane_of(given) : std::uint8_t{Life::Store::lanes / 2};
    hot.has_cold = hot.emptied = hot.owes_letter = false;
    const JobId id{hot.word.read().stamp(), slot, Life::number};
    hot.birth.store(id.stamp(), std::memory_order_relaxed);  // before the word is: [word.born]
    this->observe(Event::enqueued, id);
    if (given.is_default() && !is_stamped_) {
      if (sampled) [[unlikely]] {
        stamp(slot);
      }
      hot.is_timed.store(sampled, std::memory_order_relaxed);
      hot.word.enqueue(State::ready);
      this->push_ready(slot);
    } else {
      fill_cold(slot, given, sampled);
    }
    this->deal_with_leftovers();
    return id;
  }

  // Not inlined: a call in the middle, though it be one in 64, costs each enqueue the registers that a call must save.
  [[gnu::noinline]] void stamp(std::uint32_t slot) noexcept { store.hot(slot).stamp_enqueue(clock.now()); }

  // Not inlined, as `check` is not.
  [[gnu::noinline]] void fill_cold(std::uint32_t slot, const EnqueueOptions& given, bool sampled) {
    auto& hot = store.hot(slot);
    ColdSlot& cold = store.cold(slot);
    const Time now = clock.now();
    cold.enqueued_at = now;
    cold.at = given.at;
    cold.lease = given.lease;
    cold.max_runtime = given.max_runtime;
    cold.max_failures = given.max_failures;
    cold.retry_for = given.retry_for;
    if (given.lease) this->lease_in_use(*given.lease);
    if (given.max_runtime) this->lease_in_use(*given.max_runtime);
    const Time due = given.at ? at_due(*given.at, now) : later(now, given.delay);
    const bool is_timed = sampled && due <= now;
    if (is_timed) hot.stamp_enqueue(now);
    hot.is_timed.store(is_timed, std::memory_order_relaxed);
    if (due <= now) {
      cold.at.reset();  // it is past, and has no say in when a later run comes
      hot.word.enqueue(State::ready);
      return this->push_ready(slot);
    }
    bool earliest = false;
    {
      const auto hold = planner.hold();
      hot.word.enqueue(State::waiting);
      earliest = planner.insert(2 * slot, due);
      counters.add(Count::entered_waiting);
    }
    if (earliest) this->plan_changed();
    this->note_quiet();
  }

 protected:
  // A wall-clock job is looked at once a second, so that setting the clock re-plans it; until shutdown begins.
  Time at_due(std::chrono::system_clock::time_point at, Time now) const {
    const auto wall = clock.wall_now();
    if (at <= wall) return now;
    const Duration left = until(at, wall);
    const bool is_open = this->phase.load() == Phase::open;
    return later(now, is_open ? (std::min<Duration>)(left, std::chrono::seconds{1}) : left);
  }

 public:
  /// Plans the wall-clock jobs for when they are due. O(slots ever used).
  void plan_wall_clock_jobs() {
    bool earliest = false;  // the clock may have been set meanwhile
    for (std::uint32_t slot = 0; slot < store.free.used(); ++slot) {
      const auto hold = planner.hold();
      if (store.hot(slot).word.read().state() != State::waiting || !store.hot(slot).has_cold) continue;
      const auto at = store.cold(slot).at;
      if (!at) continue;
      planner.remove(2 * slot);
      earliest = planner.insert(2 * slot, at_due(*at, clock.now())) || earliest;
    }
    if (earliest) this->plan_changed();
  }

 private:
  const bool is_stamped_;  // every job needs its enqueue time
};

}  // namespace windlass::detail
