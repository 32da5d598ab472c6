#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "cancel.hpp"
#include "frame.hpp"
#include "job_intake.hpp"
#include "leftovers.hpp"
#include "pulled.hpp"
#include "windlass/delivery.hpp"

namespace windlass::detail {

/// A whole queue except for its threads: takes jobs in, runs them on whoever calls run_next(), keeps their times.
template <class Payload, class Traits>
class JobCore final : public JobIntake<Payload, Traits>, public QueueBase {
  using Intake = JobIntake<Payload, Traits>;

 public:
  using Handler = Function<Outcome(Payload&, Delivery&)>;
  using Intake::clock, Intake::counters, Intake::host, Intake::options, Intake::phase, Intake::planner, Intake::store;

  JobCore(Handler handler, QueueOptions<Payload>&& given, Host& its_host, typename Traits::Clock its_clock,
          std::uint32_t its_number)
      : Intake(std::move(given), its_host, its_clock, its_number), handler_(std::move(handler)) {
    this->is_paused.store(options.paused);
    if (has_leases && options.lease > Duration{}) (void)host.lease_in_use(options.lease);
    if (options.max_runtime > Duration{}) (void)host.lease_in_use(options.max_runtime);
  }

  [[nodiscard]] const QueueBase& self() const noexcept { return *this; }

  Ran run_next(RunLine& line) override {
    const Frame frame(host, this->number);
    const std::uint32_t errand = store.errands.pop();
    if (errand != no_slot) {
      if (line.is_searching) host.end_search(line);
      return as_errand(line, [&] { this->run_errand(errand); });
    }
    const std::uint32_t slot = has_handler() ? pop_lane(line.turns[place], line.ends) : no_slot;
    if (slot == no_slot) {
      tell_done(line);
      return Ran::nothing;
    }
    if (line.is_searching) host.end_search(line);
    auto& hot = store.hot(slot);
    if (waits_for_hung_run(slot)) return Ran::errand;
    if (hot.is_pulled.load(std::memory_order_relaxed)) hot.is_pulled.store(false, std::memory_order_relaxed);
    const std::uint64_t stamp = hot.word.lease();  // row 2
    if (stamp == 0) return as_errand(line, [&] { this->drop_tombstone(slot); });
    if (phase.load() >= Phase::stopping) {  // [stop.lease] after the lease
      return as_errand(line, [&] { this->give_back(slot, stamp); });
    }
    if constexpr (has_turns) ++line.turns[place];
    run_job(line, slot, stamp);
    return Ran::job;
  }

  void tell_done(RunLine& line) noexcept override { Intake::tell_done(line); }

  [[nodiscard]] bool has_work() const noexcept override {
    if (!store.errands.empty()) return true;
    if (!may_start() || !has_handler()) return false;
    return has_ready();
  }

  Time tick(Time now) override {
    while (planner.next_due() <= now) {
      std::array<std::uint32_t, Planner::per_hold> due;
      std::array<Alarm, Planner::per_hold> alarms;
      std::uint32_t count = 0;
      std::uint32_t rung = 0;
      {
        const auto hold = planner.hold();
        std::uint32_t node = 0;
        for (std::uint32_t taken = 0; taken < Planner::per_hold && planner.take_due(now, node); ++taken) {
          if (node % 2 == 0) {
            if (wake(node / 2, now)) due[count++] = node / 2;
          } else {
            alarms[rung] = ring_alarm(*this, node / 2, now);
            if (alarms[rung].why != StopReason::none) ++rung;
          }
        }
      }
      for (std::uint32_t i = 0; i < rung; ++i) follow(alarms[i]);
      for (std::uint32_t i = 0; i < count; ++i) this->push_ready(due[i]);
      if (count + rung > 0) this->deal_with_leftovers();  // a caller may come too late for the sweep of a shutdown
    }
    return planner.next_due();
  }

  bool expire(std::uint32_t slot, std::uint32_t low_stamp) override {
    counters.publish_all_done();  // [done.told] whoever ends this job now tells also of what its worker ended before
    const bool is_open = phase.load() == Phase::open;
    const State reached = store.hot(slot).word.expire(low_stamp, is_open ? State::expired : State::stalled);
    if (reached == State::free) return false;
    counters.add(Count::expiries);
    if (reached == State::expired) {
      this->push_errand(slot);
      this->deal_with_leftovers();
    }
    if (reached == State::done) {
      counters.add(Count::cancelled);
      this->note_quiet();
    }
    return true;
  }

  bool extend(Run& run, Duration by) override {
    if (run.commit == Commit::made) return true;
    if (run.line.over_time.load() == run.round) {
      const SlotView seen = store.hot(run.slot).word.read();
      if (seen.state() != State::leased || seen.stamp() != run.stamp) counters.add(Count::stale_settles);
      return false;
    }
    const Duration::rep until = later(host.lease_time(clock.now()), by).time_since_epoch().count();
    if (until > run.line.extend_until.load(std::memory_order_relaxed)) {
      run.line.extend_until.store(until, std::memory_order_relaxed);  // published with the new name
    }
    const std::uint64_t stamp = store.hot(run.slot).word.renew(run.stamp);
    if (stamp == 0) {
      counters.add(Count::stale_settles);
      return false;
    }
    run.stamp = stamp;
    run.line.running.store(RunLine::name(stamp, run.slot), std::memory_order_release);
    return true;
  }

  bool try_commit(Run& run) override {
    if (run.commit != Commit::none) return false;
    run.commit = this->commit(run.slot, run.stamp);
    return run.commit == Commit::made;
  }

  bool sleep(Run& run, Duration by) override {
    if constexpr (requires { clock.sleep(by); }) {
      clock.sleep(by);
    } else {
      const StopState::Waiter registered(&run.line.stop, run.line.sleep_mutex, run.line.sleep);
      std::unique_lock lock(run.line.sleep_mutex);
      run.line.sleep.wait_until(lock, later(std::chrono::steady_clock::now(), by),
                                [&] { return run.line.stop.reason(run.round) != StopReason::none; });
    }
    return run.line.stop.reason(run.round) == StopReason::none;
  }

  void pump_begins() override { this->notify_timekeepers(); }
  void pump_ends() override {
    if (has_work()) this->idle.notify_all();
  }

  void worker_parked() override { this->observe(Event::parked, JobId{}); }

  [[nodiscard]] std::string_view name() const noexcept override { return Intake::name_text.view(); }

  /// Whether a job is ready, paused or not.
  [[nodiscard]] bool has_ready() const noexcept {
    for (const auto& lane : store.ready) {
      if (!lane->empty()) return true;
    }
    return false;
  }

  /// Whether there is a handler to run jobs with; without one they are pulled.
  [[nodiscard]] bool has_handler() const noexcept { return is_callable_v<Payload> || handler_; }

  /// Whether jobs may start now: not paused, and not at the end of a shutdown.
  [[nodiscard]] bool may_start() const noexcept { return !this->is_paused.load() && phase.load() < Phase::stopping; }

  /// Whether a run or a pulled lease has a job, one that shows nowhere else yet included; `phase` is `stopping`. The
  /// first `passed` slots are known to have none: whoever leases one later gives it back. O(slots ever used) for all
  /// calls together.
  [[nodiscard]] bool has_held(std::uint32_t& passed) noexcept {
    while (passed < store.free.used() && !is_held(store.hot(passed).word.read())) ++passed;
    return passed < store.free.used();
  }

  /// Row 2 for a pulled lease: its slot, stamp and round. False if there is no job.
  [[nodiscard]] bool take_lease(Pulled& pulled) {
    if constexpr (has_turns) {
      if (lease_next(pulled, turns_.fetch_add(1, std::memory_order_relaxed))) return true;
      turns_.fetch_sub(1, std::memory_order_relaxed);  // it took no job; meanwhile others may be a turn ahead
      return false;
    } else {
      return lease_next(pulled, 0);
    }
  }

  /// Runs what is in the errand ring, for hosts whose callers do everything.
  void run_errands() {
    for (std::uint32_t slot = store.errands.pop(); slot != no_slot; slot = store.errands.pop()) {
      const Frame frame(host, this->number);
      this->run_errand(slot);
    }
  }

  /// The lease of the job in `slot`, which the caller has just leased.
  [[nodiscard]] Duration lease_of(std::uint32_t slot) noexcept {
    if (!has_leases) return Duration{};
    return store.hot(slot).has_cold ? store.cold(slot).lease.value_or(options.lease) : options.lease;
  }

  /// Its max_runtime, likewise.
  [[nodiscard]] Duration max_runtime_of(std::uint32_t slot) noexcept {
    return store.hot(slot).has_cold ? store.cold(slot).max_runtime.value_or(options.max_runtime) : options.max_runtime;
  }

 private:
  static constexpr bool has_leases = !Traits::at_most_once;
  static constexpr bool has_turns = Traits::lanes.order == LaneOrder::weighted;
  // Jobs: a line from another core takes as long as three take, and two workers take turns.
  static constexpr std::uint64_t far_ahead = 6;

  // Does what is no run, but may call user code that hangs: a payload's destructor, a sink. The job may be over.
  template <class F>
  Ran as_errand(RunLine& line, F f) {
    tell_done(line);
    line.begin_errand(this, options.lease);
    f();
    line.end();
    return Ran::errand;
  }

  // Under the planner's lock: `waiting -> ready`, or not yet.
  bool wake(std::uint32_t slot, Time now) {
    if (store.hot(slot).has_cold && store.cold(slot).at) {
      const Time due = this->at_due(*store.cold(slot).at, now);
      if (due > now) {
        planner.insert(2 * slot, due);
        return false;
      }
      store.cold(slot).at.reset();
    }
    counters.add(Count::left_waiting);
    return store.hot(slot).word.wake();
  }

  // The lease is told first: see pulled.hpp.
  void follow(const Alarm& alarm) {
    Intake::Store::Policy::probe("pull.tell");
    store.stop(alarm.slot)->request(alarm.round, alarm.why);
    if (alarm.reached == State::expired) this->push_errand(alarm.slot);
    if (alarm.reached == State::done) this->note_quiet();
  }

  // Row 6b during a shutdown: no job is redelivered beside its hung run. Whoever popped it asks before row 2.
  [[nodiscard]] bool waits_for_hung_run(std::uint32_t slot) noexcept {
    return phase.load() != Phase::open && store.hot(slot).word.stall(State::ready);
  }

  [[nodiscard]] bool lease_next(Pulled& pulled, std::uint32_t turn) {
    for (;;) {
      const std::uint32_t slot = pulled.slot = pop_lane(turn);
      if (slot == no_slot) return false;
      auto& hot = store.hot(slot);
      if (waits_for_hung_run(slot)) continue;
      hot.is_pulled.store(true, std::memory_order_relaxed);
      StopState& stop = store.make_stop(slot);
      pulled.round = stop.begin_round();  // [pull.round] before the lease: whoever sees that sees its round
      pulled.stamp = hot.word.lease();
      if (pulled.stamp == 0) {
        this->drop_tombstone(slot);
        continue;
      }
      if (phase.load() < Phase::stopping) return true;  // [stop.lease] after the lease
      this->give_back(slot, pulled.stamp);
      return false;
    }
  }

  // `turn` is how many jobs the caller has taken; `ends` says where to stop in each lane; null: nowhere.
  [[nodiscard]] std::uint32_t pop_lane([[maybe_unused]] std::uint32_t turn, const std::uint64_t* ends = nullptr) {
    const auto may = [this] { return may_start(); };  // asked for each job: it may have come after a pause
    const auto pop = [&](std::uint32_t lane) {
      auto& ring = *store.ready[lane];
      const auto popped = [&](std::uint64_t position) { store.prefetch(ring.peek(position + far_ahead)); };
      return ring.pop_if(may, popped, ends == nullptr ? Intake::Store::Ring::no_end : ends[lane]);
    };
    for (;;) {
      if constexpr (has_turns) {
        const std::uint32_t slot = pop(lane_of_turn(turn));
        if (slot != no_slot) return slot;
      }
      for (std::uint32_t lane = 0; lane < Intake::Store::lanes; ++lane) {
        const std::uint32_t slot = pop(lane);
        if (slot != no_slot) return slot;
      }
      // Not without a second look: a lane may have filled behind us, and one before us have been emptied by somebody
      // whose turn it was there. Strict lanes need none. Whoever emptied a lower one had found the higher ones empty,
      // and we had begun by the last such find: at that moment he may as well have been done, and there was nothing.
      if (!has_turns || ends != nullptr || !may_start() || are_lanes_empty()) return no_slot;
    }
  }

  // Whether all lanes are empty at one moment: no lane got anything between two looks at it, and the moment lies
  // between the first looks and the second ones.
  [[nodiscard]] bool are_lanes_empty() const noexcept {
    std::array<std::uint64_t, Intake::Store::lanes> ends;
    for (std::uint32_t lane = 0; lane < Intake::Store::lanes; ++lane) {
      ends[lane] = store.ready[lane]->empty_at();
      if (ends[lane] == Intake::Store::Ring::no_end) return false;
    }
    for (std::uint32_t lane = 0; lane < Intake::Store::lanes; ++lane) {
      if (store.ready[lane]->empty_at() != ends[lane]) return false;
    }
    return true;
  }

  // Which lane's turn it is: of every sum-of-weights jobs, each lane gets first choice as often as its weight says.
  [[nodiscard]] static std::uint32_t lane_of_turn(std::uint32_t turn) noexcept {
    std::uint32_t total = 0;
    for (std::uint32_t i = 0; i < Intake::Store::lanes; ++i) total += Traits::lanes.weights[i];
    std::uint32_t at = turn % total;
    std::uint32_t lane = 0;
    while (at >= Traits::lanes.weights[lane]) at -= Traits::lanes.weights[lane++];
    return lane;
  }

  void run_job(RunLine& line, std::uint32_t slot, std::uint64_t stamp) {
    auto& hot = store.hot(slot);
    Duration lease = options.lease;
    Duration limit = options.max_runtime;
    std::uint32_t attempt = 1;
    if (hot.has_cold) {
      const ColdSlot& cold = store.cold(slot);
      lease = cold.lease.value_or(lease);
      limit = cold.max_runtime.value_or(limit);
      attempt = cold.failures + cold.hangs + 1;
      if (cold.hangs > 0) counters.add(Count::redeliveries);
    }
    Run run{*this, line, this->id_of(slot), slot, attempt, stamp, line.stop.begin_round()};
    line.begin(this, stamp, slot, has_leases ? lease : Duration{}, limit);
    this->observe(Event::started, run.id);
    const bool is_timed = hot.is_timed.load(std::memory_order_relaxed);
    const Time begun = is_timed ? start_timing(slot) : Time{};
    Delivery delivery(run);
    const Outcome outcome = call(hot.payload(), delivery, run.exception);
    if (is_timed) this->run_times.add(clock.now() - begun);
    store.lane(slot).will_pop();
    this->finish(slot, run.stamp, run.commit, outcome, &run);
    if (run.exception) run.exception = nullptr;
    // Last, for what comes before may hang too. A line that names a slot for too long does no harm: the stamp tells.
    line.end();
  }

  Time start_timing(std::uint32_t slot) noexcept {
    auto& hot = store.hot(slot);
    hot.is_timed.store(false, std::memory_order_relaxed);
    const Time now = clock.now();
    this->wait_times.add(now - hot.enqueued_at().value_or(now));
    return now;
  }

  Outcome call(Payload& payload, Delivery& delivery, [[maybe_unused]] std::exception_ptr& thrown) {
#if defined(__cpp_exceptions)
    try {
      return call_handler(payload, delivery);
    } catch (const std::exception& error) {
      thrown = std::current_exception();
      counters.add(Count::exceptions);
      return Outcome::retry(what_of(error));
    } catch (...) {
      thrown = std::current_exception();
      counters.add(Count::exceptions);
      return Outcome::retry("an exception that is not a std::exception");
    }
#else
    return call_handler(payload, delivery);
#endif
  }

  Outcome call_handler(Payload& payload, Delivery& delivery) {
    if constexpr (is_callable_v<Payload>) {
      return payload(delivery);
    } else {
      return handler_(payload, delivery);
    }
  }

#if defined(__cpp_exceptions)
  static std::string_view what_of(const std::exception& error) noexcept {
    const char* const text = error.what();
    return text == nullptr ? std::string_view{} : std::string_view{text};
  }
#endif

  const Handler handler_;
  std::atomic<std::uint32_t> turns_{0};  // of whoever reserves
};

}  // namespace windlass::detail
