#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "../history/recorder.hpp"
#include "command.hpp"
#include "model.hpp"
#include "parts.hpp"

namespace property {

/// A queue and its model side by side, and everything that the queue calls: handler, observer, sink, policy, on_hung.
/// All of it happens one after the other, though on several threads: a puppet acts while its caller waits.
template <class Of>
class RigBase {
 protected:
  using Payload = Token<Of::can_copy>;
  using Queue = Tested<Of>;
  using JobId = windlass::JobId;
  using Event = windlass::Event;
  using Outcome = windlass::Outcome;

  RigBase(const Setup& setup, const Setup& believed, std::size_t commands)
      : setup_(setup),
        recorder_(256 + 64 * commands, [clock = clock_] { return clock.now(); }),
        model_(believed, {Of::can_copy, Of::at_most_once}, clock_.now()) {
    queue_.emplace([this](const Payload& payload, windlass::Delivery& delivery) { return handle(payload, delivery); },
                   options(), clock_);
    queue_->observer().tell(recorder_, [this](Event event, JobId id) { hear(event, id); });
  }

  [[nodiscard]] Time now() const { return clock_.now(); }
  [[nodiscard]] Wall wall() const { return clock_.wall_now(); }

  /// The first thing that was wrong; from then on nothing is looked at any more.
  void expect(bool holds, const std::string& otherwise) {
    if (!holds && failure_.empty()) failure_ = otherwise;
  }
  /// Whether the model no longer follows: something was wrong, or threads run side by side.
  [[nodiscard]] bool is_blind() const { return is_loose_ || !failure_.empty(); }

  [[nodiscard]] std::uint32_t number_of(JobId id) const { return numbers_.at(id); }

  /// Enqueues one job as `options` say, by the call that `way` picks.
  void enqueue(const windlass::EnqueueOptions& options, std::uint32_t way) {
    using windlass::EnqueueError;
    const auto number = static_cast<std::uint32_t>(model_.size());
    const EnqueueError expected = model_.enqueue(options, now(), wall());
    Payload payload(number);
    const windlass::EnqueueResult result = way % 3 == 0   ? queue_->try_emplace_with(options, number)
                                           : way % 3 == 1 ? queue_->try_enqueue(std::move(payload), options)
                                                          : queue_->enqueue_for(std::move(payload), 0ms, options);
    const EnqueueError error = result.error();
    const bool is_full = error == EnqueueError::would_deadlock || error == EnqueueError::timed_out;
    expect(error == expected || (is_full && way % 3 == 2 && expected == EnqueueError::full),
           "enqueue says " + std::string(to_string(error)) + ", not " + std::string(to_string(expected)));
    if (error == EnqueueError::timed_out) model_.wake(now(), wall());  // who waits for room keeps time meanwhile
    const auto told = fresh_ids();
    if (expected == EnqueueError::none && failure_.empty()) {
      expect(told == std::vector{result.id()}, "the observer was told of another job");
      admitted(result.id());
    }
  }

  /// The jobs that the observer was told of since the last call.
  std::vector<JobId> fresh_ids() { return std::exchange(fresh_, {}); }

  /// The first job of the model that has none yet was accepted under `id`.
  void admitted(JobId id) {
    const auto number = static_cast<std::uint32_t>(ids_.size());
    ids_.push_back(id);
    numbers_[id] = number;
    const Job& job = model_.job(number);
    recorder_.write_terms(id, {job.at ? Time{} : job.due, job.lease, soonest_retry(), job.max_failures,
                               setup_.max_hangs, job.max_deliveries});
  }

  /// A run, or pulled lease, of `number` has begun.
  Run begin(std::uint32_t number, std::uint32_t attempt) {
    if (is_polling_) model_.mark_lanes(true);
    is_polling_ = false;
    expect(model_.end_errands(), "a job ran before what follows from a lost lease was worked out");
    if (model_.is_ending) model_.wake(now(), wall());
    const Taker who = free_place();
    const auto expected = model_.next(who);
    if (model_.is_ending) {
      expect(model_.job(number).place == Place::ready, "job " + std::to_string(number) + " ran and was not ready");
    } else {
      expect(expected == number, "job " + std::to_string(number) + " ran, not " +
                                     (expected ? std::to_string(*expected) : std::string("none")));
    }
    if (is_blind()) return {};
    const Run run = model_.begin(number, who);
    expect(run.attempt == attempt, "attempt " + std::to_string(attempt) + " of job " + std::to_string(number) +
                                       ", not " + std::to_string(run.attempt));
    return run;
  }

  /// What `act` makes of a run: an outcome with a reason. Exceptions are the caller's.
  [[nodiscard]] Outcome outcome_of(const Act& act, const std::string& reason) const {
    switch (act.ends) {
      case 0:
        return Outcome::done();
      case 2:
        return Outcome::retry_after(act.delay, reason);
      case 3:
        return Outcome::snooze(act.delay);
      case 4:
        return Outcome::yield();
      case 5:
        return Outcome::dead(reason);
      case 6:
        return Outcome::discard();
      default:
        return Outcome::retry(reason);
    }
  }

  /// try_commit() was called by `run`: whether it was right to say `granted`. A commit has its effect at once.
  void committed(Run& run, JobId id, bool granted) {
    const bool is_news = run.commit == Tried::not_yet;
    expect(model_.commit(run) == granted, granted ? "a commit was granted" : "a commit was refused");
    if (!is_news) return;
    recorder_.write(granted ? history::What::committed : history::What::lost, id, run.attempt);
    if (granted) recorder_.write(history::What::effect, id, run.attempt);
  }

  /// Cancels a job; false if it is better left alone, for it would not be known what others are told to stop for.
  bool cancel(std::uint32_t number) {
    const Job& job = model_.job(number);
    Grip* const grip = job.place == Place::running || job.place == Place::committed ? grip_of(number) : nullptr;
    if (grip != nullptr && has_told_but(grip)) return false;
    const Rows::About about(Rows::Business::cancel);
    const auto expected = model_.cancel(number);
    const auto result = queue_->cancel(ids_[number]);
    // Nobody says which of several lost leases is dealt with first, nor when a shutdown sweeps the lanes.
    const bool may_be_gone = expected == windlass::CancelResult::finished && (job.is_errand || model_.is_ending);
    expect(result == expected || (may_be_gone && result == windlass::CancelResult::not_found),
           "cancel says " + std::string(to_string(result)) + ", not " + std::string(to_string(expected)));
    if (result == windlass::CancelResult::cancelled) recorder_.write(history::What::cancelled, ids_[number]);
    if (grip != nullptr) grip->is_told = true;
    return true;
  }

  [[nodiscard]] Grip* grip_of(std::uint32_t number) const {
    for (Grip* const grip : grips_) {
      if (grip->run.number == number && !grip->run.is_lost) return grip;
    }
    return nullptr;
  }
  [[nodiscard]] bool has_told_but(const Grip* grip) const {
    return std::any_of(grips_.begin(), grips_.end(), [&](const Grip* other) {
      return other != grip && (other->is_told || other->max_runtime != Duration{});
    });
  }

  /// Where a thread that pumps now has its place: the first that is free.
  [[nodiscard]] Taker free_place() const {
    Taker place = 0;
    const auto is_taken = [&](const Grip* grip) { return grip->run.taker == place; };
    while (std::any_of(grips_.begin(), grips_.end(), is_taken)) ++place;
    return place;
  }

  const Setup setup_;
  const windlass::testing::ManualClock clock_;
  history::Recorder recorder_;
  Model model_;
  std::optional<Queue> queue_;
  std::vector<JobId> ids_;  // by number
  std::vector<JobId> fresh_;
  std::unordered_map<JobId, std::uint32_t> numbers_;
  std::vector<Grip*> grips_;   // all that are out
  Grip* coming_ = nullptr;     // the puppet that is about to start
  windlass::StopToken token_;  // its run's
  std::uint32_t acts_ = 0;     // what the runs of this command do
  bool is_polling_ = false;    // and no run of it has begun
  bool is_loose_ = false;      // threads run side by side: the model does not follow
  Time grace_ends_{};
  std::atomic<bool> is_signalled_{false};  // by on_ready or by pump, since the last pump began
  std::uint32_t offered_ = 0;              // letters that the sink saw
  std::uint32_t accepted_ = 0;             // and took
  std::string failure_;

  /// `grip` has lost its lease, as the queue lets know.
  void lose(Grip& grip) {
    expect(now() >= grip.not_before,
           "job " + std::to_string(grip.run.number) + " was lost " + in_ms(grip.not_before - now()) + " early");
    expect(grip.lease != Duration{}, "a lease without an end was lost");
    if (!is_blind()) model_.lose(grip.run);
  }

  /// The shutdown hands a job back.
  void hand_back(JobId id, const Payload& payload) {
    recorder_.write(history::What::handed_back, id);
    if (is_blind()) return;
    Job& job = model_.job(number_of(id));
    expect(payload.number() == job.number, "another payload was handed back");
    if (job.place == Place::ready || job.place == Place::waiting) leave_over(job);
    expect(job.place == Place::dying, "a job was handed back that was not left over");
    if (!is_blind()) model_.hand_back(job);
  }

 private:
  // How soon a job may be tried again after it failed.
  [[nodiscard]] Duration soonest_retry() const {
    if (setup_.policy == Policy::throwing) return 1s;
    if (is_exponential(setup_.policy)) return bounds_of(setup_.policy, 1, {}).least;
    return backoff(setup_, 1).value_or(0s);
  }

  windlass::QueueOptions<Payload> options() {
    windlass::QueueOptions<Payload> options;
    options.capacity = setup_.capacity;
    options.paused = setup_.paused;
    options.lease = setup_.lease;
    options.max_runtime = setup_.max_runtime;
    options.max_failures = setup_.max_failures;
    options.max_deliveries = setup_.max_deliveries;
    options.max_hangs = setup_.max_hangs;
    options.retry_for = setup_.retry_for;
    options.shutdown_grace = setup_.grace;
    if (setup_.is_ended_by_destructor) options.leftover = setup_.leftover;
    options.retry = [this](const windlass::Failure& failure) { return answer_failure(failure); };
    options.on_ready = [this] { is_signalled_ = true; };
    if (setup_.hung != Hung::unset) {
      options.on_hung = [this](const windlass::HungInfo& info) { return judge_hung(info); };
    }
    if (setup_.sink != Sink::none) {
      options.dead_letters = [this](windlass::DeadLetter<Payload>&& letter) { take(std::move(letter)); };
    }
    return options;
  }

  Outcome handle(const Payload& payload, windlass::Delivery& delivery) {
    const JobId id = delivery.id();
    const std::uint32_t attempt = delivery.attempt();
    if (Puppet::is_here()) {
      coming_->run = begin(payload.number(), attempt);
      coming_->id = id;
      token_ = delivery.stop_token();
      const Outcome outcome = Puppet::act(delivery);
      recorder_.write_returning(id, attempt, outcome);
      return outcome;
    }
    if (is_blind()) {
      recorder_.write_returning(id, attempt, Outcome::discard());
      return Outcome::discard();
    }
    Run run = begin(payload.number(), attempt);
    if (is_blind()) return Outcome::discard();
    return perform(run, delivery);
  }

  // What a handler does on the thread that pumps.
  Outcome perform(Run& run, windlass::Delivery& delivery) {
    Act act = Act::of(std::exchange(acts_, acts_ * 747'796'405U + 2'891'336'453U));
    const JobId id = delivery.id();
    if (model_.is_ending) {  // nothing that goes on for ever
      act = Act{};
      act.ends = static_cast<std::uint32_t>(id.slot() % 2);
    }
    if (act.beats) delivery.heartbeat();
    if (act.sleeps != Duration{}) expect(delivery.sleep_for(act.sleeps), "a sleep was cut short for nothing");
    if (act.extends) {
      recorder_.write_extending(id, run.attempt, 30ms);
      expect(delivery.extend(30ms), "a run that nobody watched could not extend");
      recorder_.write(history::What::extended, id, run.attempt);
    }
    if (act.cancels_itself) {
      const Rows::About about(Rows::Business::cancel);
      (void)model_.cancel(run.number);
      expect(queue_->cancel(id) == windlass::CancelResult::requested, "a run's own cancel was not requested");
    }
    if (act.commits) committed(run, id, delivery.try_commit());
    if (act.enqueues) enqueue({}, 0);
    const std::string reason = "run " + std::to_string(run.serial);
    const Outcome outcome = outcome_of(act, reason);
    recorder_.write_returning(id, run.attempt, outcome);
    if (act.ends >= 7) ++model_.counts.exceptions;
    (void)model_.finish(run, outcome, act.ends == 8 ? std::string_view{} : outcome.reason(), now());
    if (act.ends == 7) throw std::runtime_error(reason);
    if (act.ends == 8) throw 42;
    return outcome;
  }

  // What a policy does: it may cancel a job, and answers.
  std::optional<Duration> answer_failure(const windlass::Failure& failure) {
    const std::uint32_t tries = failure.failures + failure.hangs;
    const auto plain = [&] {
      return is_exponential(setup_.policy) ? exponential(setup_.policy)(failure) : backoff(setup_, tries);
    };
    if (is_blind()) return plain();
    Job* const asked = model_.asked();
    expect(asked != nullptr, "a policy was asked about nothing");
    if (asked == nullptr) return plain();
    Job& job = *asked;
    const std::string name = "the policy of job " + std::to_string(job.number);
    expect(failure.failures == job.failures && failure.hangs == job.hangs && failure.deliveries == job.deliveries &&
               failure.previous_delay == job.previous_delay,
           name + " is told other counts");
    expect(job.asked_about.empty() || failure.reason == job.asked_about,
           name + " is told '" + std::string(failure.reason) + "'");
    cancel_from(Callback::policy, job.number);
    if (is_blind()) return std::nullopt;
    if (setup_.policy == Policy::throwing) model_.answered_by_throwing(job, now());
    const auto delay = plain();
    expect(model_.may_answer(job, delay), name + " says " + in_ms(delay.value_or(-1ms)));
    model_.answered(job, delay, now());
    return delay;
  }

  OnHung judge_hung(const windlass::HungInfo& info) {
    const std::uint32_t number = number_of(info.id);
    const OnHung choice = answer(setup_.hung, number);
    if (is_blind()) return choice;
    const Job& job = model_.job(number);
    expect(info.hangs == job.hangs && info.deliveries == job.deliveries, "on_hung is told other counts");
    cancel_from(Callback::on_hung, number);
    if (!is_blind()) model_.judged(number, choice, now());
    return choice;
  }

  void cancel_from(Callback where, std::uint32_t number) {
    const auto chosen = victim(setup_, where, number);
    if (chosen && *chosen < ids_.size()) (void)cancel(*chosen);
  }

  void hear(Event event, JobId id) {
    if (event == Event::enqueued) fresh_.push_back(id);
    if (is_blind() || event == Event::enqueued) return;
    Job& job = model_.job(number_of(id));
    if (event == Event::lease_expired) {
      for (Grip* const grip : grips_) {
        if (grip->id == id && !grip->run.is_lost && job.newest_run == grip->run.serial) lose(*grip);
      }
      expect(job.place == Place::lost, "a lease expired that was not out");
      if (!is_blind()) model_.run_errand(job.number, now());
    }
    const bool is_queued = job.place == Place::ready || job.place == Place::waiting;
    if (model_.is_ending && is_queued && (event == Event::dead || event == Event::dropped)) leave_over(job);
  }

  void leave_over(Job& job) {
    if (setup_.leftover == Leftover::run && !model_.is_paused && now() < grace_ends_) {
      expect(job.due > grace_ends_, "job " + std::to_string(job.number) + " was due within the grace and left over");
    }
    model_.leave_over(job);
  }

  void take(windlass::DeadLetter<Payload>&& letter) {
    ++offered_;
    if (is_blind()) return;
    Job& job = model_.job(number_of(letter.id));
    const std::string name = "the letter of job " + std::to_string(job.number);
    const bool completes = job.owes_letter && job.inside == 0;
    expect(job.place == Place::dying || job.place == Place::kept || completes, name + " came for nothing");
    expect(letter.is_completion == completes, name + (completes ? " completes none" : " completes one"));
    expect(letter.is_held == model_.is_held(job), name + " is held, or not");
    expect(letter.payload.has_value() != letter.is_held, name + " has a payload, or not");
    expect(!letter.payload || letter.payload->number() == job.number, name + " has another's payload");
    expect(job.reason == letter.reason, name + " says " + std::string(to_string(letter.reason)));
    expect(letter.failures == job.failures && letter.hangs == job.hangs && letter.deliveries == job.deliveries,
           name + " has other counts");
    expect(letter.priority == job.lane, name + " has another priority");
    expect(!job.enqueued_at || letter.enqueued_at == job.enqueued_at, name + " has another time of enqueue");
    const auto agree = [&](const std::string& known, std::string_view said) {
      expect(known.empty() || known == said, name + " says '" + std::string(said) + "', not '" + known + "'");
    };
    agree(job.first_error, letter.first_error.view());
    agree(job.last_error, letter.last_error.view());
    if (is_blind()) return;
    cancel_from(Callback::sink, job.number);
    if (is_blind()) return;
    if (!model_.offer(job.number)) throw std::runtime_error("a sink that throws");
    ++accepted_;
    if (!letter.is_completion) recorder_.write(history::What::letter, letter.id, 0, letter.failures);
  }
};

}  // namespace property
