#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "../machines/seq_cst.hpp"
#include "../machines/wait_list.hpp"
#include "counters.hpp"
#include "frame.hpp"
#include "job_store.hpp"
#include "planner.hpp"
#include "queue_base.hpp"
#include "timings.hpp"
#include "windlass/options.hpp"
#include "windlass/traits.hpp"

namespace windlass::detail {

/// How far a queue's shutdown has come.
enum class Phase : std::uint8_t {
  open,      // as usual
  draining,  // shutdown began: what is due still runs, but for what a hung run still has: no redelivery
  stopping,  // no run starts any more; what is settled now is left over
  over,      // leftovers were dealt with; whoever settles now deals with its own
};

[[nodiscard]] inline Time later(Time now, Duration by) noexcept {
  return by > (Time::max)() - now ? (Time::max)() : now + by;
}

/// From `wall` until `at`, which is later; the longest Duration if it is longer than that, as it may be where the wall
/// clock counts in larger units, or is set to long ago.
[[nodiscard]] inline Duration until(std::chrono::system_clock::time_point at,
                                    std::chrono::system_clock::time_point wall) noexcept {
  using Wall = std::chrono::system_clock::duration;
  const auto count = [](auto moment) { return static_cast<std::uint64_t>(moment.time_since_epoch().count()); };
  const auto longest = static_cast<std::uint64_t>(std::chrono::duration_cast<Wall>((Duration::max)()).count());
  const std::uint64_t left = count(at) - count(wall);  // unsigned: two signed ones may be further apart than one counts
  return Wall{static_cast<Wall::rep>((std::min)(left, longest))};
}

/// What one queue consists of, but for its handler and its threads; and how a number reaches a ring.
template <class Payload, class Traits>
class JobParts {
 public:
  using Store = JobStore<Payload, Traits>;
  using Clock = typename Traits::Clock;
  using Word = SlotWord<typename Store::Policy>;

  JobParts(QueueOptions<Payload>&& given, Host& its_host, Clock its_clock, std::uint32_t its_number)
      : options(std::move(given)),
        clock(its_clock),
        host(its_host),
        number(its_number),
        name_text(options.name),
        store(options.capacity, options.memory),
        planner(store.nodes, clock.now(), Traits::tick),
        counters(host.lines()) {}
  JobParts(const JobParts&) = delete;
  JobParts& operator=(const JobParts&) = delete;

  /// Puts a slot whose word says `ready` into its lane and sees to it that somebody comes for it. While the queue is
  /// paused nobody may, and nobody is woken in vain.
  ///
  /// [pause.look] The job is in its lane, then `is_paused` is read; resume() clears that, then looks at the lanes. All
  /// seq_cst: one of the two announces the job.
  void push_ready(std::uint32_t slot) {
    store.lane(slot).push(slot);
    if (!is_paused.load()) announce();
  }

  /// Puts a slot that has a hold for it into the errand ring, likewise.
  void push_errand(std::uint32_t slot) {
    store.errands.push(slot);
    // All, for whoever waits to reserve has no use for it: it is for those who lend a thread meanwhile.
    takers.notify_all();
    if (host.is_pumped()) idle.notify_all();
    host.wake();
  }

  /// Somebody is wanted for what has just been made ready, or may be run now.
  ///
  /// Here and below the host comes last: it may call `on_ready`, which may take its time.
  void announce() noexcept {
    takers.notify_one();
    if (host.is_pumped()) idle.notify_all();  // whoever waits for idleness runs jobs meanwhile
    host.wake();
  }

  /// Jobs may start that may not have before.
  void announce_all() noexcept {
    takers.notify_all();
    idle.notify_all();
    host.wake();
  }

  /// A job is over or waits, and was counted: somebody may wait for that.
  void note_quiet() noexcept {
    idle.notify_all();
    if (is_closed.load()) takers.notify_all();  // the last job may be gone
  }

  /// One lease less is out: a shutdown may wait for that.
  void note_lease_back() noexcept {
    if (is_closed.load()) idle.notify_all();
  }

  /// The earliest deadline is a new one.
  void plan_changed() noexcept {
    if (host.is_pumped()) notify_timekeepers();
    host.plan_changed();
  }

  /// A job with this lease, or max_runtime, may start soon.
  void lease_in_use(Duration lease) noexcept {
    if (lease > Duration{} && host.lease_in_use(lease) && host.is_pumped()) notify_timekeepers();
  }

  /// Without a timekeeper time is kept by all who wait: they have to look earlier than they meant to.
  void notify_timekeepers() noexcept {
    room.notify_all();
    takers.notify_all();
    idle.notify_all();
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

  /// Tells the observer, on whatever thread; nothing at all with the default one.
  void observe([[maybe_unused]] Event event, [[maybe_unused]] JobId id) {
    if constexpr (!std::is_same_v<typename Traits::Observer, NoObserver>) {
      const Frame frame(host, number);
      contain([&] { observer(Observation{event, id, name_text.view()}); });
    }
  }
  void observe([[maybe_unused]] Event event, [[maybe_unused]] std::uint32_t slot) {
    if constexpr (!std::is_same_v<typename Traits::Observer, NoObserver>) observe(event, id_of(slot));
  }

  /// The job that lives in `slot`.
  [[nodiscard]] JobId id_of(std::uint32_t slot) noexcept {
    return {store.hot(slot).birth.load(std::memory_order_relaxed), slot, number};
  }

  QueueOptions<Payload> options;
  const Clock clock;
  Host& host;
  const std::uint32_t number;
  const ReasonText name_text;
  Store store;
  BasicPlanner<typename Store::Policy> planner;
  Counters counters;
  Timings wait_times;
  Timings run_times;
  WaitList room;    // enqueue on a full queue
  WaitList idle;    // wait_idle_for, drain_for, shutdown
  WaitList takers;  // reserve and run
  SeqCst<Phase> phase{Phase::open};
  SeqCst<bool> are_leases_told{false};  // a shutdown asks whoever has pulled a job to stop
  SeqCst<bool> is_closed{false};
  SeqCst<bool> is_paused{false};
  SeqCst<std::uint32_t> pulled_out{0};  // leases that are neither settled nor destroyed
  Leftover leftover = Leftover::run;    // of the shutdown; set before `phase` becomes `over`
  Function<void(JobId, Payload&&)> hand_back;
  [[no_unique_address]] typename Traits::Observer observer;
};

}  // namespace windlass::detail
