#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lanes.hpp"
#include "model_job.hpp"
#include "setup.hpp"
#include "windlass/options.hpp"
#include "windlass/outcome.hpp"
#include "windlass/result.hpp"

namespace property {

/// What a queue without threads promises, in standard containers, and nothing else. Jobs are known by number, in the
/// order in which they were accepted. Whoever drives it says what the queue did; `wrong` says what it must not do.
class Model {
 public:
  Model(const Setup& setup, Form form, Time origin)
      : is_paused(setup.paused), setup_(setup), form_(form), origin_(origin), lanes_(setup.lanes) {}

  Counts counts;
  bool is_paused;
  bool is_closed = false;
  bool is_ending = false;  // a shutdown began

  // What the queue is asked.

  /// Whether a job would be accepted, and if not why.
  [[nodiscard]] windlass::EnqueueError enqueue(const windlass::EnqueueOptions& options, Time now, Wall wall) {
    if (is_invalid(options)) return windlass::EnqueueError::invalid_options;
    if (is_closed) return windlass::EnqueueError::closed;
    if (tally().taken == setup_.capacity) return windlass::EnqueueError::full;
    Job job;
    job.number = static_cast<std::uint32_t>(jobs_.size());
    job.lane = options.priority ? static_cast<std::uint8_t>(*options.priority) : std::uint8_t{1};
    job.max_failures = options.max_failures.value_or(setup_.max_failures);
    job.max_deliveries =
        setup_.max_deliveries.value_or(std::max<std::uint32_t>(10, job.max_failures + setup_.max_hangs));
    job.lease = form_.is_at_most_once ? Duration{} : options.lease.value_or(setup_.lease);
    job.max_runtime = options.max_runtime.value_or(setup_.max_runtime);
    job.retry_for = options.retry_for.value_or(setup_.retry_for);
    if (job.retry_for != Duration{} || options.delay != Duration{} || options.at) job.enqueued_at = now;
    if (options.at && *options.at > wall) job.at = options.at;
    ++counts.accepted;
    jobs_.push_back(job);
    wait_or_go(jobs_.back(), job.at ? look_at(*job.at, now, wall) : now + options.delay, now);
    return windlass::EnqueueError::none;
  }

  [[nodiscard]] windlass::CancelResult cancel(std::uint32_t number) {
    using windlass::CancelResult;
    Job& job = jobs_[number];
    const bool is_alone = job.inside == 0;
    switch (job.place) {
      case Place::dying:
      case Place::kept:
      case Place::over:
        return job.is_here() ? CancelResult::finished : CancelResult::not_found;
      case Place::running:
      case Place::lost:
        job.is_cancelled = true;
        return CancelResult::requested;
      case Place::asked:
        job.is_cancelled = true;
        break;
      case Place::committed:
        return CancelResult::requested;
      case Place::ready:
      case Place::waiting:
      case Place::stalled:
        end(job, counts.cancelled);
        break;
    }
    return is_alone ? CancelResult::cancelled : CancelResult::requested;
  }

  // What time brings.

  /// Jobs that are due become ready, the earliest first; of those of one tick, in the order in which they were planned.
  void wake(Time now, Wall wall) {
    for (;;) {
      Job* first = nullptr;
      for (Job& job : jobs_) {
        if (job.place != Place::waiting || job.due > now) continue;
        if (first == nullptr || job.due < first->due || (job.due == first->due && job.linked < first->linked)) {
          first = &job;
        }
      }
      if (first == nullptr) return;
      const Time due = first->at ? look_at(*first->at, now, wall) : now;
      if (due <= now) first->at.reset();
      wait_or_go(*first, due, now);
    }
  }

  /// The earliest timer of a job that waits.
  [[nodiscard]] std::optional<Time> next_due() const {
    std::optional<Time> first;
    for (const Job& job : jobs_) {
      if (job.place == Place::waiting && (!first || job.due < *first)) first = job.due;
    }
    return first;
  }

  // What runs do.

  /// The job that `who` must be given if he takes the next; nothing if none may start.
  [[nodiscard]] std::optional<std::uint32_t> next(Taker who) const {
    if (is_paused) return std::nullopt;
    return lanes_.first(jobs_, who);
  }
  [[nodiscard]] bool has_next() const { return next(reserver).has_value(); }

  /// A run, or pulled lease, of `number` begins; the tombstones before it in the lanes are gone.
  Run begin(std::uint32_t number, Taker who) {
    Job& job = jobs_[number];
    lanes_.take(job, jobs_, who);
    job.place = Place::running;
    job.newest_run = ++runs_;
    if (job.hangs > 0) ++counts.redeliveries;
    return {number, job.newest_run, job.failures + job.hangs + 1, who};
  }

  /// Somebody looked for a job and found none: what lies in the lanes are tombstones, and they are gone.
  void find_nothing() {
    if (!is_paused) lanes_.sweep(jobs_);
  }

  /// From now on `next` knows only of what is in the lanes; with false, of all again.
  void mark_lanes(bool is_marked) { lanes_.mark(is_marked); }

  [[nodiscard]] bool commit(Run& run) {
    if (run.commit != Tried::not_yet) return false;
    Job& job = jobs_[run.number];
    const bool granted = !run.is_lost && !job.is_cancelled;
    run.commit = granted ? Tried::granted : Tried::refused;
    if (granted) job.place = Place::committed;
    if (!granted) ++counts.stale_settles;
    return granted;
  }

  /// The run loses its lease; nothing follows yet.
  void lose(Run& run) {
    Job& job = jobs_[run.number];
    run.is_lost = true;
    ++counts.expiries;
    ++job.inside;
    if (job.is_cancelled) return end(job, counts.cancelled);
    job.place = Place::lost;
    job.is_errand = true;
  }

  /// What follows from a lost lease is worked out.
  void run_errand(std::uint32_t number, Time now) {
    Job& job = jobs_[number];
    job.is_errand = false;
    ++job.hangs;
    ++job.deliveries;
    job.place = Place::asked;
    if (setup_.hung == Hung::unset) judged(number, OnHung::redeliver, now);
  }

  /// on_hung has answered.
  void judged(std::uint32_t number, OnHung choice, Time now) {
    Job& job = jobs_[number];
    if (choice == OnHung::give_up) return bury(job, windlass::DeadReason::hung);
    const bool waits = choice == OnHung::wait || is_ending;
    if (waits && job.inside > 0 && !job.is_cancelled) {
      job.place = Place::stalled;
      return;
    }
    go_on(job, now);
  }

  /// A run returns `outcome`, or a pulled lease is settled with it; whether that counts.
  bool finish(Run& run, const windlass::Outcome& outcome, std::string_view error, Time now) {
    using windlass::OutcomeKind;
    Job& job = jobs_[run.number];
    ++counts.deliveries;
    const OutcomeKind kind = outcome.kind();
    const bool succeeds = kind == OutcomeKind::done && run.commit != Tried::refused;
    if (run.is_lost) return finish_late(job, run, succeeds, now);
    if (job.place == Place::committed) {
      if (kind == OutcomeKind::done) return end(job, counts.done), true;
      if (kind == OutcomeKind::discard) return end(job, counts.discarded), true;
      fail(job, error);
      return bury(job, windlass::DeadReason::failed_after_commit), true;
    }
    if (succeeds) return end(job, counts.done), true;
    if (kind == OutcomeKind::done || kind == OutcomeKind::discard) {
      return end(job, job.is_cancelled ? counts.cancelled : counts.discarded), true;
    }
    if (kind == OutcomeKind::snooze || kind == OutcomeKind::yield) {
      if (form_.is_at_most_once) return bury(job, windlass::DeadReason::rejected), true;
      ++counts.snoozes;
      if (is_too_old(job, now)) return bury(job, windlass::DeadReason::failures_exhausted), true;
      return again(job, outcome.delay(), now), true;
    }
    fail(job, error);
    if (kind == OutcomeKind::dead) return bury(job, windlass::DeadReason::rejected), true;
    if (form_.is_at_most_once) return bury(job, windlass::DeadReason::failures_exhausted), true;
    if (const auto limit = exhausted(job, now)) return bury(job, *limit), true;
    if (kind == OutcomeKind::retry_after) {
      ++counts.retries;
      return again(job, outcome.delay(), now), true;
    }
    try_again(job, error, windlass::DeadReason::failures_exhausted);
    return true;
  }

  /// The job whose policy is being asked; null if none's is.
  [[nodiscard]] Job* asked() {
    const auto found =
        std::find_if(jobs_.begin(), jobs_.end(), [](const Job& job) { return job.place == Place::asked; });
    return found == jobs_.end() ? nullptr : &*found;
  }

  /// Whether its policy may answer that.
  [[nodiscard]] bool may_answer(const Job& job, std::optional<Duration> delay) const {
    const std::uint32_t tries = job.failures + job.hangs;
    if (!is_exponential(setup_.policy)) return delay == backoff(setup_, tries);
    const Bounds bounds = bounds_of(setup_.policy, tries, job.previous_delay);
    return delay && *delay >= bounds.least && *delay <= bounds.most;
  }

  /// It answered; nothing means never.
  void answered(Job& job, std::optional<Duration> delay, Time now) {
    if (!delay) return bury(job, *job.reason);
    job.previous_delay = *delay;
    ++counts.retries;
    again(job, *delay, now);
  }
  /// It threw: after 1 second.
  void answered_by_throwing(Job& job, Time now) {
    ++counts.user_errors;
    ++counts.retries;
    again(job, 1s, now);
  }

  // What becomes of the dead.

  /// The sink is offered the letter of `number`; whether it takes it.
  [[nodiscard]] bool offer(std::uint32_t number) {
    Job& job = jobs_[number];
    if (job.refusals < refusals(setup_.sink, number)) {
      ++job.refusals;
      ++counts.sink_failures;
      ++counts.user_errors;
      job.place = Place::kept;
      return false;
    }
    const bool was_completion = job.owes_letter;
    job.owes_letter = !was_completion && is_held(job);
    job.place = Place::over;
    return true;
  }

  /// Whether a letter offered now comes without its payload.
  [[nodiscard]] bool is_held(const Job& job) const { return job.inside > 0 && !form_.is_copyable && !job.owes_letter; }

  // How it ends.

  /// A shutdown begins: wall-clock jobs are planned for when they are due by the clock as it is.
  void begin_ending(Time now, Wall wall) {
    is_ending = is_closed = true;
    for (Job& job : jobs_) {
      if (job.place != Place::waiting || !job.at) continue;
      wait_or_go(job, *job.at <= wall ? now : now + (*job.at - wall), now);
      job.at.reset();
    }
  }

  /// Nobody will run `job` any more: it goes where `setup.leftover` says.
  void leave_over(Job& job) {
    if (setup_.leftover == Leftover::discard) return end(job, counts.discarded);
    if (setup_.leftover == Leftover::hand_back && job.inside == 0) {
      job.place = Place::dying;
      return;
    }
    ++counts.abandoned;
    bury(job, windlass::DeadReason::abandoned);
  }
  void hand_back(Job& job) { end(job, counts.returned); }

  /// It is over: nothing lies in a lane any more.
  void sweep() {
    for (Job& job : jobs_) job.is_in_lane = job.is_in_lane && job.place == Place::ready;
  }

  // What the queue is like.

  [[nodiscard]] Tally tally() const { return tally_of(jobs_); }
  [[nodiscard]] bool has_errands() const {
    return std::any_of(jobs_.begin(), jobs_.end(), [](const Job& job) { return job.is_errand; });
  }
  /// The errands are done: those of jobs that ended meanwhile came to nothing. False if one was not.
  [[nodiscard]] bool end_errands() {
    for (Job& job : jobs_) {
      if (job.is_errand && job.place != Place::over) return false;
      job.is_errand = false;
    }
    return true;
  }

  [[nodiscard]] std::size_t size() const { return jobs_.size(); }
  [[nodiscard]] Job& job(std::uint32_t number) { return jobs_[number]; }

 private:
  void wait_or_go(Job& job, Time due, Time now) {
    if (due > now) {
      const Duration past = due - origin_;
      job.due = origin_ + (past + 1ms - 1ns) / 1ms * 1ms;
      job.linked = ++links_;
      job.place = Place::waiting;
      return;
    }
    job.place = Place::ready;
    lanes_.push(job);
  }

  void end(Job& job, std::uint64_t& what) {
    ++what;
    job.place = Place::over;
  }

  void bury(Job& job, windlass::DeadReason reason) {
    if (job.is_cancelled && reason != windlass::DeadReason::failed_after_commit) return end(job, counts.cancelled);
    ++counts.dead;
    job.reason = reason;
    job.place = setup_.sink == Sink::none ? Place::over : Place::dying;
  }

  void again(Job& job, Duration delay, Time now) {
    if (job.is_cancelled) return end(job, counts.cancelled);
    wait_or_go(job, now + delay, now);
  }

  void fail(Job& job, std::string_view error) {
    ++counts.failures;
    ++job.deliveries;
    job.last_error = error;
    if (++job.failures == 1) job.first_error = error;
  }

  [[nodiscard]] std::optional<windlass::DeadReason> exhausted(const Job& job, Time now) const {
    using windlass::DeadReason;
    if (job.failures >= job.max_failures) return DeadReason::failures_exhausted;
    if (job.hangs >= setup_.max_hangs) return DeadReason::hung;
    if (job.deliveries >= job.max_deliveries) return DeadReason::deliveries_exhausted;
    if (is_too_old(job, now)) return DeadReason::failures_exhausted;
    return std::nullopt;
  }

  void try_again(Job& job, std::string_view why, windlass::DeadReason never) {
    job.place = Place::asked;
    job.asked_about = why;
    job.reason = never;
  }

  // The job may run again after a hang; not once its queue is being ended.
  void go_on(Job& job, Time now) {
    if (is_ending && !job.is_cancelled) return leave_over(job);
    if (is_ending) return end(job, counts.cancelled);
    if (const auto limit = exhausted(job, now)) return bury(job, *limit);
    try_again(job, {}, windlass::DeadReason::hung);
  }

  // A run that lost its lease returns: only a success counts, and only while nobody has the job again.
  bool finish_late(Job& job, const Run& run, bool succeeds, Time now) {
    const bool is_free = job.place == Place::lost || job.place == Place::ready || job.place == Place::waiting ||
                         job.place == Place::stalled;
    --job.inside;
    if (succeeds && is_free && job.newest_run == run.serial) {
      ++counts.late_successes;
      end(job, counts.done);
      return true;
    }
    ++counts.stale_settles;
    if (job.place == Place::stalled && job.inside == 0) go_on(job, now);
    return false;
  }

  const Setup setup_;
  const Form form_;
  const Time origin_;
  std::vector<Job> jobs_;
  Lanes lanes_;
  std::uint64_t links_ = 0;
  std::uint64_t runs_ = 0;
};

}  // namespace property
