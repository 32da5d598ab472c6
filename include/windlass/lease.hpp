#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "detail/job/gate.hpp"
#include "detail/job/job_core.hpp"
#include "stop.hpp"

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

  /// Why this lease should be given up: cancelled, lost, a shutdown has used up its grace, or max_runtime is over; the
  /// first reason stands. `none` if it should not. Lock-free.
  [[nodiscard]] StopReason stop_reason() const noexcept {
    if (core_ == nullptr) return StopReason::lease_lost;
    if (!gate_->enter()) return StopReason::shutdown;
    const StopReason told = token().reason();
    const StopReason reason = told == StopReason::none ? reason_now() : told;
    gate_->leave();
    return reason;
  }

  /// True once this lease should be given up. Lock-free.
  [[nodiscard]] bool stop_requested() const noexcept { return stop_reason() != StopReason::none; }

  /// The same for other threads and for calls that wait: set, and such calls are woken, when there is a stop_reason().
  /// An extended lease keeps its token; once it is settled its token is set, and once another lease of the job has
  /// begun it says `lease_lost`, whatever it said before. Valid as long as the queue, not the lease, is there.
  [[nodiscard]] StopToken stop_token() const noexcept {
    if (core_ == nullptr) return {nullptr, 0, StopReason::lease_lost};
    if (!gate_->enter()) return {nullptr, 0, StopReason::shutdown};
    const StopToken token = this->token();
    gate_->leave();
    return token;
  }

  /// The deadline becomes now + `by`, never earlier than it was. False if the lease is lost or max_runtime is over;
  /// true means that the job is not taken away before the new deadline. One short lock.
  bool extend(Duration by) {
    return visit([&] {
      if (run_.commit == detail::Commit::made) return true;
      const detail::Extended extended = detail::extend_pulled(*core_, run_, by);
      if (extended == detail::Extended::lost) core_->counters.add(detail::Count::stale_settles);
      // It was told, or is about to be: who has heard it from here finds it in stop_reason() too.
      if (extended == detail::Extended::over_time) token().state()->request(run_.round, StopReason::max_runtime);
      return extended == detail::Extended::yes;
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

  // Takes a ready job out of `core`, whose gate the caller has passed; nothing if there is none.
  static std::optional<Lease> pull(const std::shared_ptr<detail::Gate>& gate, Core& core) {
    detail::Pulled run;
    if (!core.take_lease(run)) return std::nullopt;
    core.pulled_out.fetch_add(1);
    core.host.pulled_lease_out();
    run.id = core.id_of(run.slot);
    if (core.store.hot(run.slot).has_cold) {
      const detail::ColdSlot& cold = core.store.cold(run.slot);
      run.attempt = cold.failures + cold.hangs + 1;
      if (cold.hangs > 0) core.counters.add(detail::Count::redeliveries);
    }
    core.observe(Event::started, run.id);
    detail::set_alarm(core, run);
    return Lease(gate, core, run);
  }

  Lease(std::shared_ptr<detail::Gate> gate, Core& core, detail::Pulled run)
      : gate_(std::move(gate)), core_(&core), run_(run) {}

  [[nodiscard]] StopToken token() const noexcept {
    return {core_->store.stop(run_.slot), run_.round, StopReason::lease_lost};
  }

  // What the token is about to be told, if anything.
  [[nodiscard]] StopReason reason_now() const noexcept {
    const detail::SlotView seen = core_->store.hot(run_.slot).word.read();
    if (!detail::is_held(seen)) return StopReason::lease_lost;  // held by somebody else: then the token knows
    if (seen.cancel()) return StopReason::user;
    return StopReason::none;
  }

  template <class Call>
  bool visit(Call call) {
    if (core_ == nullptr || !gate_->enter()) return false;
    const bool result = call();
    gate_->leave();
    return result;
  }

  bool settle(const Outcome& outcome) {
    const bool result = visit([&] {
      const detail::Frame frame(core_->host, core_->number);
      detail::end_pulled(*core_, run_);
      const bool counts = core_->finish(run_.slot, run_.stamp, run_.commit, outcome, nullptr);
      core_->host.pulled_lease_back();
      core_->pulled_out.fetch_sub(1);
      core_->note_lease_back();
      if (core_->host.is_pumped() && !core_->has_handler()) core_->run_errands();
      return counts;
    });
    core_ = nullptr;
    return result;
  }

  void drop() {
    if (core_ != nullptr) settle(Outcome::retry("dropped"));
  }

  std::shared_ptr<detail::Gate> gate_;
  Core* core_;
  detail::Pulled run_;
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
