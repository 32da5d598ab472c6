#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

#include "job_life.hpp"
#include "windlass/delivery.hpp"
#include "windlass/traits.hpp"

namespace windlass::detail {

/// Whose jobs the calling thread runs at this moment; null outside of handlers and their callbacks. A waiting call
/// asks, lest a worker wait for what only workers can bring about.
struct Current {
  const Host* host = nullptr;
  const QueueBase* queue = nullptr;
};
inline thread_local Current current{};

/// A whole queue except for its threads: takes jobs in, runs them on whoever calls run_next(), keeps their times.
template <class Payload, class Traits>
class JobCore final : public JobLife<Payload, Traits>, public QueueBase {
  using Life = JobLife<Payload, Traits>;

 public:
  using Handler = Function<Outcome(Payload&, Delivery&)>;
  using Life::clock, Life::counters, Life::host, Life::idle, Life::options, Life::phase, Life::planner, Life::room,
      Life::store, Life::takers;

  JobCore(Handler handler, QueueOptions<Payload>&& given, Host& its_host, typename Traits::Clock its_clock,
          std::uint32_t its_number)
      : Life(std::move(given), its_host, its_clock, its_number), handler_(std::move(handler)) {
    is_paused.store(options.paused, std::memory_order_relaxed);
    if (options.lease > Duration{}) host.lease_in_use(options.lease);
  }

  /// A free slot for an enqueue that was counted as accepted, or `no_slot`.
  [[nodiscard]] std::uint32_t take_slot() noexcept { return store.free.take(); }

  /// Counts an enqueue in; false, and counted out again, if the queue is closed.
  [[nodiscard]] bool enter() noexcept {
    counters.add(Count::accepted);  // before the look at closed: close() does the reverse
    if (!is_closed.load(std::memory_order_seq_cst)) return true;
    leave();
    return false;
  }

  /// Counts an enqueue out that did not happen after all.
  void leave() noexcept {
    counters.add(Count::refused);
    idle.notify_all();
  }

  /// Row 1: makes a job of `slot`; `construct(place)` puts the payload there. If that throws, nothing was enqueued.
  template <class Construct>
  JobId fill(std::uint32_t slot, const EnqueueOptions& given, Construct construct) {
    auto& hot = store.hot(slot);
    GiveBack guard{*this, slot};
    construct(static_cast<void*>(hot.place));
    guard.armed = false;
    hot.lane = static_cast<std::uint8_t>(given.priority ? static_cast<std::uint32_t>(*given.priority) : Life::Store::lanes / 2);
    hot.has_cold = hot.emptied = hot.owes_letter = false;
    const JobId id{hot.word.read().stamp(), slot, Life::number};
    hot.birth.store(id.stamp(), std::memory_order_seq_cst);
    if (given.is_default() && options.retry_for == Duration{}) {
      hot.word.enqueue(State::ready);
      Life::push_ready(slot);
    } else {
      fill_cold(slot, given);
    }
    return id;
  }

  bool run_next(RunLine& line) override {
    const Current outer = std::exchange(current, Current{&host, this});
    const bool found = run_something(line);
    current = outer;
    return found;
  }

  [[nodiscard]] bool has_work() const noexcept override {
    if (!store.errands.empty()) return true;
    if (!may_start()) return false;
    for (const auto& lane : store.ready) {
      if (!lane->empty()) return true;
    }
    return false;
  }

  [[nodiscard]] std::uint64_t backlog() const noexcept override {
    std::uint64_t total = store.errands.size_approx();
    for (const auto& lane : store.ready) total += lane->size_approx();
    return total;
  }

  Time tick(Time now) override {
    while (planner.next_due() <= now) {
      std::array<std::uint32_t, Planner::per_hold> due;
      std::array<bool, Planner::per_hold> lost;
      std::uint32_t count = 0;
      {
        const std::lock_guard lock(planner.mutex());
        for (std::uint32_t node = 0; count < Planner::per_hold && planner.take_due(now, node);) {
          due[count] = node / 2;
          lost[count] = node % 2 != 0;
          if (lost[count] ? expire_pulled(node / 2) : wake(node / 2, now)) ++count;
        }
      }
      for (std::uint32_t i = 0; i < count; ++i) lost[i] ? Life::push_errand(due[i]) : Life::push_ready(due[i]);
    }
    return planner.next_due();
  }

  bool expire(std::uint32_t slot, std::uint32_t low_stamp) override {
    if (phase.load(std::memory_order_seq_cst) != Phase::open) return false;  // shutdown redelivers nothing
    const State reached = store.hot(slot).word.expire(low_stamp);
    if (reached == State::free) return false;
    counters.add(Count::expiries);
    if (reached == State::expired) {
      Life::push_errand(slot);
    } else {
      counters.add(Count::cancelled);
      idle.notify_all();
    }
    return true;
  }

  bool extend(Run& run, Duration by) override {
    if (run.committed) return true;
    if (run.line.stop.reason(run.round) == StopReason::max_runtime) return false;
    const Duration::rep until = host.lease_time(later(clock.now(), by)).time_since_epoch().count();
    if (until > run.line.extend_until.load(std::memory_order_relaxed)) {
      run.line.extend_until.store(until, std::memory_order_release);
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
    if (run.committed) return false;
    run.committed = store.hot(run.slot).word.commit(run.stamp);
    if (!run.committed) counters.add(Count::stale_settles);
    return run.committed;
  }

  bool sleep(Run& run, Duration by) override {
    if constexpr (requires { clock.sleep(by); }) {
      clock.sleep(by);
    } else {
      const auto until = std::chrono::steady_clock::now() + by;
      const StopState::Waiter registered(&run.line.stop, run.line.sleep_mutex, run.line.sleep);
      std::unique_lock lock(run.line.sleep_mutex);
      run.line.sleep.wait_until(lock, until, [&] { return run.line.stop.reason(run.round) != StopReason::none; });
    }
    return run.line.stop.reason(run.round) == StopReason::none;
  }

  [[nodiscard]] std::string_view name() const noexcept override { return Life::name_text.view(); }

  /// Row 2 for a pulled lease: runs errands until a job turns up. 0 if there is none.
  [[nodiscard]] std::uint64_t take_lease(std::uint32_t& slot) {
    for (;;) {
      const std::uint32_t errand = store.errands.pop();
      if (errand != no_slot) {
        Life::run_errand(errand);
        continue;
      }
      slot = pop_ready();
      if (slot == no_slot) return 0;
      if (const std::uint64_t stamp = store.hot(slot).word.lease()) return stamp;
      drop_tombstone(slot);
    }
  }

  [[nodiscard]] bool may_start() const noexcept {
    return !is_paused.load(std::memory_order_seq_cst) && phase.load(std::memory_order_seq_cst) != Phase::stopping;
  }

  /// Takes any ready job's number out of its lane, paused or not; for leftovers.
  [[nodiscard]] std::uint32_t pop_lane() noexcept {
    for (auto& lane : store.ready) {
      const std::uint32_t slot = lane->pop();
      if (slot != no_slot) return slot;
    }
    return no_slot;
  }

  void drop_tombstone(std::uint32_t slot) {
    counters.add(Count::tombstones_gone);
    Life::release(slot);
  }

  /// The lease of the job in `slot`, which the caller has just leased.
  [[nodiscard]] Duration lease_of(std::uint32_t slot) noexcept {
    return store.hot(slot).has_cold ? store.cold(slot).lease.value_or(options.lease) : options.lease;
  }

  std::atomic<bool> is_closed{false};
  std::atomic<bool> is_paused{false};

 private:
  struct GiveBack {
    JobCore& core;
    std::uint32_t slot;
    bool armed = true;
    ~GiveBack() {
      if (!armed) return;
      core.store.free.give(slot);
      core.room.notify_one();
      core.leave();
    }
  };

  void fill_cold(std::uint32_t slot, const EnqueueOptions& given) {
    ColdSlot& cold = store.cold(slot);
    const Time now = clock.now();
    cold.enqueued_at = now;
    cold.at = given.at;
    cold.lease = given.lease;
    cold.max_runtime = given.max_runtime;
    cold.max_failures = given.max_failures;
    cold.retry_for = given.retry_for;
    if (given.lease && *given.lease > Duration{}) host.lease_in_use(*given.lease);
    const Time due = given.at ? at_due(*given.at, now) : later(now, given.delay);
    auto& word = store.hot(slot).word;
    if (due <= now) {
      word.enqueue(State::ready);
      return Life::push_ready(slot);
    }
    bool earliest = false;
    {
      const std::lock_guard lock(planner.mutex());
      word.enqueue(State::waiting);
      earliest = planner.insert(2 * slot, due);
      counters.add(Count::entered_waiting);
    }
    if (earliest) host.plan_changed(due);
  }

  // A wall-clock job is looked at once a second, so that setting the clock re-plans it.
  Time at_due(std::chrono::system_clock::time_point at, Time now) const {
    const auto left = at - clock.wall_now();
    if (left <= Duration{}) return now;
    return later(now, left < std::chrono::seconds{1} ? Duration{left} : Duration{std::chrono::seconds{1}});
  }

  // Under the planner's lock: `waiting -> ready`, or not yet.
  bool wake(std::uint32_t slot, Time now) {
    if (store.hot(slot).has_cold && store.cold(slot).at) {
      const Time due = at_due(*store.cold(slot).at, now);
      if (due > now) {
        planner.insert(2 * slot, due);
        return false;
      }
      store.cold(slot).at.reset();
    }
    counters.add(Count::left_waiting);
    return store.hot(slot).word.wake();
  }

  // Under the planner's lock: the alarm of a pulled lease went off.
  bool expire_pulled(std::uint32_t slot) {
    if (phase.load(std::memory_order_seq_cst) != Phase::open) return false;
    const State reached = store.hot(slot).word.expire(static_cast<std::uint32_t>(store.cold(slot).pulled_stamp));
    if (reached == State::free) return false;
    counters.add(Count::expiries);
    if (reached == State::done) counters.add(Count::cancelled);
    return reached == State::expired;
  }

  [[nodiscard]] std::uint32_t pop_ready() {
    if (!may_start()) return no_slot;
    if constexpr (Traits::lanes.order == LaneOrder::weighted) {
      std::uint32_t turn = next_turn();
      const std::uint32_t slot = store.ready[turn]->pop();
      if (slot != no_slot) return slot;
    }
    return pop_lane();
  }

  // Which lane's turn it is: of every sum-of-weights pops, each lane gets first choice as often as its weight says.
  [[nodiscard]] std::uint32_t next_turn() noexcept {
    std::uint32_t total = 0;
    for (std::uint32_t i = 0; i < Life::Store::lanes; ++i) total += Traits::lanes.weights[i];
    std::uint32_t at = turns_.fetch_add(1, std::memory_order_relaxed) % total;
    std::uint32_t lane = 0;
    while (at >= Traits::lanes.weights[lane]) at -= Traits::lanes.weights[lane++];
    return lane;
  }

  bool run_something(RunLine& line) {
    const std::uint32_t errand = store.errands.pop();
    if (errand != no_slot) {
      Life::run_errand(errand);
      return true;
    }
    const std::uint32_t slot = pop_ready();
    if (slot == no_slot) return false;
    const std::uint64_t stamp = store.hot(slot).word.lease();
    if (stamp == 0) {
      drop_tombstone(slot);
    } else {
      run_job(line, slot, stamp);
    }
    return true;
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
    const JobId id{hot.birth.load(std::memory_order_relaxed), slot, Life::number};
    Run run{*this, line, id, slot, attempt, stamp, line.stop.begin_round()};
    line.begin(this, stamp, slot, lease, limit);
    Delivery delivery(run);
    bool threw = false;
    const Outcome outcome = call(hot.payload(), delivery, threw);
    Life::finish_run(run, outcome, threw);
  }

  Outcome call(Payload& payload, Delivery& delivery, bool& threw) {
#if defined(__cpp_exceptions)
    try {
      return handler_(payload, delivery);
    } catch (const std::exception& error) {
      threw = true;
      return Outcome::retry(what_of(error));
    } catch (...) {
      threw = true;
      return Outcome::retry("an exception that is not a std::exception");
    }
#else
    (void)threw;
    return handler_(payload, delivery);
#endif
  }

#if defined(__cpp_exceptions)
  static std::string_view what_of(const std::exception& error) {
    try {
      const char* const text = error.what();
      return text == nullptr ? std::string_view{} : std::string_view{text};
    } catch (...) {
      return "an exception whose what() threw";
    }
  }
#endif

  const Handler handler_;
  std::atomic<std::uint32_t> turns_{0};
};

}  // namespace windlass::detail
