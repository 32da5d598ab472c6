#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "../job/accounts.hpp"
#include "../job/gate.hpp"
#include "../job/job_core.hpp"
#include "../machines/shard.hpp"
#include "crew.hpp"

namespace windlass::detail {

/// A queue together with whoever runs it: the calls that wait, pump or end it.
template <class Payload, class Traits>
class Engine {
 public:
  using Core = JobCore<Payload, Traits>;
  using Clock = typename Traits::Clock;

  /// Until when a call may wait: by the machine's clock, or by a queue's own that is moved by hand.
  struct Deadline {
    WaitList::Deadline real{};
    Time own = (Time::max)();
  };

  /// `shared` is null for a queue with a crew of its own. Throws ConfigError, or what starting threads throws.
  Engine(typename Core::Handler handler, QueueOptions<Payload>&& options, Crew* shared, Clock clock)
      : own_(shared == nullptr ? std::make_unique<Crew>(crew_options(options, clock)) : nullptr),
        crew(shared == nullptr ? *own_ : *shared),
        core(std::move(handler), std::move(options), crew, clock,
             numbers_given.fetch_add(1, std::memory_order_relaxed) + 1),
        gate(std::make_shared<Gate>()) {
    if (!crew.attach(core, core.options.weight)) {
      throw_config("pool", "serves 64 queues already", {"queue", core.name()});
    }
    crew.enter(core);
    if (own_ != nullptr) own_->start();
  }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// The queue was shut down. Waiting calls have been told to leave; waits until they have, then ends what is left.
  /// Its gate is shut.
  ~Engine() {
    for (auto out = core.pulled_out.load(); out > 0; --out) crew.pulled_lease_back();
    end_everything(core);
    crew.leave(core);
  }

  /// True in the child of a fork(): nothing here may be locked, and nobody works.
  [[nodiscard]] bool is_forked() const noexcept { return gate->is_forked(); }

  [[nodiscard]] Deadline deadline_in(std::optional<Duration> limit) const {
    if (!limit) return {};
    return {later(std::chrono::steady_clock::now(), *limit), later(core.clock.now(), *limit)};
  }

  /// Whether this thread runs a handler or a callback of this queue, or of its own crew.
  [[nodiscard]] bool is_inside() const noexcept {
    return own_ != nullptr ? Frame::is_inside(crew) : Frame::is_inside(core.number);
  }

  /// Whether this thread would wait for what only it can bring about: it is inside a run or a callback of this crew,
  /// or it is the one that pumps.
  [[nodiscard]] bool would_deadlock() const noexcept {
    return Frame::is_inside(crew) ||
           (crew.is_pumped() && last_pumper_.load(std::memory_order_relaxed) == thread_number());
  }

  /// Admits a job as soon as there is room.
  template <class Construct>
  EnqueueResult enqueue(const EnqueueOptions& options, Deadline deadline, StopToken stop, Construct construct) {
    for (;;) {
      const EnqueueResult result = core.admit(options, construct);
      if (result.error() != EnqueueError::full) return result;
      if (would_deadlock()) return EnqueueResult::refused(EnqueueError::would_deadlock);
      const auto ready = [&] { return core.store.free.has_any() || core.is_closed.load(); };
      switch (wait(core.room, ready, deadline, stop)) {
        case WaitError::timed_out:
          return EnqueueResult::refused(EnqueueError::timed_out);
        case WaitError::stopped:
          return EnqueueResult::refused(EnqueueError::stopped);
        default:
          break;
      }
    }
  }

  /// Waits until `ready()`, asked under the list's lock. Without a timekeeper the caller keeps time meanwhile; a clock
  /// that is moved by hand is moved on, for nobody else may do it.
  template <class Ready>
  WaitError wait(WaitList& list, Ready ready, const Deadline& deadline, StopToken stop) {
    for (;;) {
      const Duration pace = crew.is_pumped() ? crew.pace() : (Duration::max)();
      const Time due = crew.is_pumped() ? keep_time(pace) : (Time::max)();
      if (ready()) return WaitError::none;
      if (stop.stop_requested()) return WaitError::stopped;
      const Time now = core.clock.now();
      const Time until = due < deadline.own ? due : deadline.own;
      if constexpr (requires { core.clock.sleep(Duration{}); }) {
        if (crew.is_pumped() && until != (Time::max)()) {
          if (deadline.own <= now) return WaitError::timed_out;
          if (until > now) core.clock.sleep(until - now);
          continue;
        }
      }
      const bool is_timer = due < deadline.own;
      // Time must be kept earlier than at `due`; compared with that, for what was planned may go and come again.
      const auto changed = [&] {
        return ready() || (crew.is_pumped() && (core.planner.next_due() < due || crew.pace() < pace));
      };
      const WaitError error = is_timer ? list.wait(changed, later(std::chrono::steady_clock::now(), due - now), stop)
                                       : list.wait(changed, deadline.real, stop);
      if (error == WaitError::stopped || (error == WaitError::timed_out && !is_timer)) return error;
    }
  }

  /// Runs errands and jobs on the caller while `more(ran)` says so; jobs only from before `ends` in their lanes, unless
  /// that is null.
  template <class More>
  Ran run_while(More more, const std::uint64_t* ends = nullptr) {
    last_pumper_.store(thread_number(), std::memory_order_relaxed);
    return crew.pump(core, ends, more);
  }

  /// See JobQueue::pump.
  PumpResult pump(const PumpOptions& options) {
    PumpResult result;
    const Time begun = core.clock.now();
    Time now = begun;
    last_pumper_.store(thread_number(), std::memory_order_relaxed);  // even if the budget lets nothing run
    crew.rearm_ready();
    if (crew.is_pumped()) (void)crew.keep_time(now, crew.pace());
    const auto has_budget = [&] {
      return result.ran < options.max_jobs && !(options.budget && now - begun >= *options.budget);
    };
    const auto more = [&](Ran ran) {
      if (ran == Ran::job) ++result.ran;
      if (options.budget) now = core.clock.now();
      return has_budget();
    };
    if (has_budget()) (void)run_while(more);
    rearm_if_empty();
    result.left = count_ready(core);
    if (options.budget && now - begun > *options.budget) result.overrun = now - begun - *options.budget;
    return result;
  }

  /// See JobQueue::poll.
  std::size_t poll() {
    crew.rearm_ready();
    if (crew.is_pumped()) (void)keep_time(crew.pace());
    std::array<std::uint64_t, Core::Store::lanes> ends{};
    (void)run_while([](Ran) { return true; }, ends.data());  // errands first: they may make jobs ready
    for (std::uint32_t i = 0; i < ends.size(); ++i) ends[i] = core.store.ready[i]->end();
    std::size_t ran = 0;
    const auto count = [&](Ran last) {
      if (last == Ran::job) ++ran;
      return true;
    };
    (void)run_while(count, ends.data());
    rearm_if_empty();
    return ran;
  }

  /// See JobQueue::run.
  void run(StopToken stop) {
    crew.rearm_ready();
    const auto ready = [&] { return core.has_work() || is_finished(); };
    // Without a handler jobs are for those who reserve, whom a single wake must reach.
    WaitList& list = core.has_handler() ? core.takers : core.idle;
    while (!stop.stop_requested()) {
      const Ran ran = run_while([&](Ran) { return !stop.stop_requested(); });
      if (ran == Ran::no_seat) return;
      if (ran != Ran::nothing) continue;
      if (is_finished()) return;
      rearm_if_empty();
      if (wait(list, ready, {}, stop) != WaitError::none) return;
    }
    rearm_if_empty();
  }

  /// Waits until there may be a job to reserve; `closed` if there never will be.
  WaitError wait_to_reserve(const Deadline& deadline, StopToken stop) {
    if (is_finished()) return WaitError::closed;
    if (would_deadlock()) return WaitError::would_deadlock;
    const bool runs_errands = crew.is_pumped() && !core.has_handler();
    return wait(
        core.takers,
        [&] {
          return (core.may_start() && core.has_ready()) || (runs_errands && !core.store.errands.empty()) ||
                 is_finished();
        },
        deadline, stop);
  }

  /// Without a handler and workers, calls that reserve and settle keep time and run the errands.
  void keep_house() {
    if (!crew.is_pumped()) return;
    crew.rearm_ready();
    (void)keep_time(crew.pace());
    if (!core.has_handler()) core.run_errands();
  }

  /// Nothing will ever be run or reserved again.
  [[nodiscard]] bool is_finished() const noexcept {
    return core.phase.load() >= Phase::stopping || (core.is_closed.load() && core.counters.is_drained());
  }

  /// Runs jobs on the caller until `ready()`; without a crew of workers it is the caller who brings it about.
  template <class Ready>
  WaitError wait_running(Ready ready, const Deadline& deadline) {
    for (;;) {
      keep_house();
      if (crew.is_pumped()) {
        const auto in_time = [&](Ran) { return !is_past(deadline); };
        if (!is_past(deadline)) (void)run_while(in_time);
        rearm_if_empty();
      }
      const auto work = [&] { return ready() || (crew.is_pumped() && core.has_work() && crew.has_seat()); };
      const WaitError error = wait(core.idle, work, deadline, {});
      if (ready()) return WaitError::none;
      if (error != WaitError::none || is_past(deadline)) return WaitError::timed_out;
    }
  }

  /// Ends the queue as far as it can be ended while its object lives; see JobQueue::shutdown.
  void shutdown(Duration grace, Leftover leftover, Function<void(JobId, Payload&&)> hand_back) {
    close();
    if (is_shutting_down_.exchange(true)) {
      (void)wait(core.idle, [&] { return has_ended_.load(); }, {}, {});
      return;
    }
    const Frame frame(crew, core.number);
    core.leftover = leftover;
    core.hand_back = std::move(hand_back);
    const bool runs = leftover == Leftover::run;
    const Deadline deadline = deadline_in(grace);
    if (runs) {
      enter(Phase::draining);
      core.plan_wall_clock_jobs();  // so that it is known which are due within the grace
      wait_settled([&] { return is_settled(deadline.own); }, deadline);
    }
    enter(Phase::stopping);
    std::uint32_t passed = 0;
    wait_settled([&] { return core.pulled_out.load() == 0 && !core.has_held(passed); }, deadline);
    stop_all_pulled(core);
    stop_crew(is_past(deadline) ? std::chrono::steady_clock::now() : *deadline.real);
    core.phase.store(Phase::over);
    sweep_leftovers(core);
    has_ended_.store(true);
    enter(Phase::over);
  }

  /// Refuses new jobs and wakes whoever waits for room or for a job.
  void close() {
    core.is_closed.store(true);
    core.room.notify_all();
    core.takers.notify_all();
    core.idle.notify_all();
  }

 private:
  const std::unique_ptr<Crew> own_;

 public:
  Crew& crew;
  Core core;
  const std::shared_ptr<Gate> gate;

 private:
  static CrewOptions crew_options(QueueOptions<Payload>& options, Clock clock) {
    const std::uint32_t workers = options.workers.value_or(1);
    CrewOptions crew;
    crew.name = ReasonText{options.name};
    crew.workers = crew.max_workers = workers;
    crew.max_substitutes = options.max_substitutes.value_or(workers);
    crew.on_worker_start = std::move(options.on_worker_start);
    crew.on_worker_stop = std::move(options.on_worker_stop);
    crew.on_ready = std::move(options.on_ready);
    crew.now = [clock] { return clock.now(); };
    return crew;
  }

  // A handler may have used up the signal for a job that this pump has run: the next job is news again. Should one come
  // between the look and the rearming, that signal, given since this pump began, is for it, too.
  void rearm_if_empty() {
    if (crew.is_pumped() && !core.has_work()) crew.rearm_ready();
  }

  // When the caller has to keep time again. A clock that is moved by hand is not moved on for the lease watch's sake.
  Time keep_time(Duration pace) {
    const Time due = crew.keep_time(core.clock.now(), pace);
    if constexpr (requires { core.clock.sleep(Duration{}); }) return core.planner.next_due();
    return due;
  }

  [[nodiscard]] bool is_past(const Deadline& deadline) const {
    return deadline.own != (Time::max)() && core.clock.now() >= deadline.own;
  }

  // At most 5 ms from now; where callers move the clock by hand, nothing happens meanwhile.
  [[nodiscard]] Deadline sooner(const Deadline& deadline) const {
    static constexpr std::chrono::milliseconds pace{5};
    const Deadline soon = deadline_in(pace);
    if constexpr (requires { core.clock.sleep(Duration{}); }) {
      return crew.is_pumped() ? deadline : Deadline{(std::min)(soon.real, deadline.real), deadline.own};
    } else {
      return {(std::min)(soon.real, deadline.real), (std::min)(soon.own, deadline.own)};
    }
  }

  // Nothing is left to run within a grace that ends at `end`.
  [[nodiscard]] bool is_settled(Time end) const noexcept {
    if (core.counters.is_drained()) return true;
    if (core.pulled_out.load() != 0) return false;
    if (core.is_paused.load() || !core.has_handler()) return true;
    return core.counters.is_idle() && core.planner.next_due() > end;
  }

  // Waits until `settled()`, or until `deadline`. Looks now and then: a run that ends where other jobs are left tells
  // nobody.
  template <class Settled>
  void wait_settled(Settled settled, const Deadline& deadline) {
    while (!(wait_running(settled, sooner(deadline)) == WaitError::none && is_certain(settled)) && !is_past(deadline) &&
           std::chrono::steady_clock::now() < *deadline.real) {
    }
  }

  // The same once more where no job is between waiting and ready: several counters and times were read for it.
  template <class Ready>
  [[nodiscard]] bool is_certain(Ready ready) {
    const auto hold = core.planner.hold();
    return ready();
  }

  void enter(Phase phase) {
    core.phase.store(phase);
    core.takers.notify_all();
    core.idle.notify_all();
  }

  // Asks the runs to stop and waits for them, however long that takes. One that does not listen is named, once, a while
  // after the grace, which ends at `end`.
  void stop_crew(std::chrono::steady_clock::time_point end) {
    static constexpr std::chrono::milliseconds patience{250};
    bool is_named = false;
    const auto nag = [&] {
      const bool names = !is_named && std::chrono::steady_clock::now() - patience > end;
      is_named = is_named || names;
      crew.stop_runs(core, StopReason::shutdown, [&](std::uint32_t slot) {
        if (names && core.options.on_hung) core.contain([&] { name_stubborn(slot); });
      });
    };
    if (own_ != nullptr) {
      own_->stop(nag);
    } else {
      crew.detach(core, nag);
    }
  }

  void name_stubborn(std::uint32_t slot) {
    HungInfo info;
    info.id = core.id_of(slot);
    info.shutting_down = true;
    (void)core.options.on_hung(info);
  }

  std::atomic<std::uint32_t> last_pumper_{0};
  SeqCst<bool> is_shutting_down_{false};
  SeqCst<bool> has_ended_{false};
};

}  // namespace windlass::detail
