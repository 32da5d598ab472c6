#pragma once

// A whole JobCore on modelled atomics (control words, rings, free list, planner) for the job_life scenarios. Counters,
// phases and run lines are the machine's own: their accesses are no points at which another thread may take over.

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <utility>

#include "../interleave.hpp"
#include "windlass/detail/job/job_core.hpp"
#include "windlass/options.hpp"
#include "windlass/traits.hpp"

namespace interleave {

/// What became of one payload.
struct Life {
  checked<int> uses;
  int destroyed = 0;
};

/// A payload that says so when it is used too late. What it says is kept elsewhere.
class Payload {
 public:
  explicit Payload(Life& life) : life_(life) { use(); }
  ~Payload() {
    life_.uses.set(life_.uses.get() + 1);
    ++life_.destroyed;
  }
  Payload(const Payload&) = delete;
  Payload& operator=(const Payload&) = delete;

  void look() const {
    check(life_.destroyed == 0, "a payload was used after its end");
    (void)life_.uses.get();
  }
  void use() { life_.uses.set(life_.uses.get() + 1); }

 private:
  Life& life_;
};

struct FixedClock {
  windlass::Time* time;
  [[nodiscard]] windlass::Time now() const noexcept { return *time; }
  [[nodiscard]] static std::chrono::system_clock::time_point wall_now() noexcept { return {}; }
};

struct CoreTraits : windlass::DefaultTraits {
  using Clock = FixedClock;
  using Atomics = interleave::Atomics;
  static constexpr windlass::Lanes lanes{1, windlass::LaneOrder::strict, {1}};
  static constexpr windlass::Timing timing = windlass::Timing::none;
};

/// What all schedules of the running test counted together, so that a scenario can say what it must have seen.
inline std::map<windlass::detail::Count, std::uint64_t> hits;

/// A queue without threads; what its scenario's threads call is what workers, lease watch and callers call.
class Core {
 public:
  using Word = windlass::detail::SlotWord<Atomics>;
  using Handler = std::function<windlass::Outcome(windlass::Delivery&, int)>;  // and which run it is, from 1

  explicit Core(Handler handler, windlass::QueueOptions<Payload> options = {})
      : handler_(std::move(handler)),
        core_([this](Payload& payload, windlass::Delivery& delivery) { return run(payload, delivery); },
              with_defaults(std::move(options)), host_, FixedClock{&time_}, 1) {
    for (std::uint32_t i = 0; i < max_threads; ++i) lines_[i].index = i;
  }

  /// Nothing if the queue is full.
  windlass::JobId enqueue(windlass::Duration delay = {}) {
    Life& life = lives_.emplace_back();
    const auto result = core_.admit({.delay = delay}, [&](void* place) { ::new (place) Payload(life); });
    if (!result) {
      lives_.pop_back();
      return {};
    }
    return result.id();
  }

  /// A worker's turn: one errand or job. False if there was nothing.
  bool work() {
    windlass::detail::RunLine& line = lines_[Execution::now().current()];
    return core_.run_next(line) != windlass::detail::Ran::nothing;
  }
  /// The lease watch, about the run that bears this stamp.
  bool expire(std::uint32_t low_stamp, std::uint32_t slot = 0) { return core_.expire(slot, low_stamp); }
  /// The timekeeper, when everything is due.
  void tick() { (void)core_.tick(time_ + std::chrono::hours{1}); }
  windlass::CancelResult cancel(windlass::JobId id) { return windlass::detail::cancel_job(core_, id); }
  void retry_after(windlass::Duration backoff) noexcept { backoff_ = backoff; }
  /// As a shutdown does.
  void end_redelivery() { core_.phase.store(windlass::detail::Phase::draining); }

  [[nodiscard]] std::uint64_t count(windlass::detail::Count what) const { return core_.counters.sum(what); }
  [[nodiscard]] int runs() const noexcept { return runs_; }

  /// After all threads: does what is left to do, then all must be over and given back, once each.
  void check_end() {
    for (int i = 0; i < 20; ++i) {
      tick();
      while (work()) {
      }
    }
    check(core_.counters.is_drained(), "a job did not end, or ended twice");
    check(core_.counters.is_idle(), "a wait was not counted right");
    for (const Life& life : lives_) check(life.destroyed == 1, "a payload was not destroyed, or twice");
    std::uint32_t free = 0;
    while (core_.store.free.take().slot != windlass::detail::no_slot) ++free;
    check(free == core_.options.capacity, "a slot was lost, or given back twice");
    for (std::uint32_t slot = 0; slot < core_.options.capacity; ++slot) {
      const auto word = core_.store.hot(slot).word.read();
      check(word.state() == windlass::detail::State::free && word.holders() == 0, "a slot is not free");
    }
    for (std::uint8_t i = 0; i < static_cast<std::uint8_t>(windlass::detail::Count::size); ++i) {
      hits[static_cast<windlass::detail::Count>(i)] += count(static_cast<windlass::detail::Count>(i));
    }
    check(count(windlass::detail::Count::tombstones_made) == count(windlass::detail::Count::tombstones_gone),
          "a tombstone was not counted right");
  }

 private:
  struct Host final : windlass::detail::Host {
    [[nodiscard]] std::uint32_t lines() const noexcept override { return max_threads; }
    void wake() noexcept override {}
    void end_search(windlass::detail::RunLine& /*line*/) noexcept override {}
    void plan_changed() noexcept override {}
    bool lease_in_use(windlass::Duration /*lease*/) noexcept override { return false; }
    void pulled_lease_out() noexcept override {}
    void pulled_lease_back() noexcept override {}
    bool stop_run(const windlass::detail::QueueBase& /*queue*/, std::uint32_t /*slot*/, std::uint32_t /*low_stamp*/,
                  windlass::StopReason /*why*/) noexcept override {
      return true;
    }
    [[nodiscard]] windlass::Time lease_time(windlass::Time now) const noexcept override { return now; }
    [[nodiscard]] bool is_pumped() const noexcept override { return false; }
  };

  // Retries follow at once unless a scenario says otherwise.
  windlass::QueueOptions<Payload> with_defaults(windlass::QueueOptions<Payload> options) {
    if (options.capacity > 4) options.capacity = 1;
    options.retry = [this](const windlass::Failure&) { return std::optional<windlass::Duration>{backoff_}; };
    return options;
  }

  windlass::Outcome run(Payload& payload, windlass::Delivery& delivery) {
    payload.look();
    const int number = ++runs_;
    const windlass::Outcome outcome = handler_(delivery, number);
    payload.look();  // its hold keeps it alive until the handler has returned
    return outcome;
  }

  Handler handler_;
  Host host_;
  windlass::Duration backoff_{};
  windlass::Time time_{std::chrono::hours{1}};
  std::array<windlass::detail::RunLine, max_threads> lines_;
  std::deque<Life> lives_;
  int runs_ = 0;
  windlass::detail::JobCore<Payload, CoreTraits> core_;
};

}  // namespace interleave
