#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "../await.hpp"
#include "../history/check.hpp"
#include "rig_grips.hpp"

namespace property {

/// How many commands of a kind made sense so far.
inline std::uint64_t& hits_of(Kind kind) {
  static std::array<std::uint64_t, kinds> all{};
  return all[static_cast<std::size_t>(kind)];
}

/// Runs a sequence of commands on a queue and on its model, and compares the two after each.
template <class Of>
class Rig : private RigGrips<Of> {
  using Base = RigGrips<Of>;
  using Base::clock_, Base::end_lease, Base::end_run, Base::expect, Base::failure_, Base::grips_, Base::hang,
      Base::ids_, Base::inside_, Base::is_blind, Base::look, Base::model_, Base::now, Base::pulled_, Base::queue_,
      Base::recorder_, Base::reserve, Base::setup_, Base::sync, Base::tell, Base::wall;
  using typename Base::JobId;

 public:
  /// The queue is made after `setup`; the model believes in `believed`.
  Rig(const Setup& setup, const Setup& believed, std::size_t commands) : Base(setup, believed, commands) {}
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;
  ~Rig() { this->is_loose_ = true; }  // what is left then is nobody's business

  /// What was wrong first, and at which command; empty if nothing was.
  [[nodiscard]] std::string run(const std::vector<Command>& commands) {
    std::size_t at = 0;
    for (; at < commands.size() && failure_.empty(); ++at) {
      if (execute(commands[at])) ++hits_of(commands[at].kind);
      sync();
      if (failure_.empty()) compare();
    }
    const std::string where = "command " + std::to_string(at) + ": ";
    if (!failure_.empty()) return where + failure_;
    finish();
    return failure_.empty() ? "" : "at the end: " + failure_;
  }

 private:
  // Whether the command made sense.
  bool execute(const Command& command) {
    switch (command.kind) {
      case Kind::enqueue:
        return this->enqueue(options_of(command.a, wall()), command.b), true;
      case Kind::enqueue_bulk:
        return enqueue_bulk(options_of(command.a, wall()), 1 + command.b % 4), true;
      case Kind::cancel:
        return cancel(command);
      case Kind::run_one:
        return pump(command.b, false);
      case Kind::poll:
        return pump(command.b, true);
      case Kind::hang:
        return hang();
      case Kind::tell_run:
        return !inside_.empty() && (tell(*inside_[command.a % inside_.size()], command.b % 4), true);
      case Kind::end_run:
        return !inside_.empty() && (end_run(command.a % inside_.size(), command.b), true);
      case Kind::reserve:
        return reserve();
      case Kind::tell_lease:
        return !pulled_.empty() && (tell(*pulled_[command.a % pulled_.size()], command.b % 4), true);
      case Kind::end_lease:
        return !pulled_.empty() && (end_lease(command.a % pulled_.size(), command.b), true);
      case Kind::pause:
        model_.is_paused = true;
        return queue_->pause(), true;
      case Kind::resume:
        model_.is_paused = false;
        return queue_->resume(), true;
      case Kind::advance:
        return advance(length_of(command)), true;
      case Kind::stand_still:
        return stand_still(length_of(command)), true;
      case Kind::sleep:
        return sleep(length_of(command)), true;
      case Kind::set_wall:
        return clock_.set_wall(wall() + leap_of(command)), true;
      case Kind::retry_kept:
        return retry_kept();
      case Kind::wait_idle:
        return wait_idle(), true;
      case Kind::close:
        return close(command.a % 2 == 0), true;
    }
    return false;
  }

  void enqueue_bulk(const windlass::EnqueueOptions& options, std::uint32_t count) {
    std::vector<typename Base::Payload> payloads;
    payloads.reserve(count);
    const auto first = static_cast<std::uint32_t>(model_.size());
    std::uint32_t fit = 0;
    auto expected = windlass::EnqueueError::none;
    for (std::uint32_t i = 0; i < count; ++i) payloads.emplace_back(first + i);
    while (fit < count && expected == windlass::EnqueueError::none) {
      expected = model_.enqueue(options, now(), wall());
      fit += expected == windlass::EnqueueError::none ? 1 : 0;
    }
    const auto result = queue_->try_enqueue_bulk(std::make_move_iterator(payloads.begin()),
                                                 std::make_move_iterator(payloads.end()), options);
    expect(result.accepted() == fit && result.error() == expected, "a bulk took " + std::to_string(result.accepted()));
    // No call tells the ids of a bulk's jobs; the observer was told.
    for (const JobId id : this->fresh_ids()) this->admitted(id);
  }

  // One of the newest jobs, or now and then one that waits for its hung run.
  bool cancel(const Command& command) {
    if (ids_.empty()) return false;
    const auto many = static_cast<std::uint32_t>(ids_.size());
    std::uint32_t number = many - 1 - command.a % std::min(many, 14U);
    for (std::uint32_t i = 0; i < many && command.b % 4 == 1; ++i) {
      if (model_.job(i).place == Place::stalled) number = i;
    }
    return Base::cancel(number);
  }

  bool pump(std::uint32_t acts, bool polls) {
    look();
    this->acts_ = acts;
    this->is_polling_ = polls;
    this->is_signalled_ = false;
    const auto run_one = [this] {
      const windlass::PumpResult result = queue_->pump({.budget = std::nullopt, .max_jobs = 1});
      if (result.left > 0) this->is_signalled_ = true;
      return result.ran;
    };
    const std::size_t ran = polls ? queue_->poll() : run_one();
    if (is_blind()) return false;
    expect(model_.end_errands(), "what follows from a lost lease was not worked out");
    if (std::exchange(this->is_polling_, false)) model_.mark_lanes(true);
    if (polls || ran == 0) {
      expect(!model_.has_next(), "a job that was ready did not run");
      model_.find_nothing();
    }
    model_.mark_lanes(false);
    sync();
    return ran > 0;
  }

  void advance(Duration by) {
    while (by > Duration{} && !is_blind()) {
      const Duration step = std::min<Duration>(by, 1ms);
      clock_.advance(step);
      by -= step;
      model_.wake(now(), wall());
      sync();
      for (const Grip* const grip : grips_) {
        const bool is_late = grip->lease != Duration{} && !grip->run.is_lost && now() > grip->not_after;
        expect(!is_late || grip->run.commit == Tried::granted,
               "job " + std::to_string(grip->run.number) + " still has its lease");
      }
    }
  }

  // Time that passes in one jump is a standstill, and not counted; the watch takes it for one of its intervals.
  void stand_still(Duration by) {
    clock_.jump(by);
    for (Grip* const grip : grips_) {
      grip->not_before += by - 4ms;
      grip->not_after += by + 4ms;
      grip->began += by - 4ms;
    }
    model_.wake(now(), wall());
    sync();
  }

  // Nobody looks meanwhile.
  void sleep(Duration by) {
    clock_.sleep(by);
    for (Grip* const grip : grips_) grip->not_after += by;
  }

  bool retry_kept() {
    const std::uint32_t kept = model_.tally().kept;
    this->offered_ = this->accepted_ = 0;
    const std::uint32_t taken = queue_->retry_kept();
    expect(taken == this->accepted_ && this->offered_ >= kept, "retry_kept says " + std::to_string(taken));
    return kept > 0;
  }

  void close(bool drains) {
    model_.is_closed = true;
    if (!drains) return queue_->close();
    look();
    const auto result = queue_->drain_for(0s);
    expect(static_cast<bool>(result) == (model_.tally().present == 0),
           "drain_for says " + std::string(to_string(result)));
  }

  void wait_idle() {
    look();
    const auto tally = model_.tally();
    const auto result = queue_->wait_idle_for(0s);
    expect(static_cast<bool>(result) == (tally.ready == 0 && tally.busy == 0),
           "wait_idle_for says " + std::string(to_string(result)));
  }

  // All that can be seen of a queue against what the model says.
  void compare() {
    const windlass::Stats stats = queue_->stats();
    const Counts& counts = model_.counts;
    const auto tally = model_.tally();
    const auto same = [&](const char* what, std::uint64_t is, std::uint64_t should_be) {
      expect(is == should_be, std::string(what) + " is " + std::to_string(is) + ", not " + std::to_string(should_be));
    };
    same("accepted", stats.accepted, counts.accepted);
    same("done", stats.done, counts.done);
    same("dead", stats.dead, counts.dead);
    same("abandoned", stats.abandoned, counts.abandoned);
    same("cancelled", stats.cancelled, counts.cancelled);
    same("discarded", stats.discarded, counts.discarded);
    same("returned", stats.returned, counts.returned);
    same("present", stats.present, tally.present);
    same("deliveries", stats.deliveries, counts.deliveries);
    same("failures", stats.failures, counts.failures);
    same("exceptions", stats.exceptions, counts.exceptions);
    same("retries", stats.retries, counts.retries);
    same("snoozes", stats.snoozes, counts.snoozes);
    same("expiries", stats.expiries, counts.expiries);
    same("redeliveries", stats.redeliveries, counts.redeliveries);
    same("stale_settles", stats.stale_settles, counts.stale_settles);
    same("late_successes", stats.late_successes, counts.late_successes);
    same("sink_failures", stats.sink_failures, counts.sink_failures);
    same("user_errors", stats.user_errors, counts.user_errors);
    same("waiting", stats.waiting, tally.waiting);
    same("tombstones", stats.tombstones, tally.tombstones);
    same("kept", stats.kept, tally.kept);
    same("letters that did not come", tally.owed, 0);
    if (model_.is_ending) return;

    const auto due = queue_->next_due();
    const auto timer = model_.next_due();
    const bool has_work = model_.has_errands() || model_.has_next();
    if (has_work) expect(due == now(), "next_due is not now, and there is work");
    if (has_work) expect(this->is_signalled_, "there is work, and a host that sleeps until on_ready does not know");
    const bool is_clear = !has_work && tally.tombstones == 0 && pulled_.empty();
    // Planned earlier than it turns out to be only where something else was planned, and is no more.
    if (is_clear && timer) expect(due && *due <= *timer, "next_due is later than the next timer");
    if (is_clear && !timer) expect(!due, "next_due without anything due");
  }

  // Ends the queue and looks at what became of every job.
  void finish() {
    const bool is_strict = setup_.ends_runs_first;
    while (is_strict && !inside_.empty()) end_run(0, static_cast<std::uint32_t>(inside_.size() % 8));
    while (is_strict && !pulled_.empty()) end_lease(0, static_cast<std::uint32_t>(pulled_.size() % 8));
    if (!failure_.empty()) return;
    compare();
    this->is_loose_ = !is_strict;
    this->grace_ends_ = now() + setup_.grace;
    if (is_strict) {
      look();
      model_.begin_ending(now(), wall());
    }
    std::optional<windlass::Stats> stats;
    std::thread ending([&] {
      const Rows::About about(Rows::Business::shutdown);
      if (setup_.is_ended_by_destructor) return queue_.reset();
      windlass::ShutdownOptions<typename Base::Payload> how{.grace = setup_.grace, .leftover = setup_.leftover};
      if (setup_.leftover == Leftover::hand_back) {
        how.hand_back = [this](JobId id, typename Base::Payload&& payload) { this->hand_back(id, payload); };
      }
      (void)queue_->shutdown(std::move(how));
      stats = queue_->stats();
    });
    for (auto& held : inside_) {
      expect(await([&] { return held->token.stop_requested(); }), "a run was not asked to stop");
      held->puppet->end(this->outcome_of(Act::of(held->run.number), "stopped"));
    }
    inside_.clear();
    ending.join();
    while (!pulled_.empty()) end_lease(0, static_cast<std::uint32_t>(pulled_.size()));
    if (queue_) stats = queue_->stats();
    if (is_strict && failure_.empty()) {
      model_.sweep();
      for (std::uint32_t i = 0; i < model_.size(); ++i) {
        const Place place = model_.job(i).place;
        expect(place == Place::over || place == Place::kept, "job " + std::to_string(i) + " was forgotten");
      }
      if (queue_) compare();
    }
    check_history(stats ? &*stats : nullptr);
    queue_.reset();
    expect(Base::Payload::live == 0, std::to_string(Base::Payload::live) + " payloads are left");
  }

  void check_history(const windlass::Stats* stats) {
    expect(recorder_.missed() == 0, "the recorder was too small");
    const auto history = recorder_.read(stats == nullptr ? windlass::Stats{} : *stats);
    const std::string broken = stats == nullptr ? broken_lives(history) : broken_laws(history);
    expect(broken.empty(), "laws are broken:\n" + broken);
  }
};

}  // namespace property
