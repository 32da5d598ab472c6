#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "detail/job/gate.hpp"
#include "detail/job/job_core.hpp"

namespace windlass {

template <class Payload, class Traits>
class JobQueue;

/// A job pulled from a queue by hand: the right to work it until the lease expires. Movable; one thread at a time.
///
/// Settle it with one of `done` to `discard`; the first settle wins, and returns false if the lease was lost. Each
/// takes one short lock, more if what follows needs it. One that is destroyed unsettled goes back as a failed attempt,
/// "dropped". After the queue is gone every call is false, and the payload must not be touched.
template <class Payload, class Traits>
class Lease {
 public:
  Lease(Lease&& other) noexcept
      : gate_(std::move(other.gate_)), core_(std::exchange(other.core_, nullptr)), run_(other.run_) {}
  Lease& operator=(Lease&& other) noexcept {
    if (this != &other) {
      drop();
      gate_ = std::move(other.gate_);
      core_ = std::exchange(other.core_, nullptr);
      run_ = other.run_;
    }
    return *this;
  }
  ~Lease() { drop(); }

  /// The payload; const, because after an expiry another run may read it too. Only while unsettled.
  [[nodiscard]] const Payload& operator*() const noexcept { return core_->store.hot(run_.slot).payload(); }
  [[nodiscard]] const Payload* operator->() const noexcept { return &**this; }

  /// The job.
  [[nodiscard]] JobId id() const noexcept { return run_.id; }

  /// 1 for the first attempt; failures and hangs before this one, plus one.
  [[nodiscard]] std::uint32_t attempt() const noexcept { return run_.attempt; }

  /// Why this lease should be given up: cancelled, lost, or the queue is shutting down; `none` if it should not.
  /// Lock-free.
  [[nodiscard]] StopReason stop_reason() const noexcept {
    if (core_ == nullptr || !gate_->enter()) return StopReason::shutdown;
    const StopReason reason = reason_now();
    gate_->leave();
    return reason;
  }

  /// True once this lease should be given up. Lock-free.
  [[nodiscard]] bool stop_requested() const noexcept { return stop_reason() != StopReason::none; }

  /// The deadline becomes now + `by`, never earlier than it was. False if the lease is lost; true means that the job
  /// is not taken away before the new deadline. One short lock.
  bool extend(Duration by) {
    return visit([&] {
      if (run_.commit == detail::Commit::made) return true;
      const Time now = core_->clock.now();
      const Time until = detail::later(core_->host.lease_time(now), by);
      const std::lock_guard lock(core_->planner.mutex());
      const std::uint64_t stamp = core_->store.hot(run_.slot).word.renew(run_.stamp);
      if (stamp == 0) return stale();
      run_.stamp = stamp;
      detail::ColdSlot& cold = core_->store.cold(run_.slot);
      cold.pulled_stamp = stamp;
      if (until > cold.pulled_until && core_->lease_of(run_.slot) > Duration{}) {
        cold.pulled_until = until;
        core_->planner.remove(2 * run_.slot + 1);
        core_->planner.insert(2 * run_.slot + 1, detail::later(now, by));
      }
      return true;
    });
  }

  /// True at most once per job: from then on nobody takes it away and it never runs again. False if the lease was
  /// lost or the job cancelled: leave its effects undone. Lock-free.
  [[nodiscard]] bool try_commit() {
    return visit([&] {
      if (run_.commit != detail::Commit::none) return false;
      run_.commit = core_->commit(run_.slot, run_.stamp);
      return run_.commit == detail::Commit::made;
    });
  }

  /// The job succeeded.
  bool done() { return settle(Outcome::done()); }
  /// A failed attempt; the retry policy says when the next one starts.
  bool retry(std::string_view reason = {}) { return settle(Outcome::retry(reason)); }
  /// A failed attempt; the next one starts after `delay`.
  bool retry_after(Duration delay, std::string_view reason = {}) { return settle(Outcome::retry_after(delay, reason)); }
  /// Not now; no failure.
  bool snooze(Duration delay) { return settle(Outcome::snooze(delay)); }
  /// To the dead letters.
  bool dead(std::string_view reason = {}) { return settle(Outcome::dead(reason)); }
  /// Over, without success and without a dead letter.
  bool discard() { return settle(Outcome::discard()); }

 private:
  template <class P, class T>
  friend class JobQueue;
  using Core = detail::JobCore<Payload, Traits>;

  struct Pulled {
    JobId id;
    std::uint32_t slot;
    std::uint32_t attempt;
    std::uint64_t stamp;
    detail::Commit commit = detail::Commit::none;
  };

  // Takes a ready job out of `core`, whose gate the caller has passed; nothing if there is none.
  static std::optional<Lease> pull(const std::shared_ptr<detail::Gate>& gate, Core& core) {
    std::uint32_t slot = 0;
    const std::uint64_t stamp = core.take_lease(slot);
    if (stamp == 0) return std::nullopt;
    core.pulled_out.fetch_add(1, std::memory_order_seq_cst);
    core.host.pulled_lease_out();
    Pulled run{core.id_of(slot), slot, 1, stamp};
    if (core.store.hot(slot).has_cold) {
      const detail::ColdSlot& cold = core.store.cold(slot);
      run.attempt = cold.failures + cold.hangs + 1;
      if (cold.hangs > 0) core.counters.add(detail::Count::redeliveries);
    }
    core.observe(Event::started, run.id);
    const Duration lease = core.lease_of(slot);
    if (lease > Duration{}) {
      const Time now = core.clock.now();
      bool earliest = false;
      {
        const std::lock_guard lock(core.planner.mutex());
        detail::ColdSlot& cold = core.store.cold(slot);
        cold.pulled_stamp = stamp;
        cold.pulled_until = detail::later(core.host.lease_time(now), lease);
        earliest = core.planner.insert(2 * slot + 1, detail::later(now, lease));
      }
      if (earliest) core.plan_changed();
    }
    return Lease(gate, core, run);
  }

  Lease(std::shared_ptr<detail::Gate> gate, Core& core, Pulled run) : gate_(std::move(gate)), core_(&core), run_(run) {}

  [[nodiscard]] StopReason reason_now() const noexcept {
    const detail::SlotView seen = core_->store.hot(run_.slot).word.read();
    const bool runs = seen.state() == detail::State::leased || seen.state() == detail::State::committing;
    if (!runs || seen.stamp() != run_.stamp) return StopReason::lease_lost;
    if (seen.cancel()) return StopReason::user;
    if (core_->phase.load(std::memory_order_seq_cst) >= detail::Phase::stopping) return StopReason::shutdown;
    return StopReason::none;
  }

  template <class Call>
  bool visit(Call call) {
    if (core_ == nullptr || !gate_->enter()) return false;
    const bool result = call();
    gate_->leave();
    return result;
  }

  bool stale() {
    core_->counters.add(detail::Count::stale_settles);
    return false;
  }

  bool settle(const Outcome& outcome) {
    const bool result = visit([&] {
      const detail::Frame frame(core_->host, core_->number);
      disarm();
      const bool counts = core_->finish(run_.slot, run_.stamp, run_.commit, outcome, nullptr);
      core_->host.pulled_lease_back();
      core_->pulled_out.fetch_sub(1, std::memory_order_seq_cst);
      core_->note_quiet();
      if (core_->host.is_pumped() && !core_->has_handler()) core_->run_errands();
      return counts;
    });
    core_ = nullptr;
    return result;
  }

  // While the word bears our stamp in a running state, the cold slot is this job's and only expiry, under this lock,
  // can end that.
  void disarm() {
    const std::lock_guard lock(core_->planner.mutex());
    const detail::SlotView seen = core_->store.hot(run_.slot).word.read();
    const bool ours = seen.state() == detail::State::leased || seen.state() == detail::State::committing;
    if (ours && seen.stamp() == run_.stamp) core_->planner.remove(2 * run_.slot + 1);
  }

  void drop() {
    if (core_ != nullptr) settle(Outcome::retry("dropped"));
  }

  std::shared_ptr<detail::Gate> gate_;
  Core* core_;
  Pulled run_;
};

/// A Lease, or why there is none. Used like an optional: `*` moves the lease out of a temporary.
template <class Payload, class Traits>
class [[nodiscard]] ReserveResult {
 public:
  ReserveResult(Lease<Payload, Traits>&& lease) : lease_(std::move(lease)) {}
  ReserveResult(WaitError error) : error_(error) {}

  [[nodiscard]] explicit operator bool() const noexcept { return lease_.has_value(); }
  [[nodiscard]] Lease<Payload, Traits>& operator*() & noexcept { return *lease_; }
  [[nodiscard]] Lease<Payload, Traits>&& operator*() && noexcept { return *std::move(lease_); }
  [[nodiscard]] Lease<Payload, Traits>* operator->() noexcept { return &*lease_; }
  /// `none` if there is a lease; `timed_out` also says that nothing was ready for a call that does not wait.
  [[nodiscard]] WaitError error() const noexcept { return error_; }

 private:
  std::optional<Lease<Payload, Traits>> lease_;
  WaitError error_ = WaitError::none;
};

}  // namespace windlass
