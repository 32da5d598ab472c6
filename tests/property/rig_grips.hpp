#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rig_base.hpp"

namespace property {

/// The runs that stay inside and the leases that are pulled: they come, are told things, lose their jobs, and go.
template <class Of>
class RigGrips : protected RigBase<Of> {
 protected:
  using Base = RigBase<Of>;
  using Base::Base;
  using Base::clock_, Base::expect, Base::failure_, Base::grips_, Base::ids_, Base::is_blind, Base::model_, Base::now,
      Base::queue_, Base::recorder_, Base::setup_, Base::wall;
  using typename Base::Outcome, typename Base::Queue;

  struct Inside : Grip {
    windlass::StopToken token;
    std::unique_ptr<Puppet> puppet;
  };
  struct Pulled : Grip {
    std::optional<typename Queue::Lease> lease;
  };
  static constexpr std::size_t most = 3;  // four threads may pump, and one is ours

  // A run that will stay inside. First everything that is due, so that it is known which job it gets.
  bool hang() {
    if (inside_.size() == most || !may_grip(this->free_place())) return false;
    auto held = std::make_unique<Inside>();
    this->coming_ = held.get();
    held->puppet = std::make_unique<Puppet>(*queue_);
    held->token = this->token_;
    if (!is_blind()) take_up(*held);
    inside_.push_back(std::move(held));
    return true;
  }

  bool reserve() {
    if (pulled_.size() == most) return false;
    if (model_.has_next() && !may_grip(reserver)) return false;
    look();
    const auto expected = model_.next(reserver);
    auto reserved = queue_->try_reserve();
    expect(static_cast<bool>(reserved) == expected.has_value(), "a lease was to be had, or not");
    if (!failure_.empty()) return false;
    if (!reserved) {
      const bool is_finished = model_.is_closed && model_.tally().present == 0;
      expect(reserved.error() == (is_finished ? windlass::WaitError::closed : windlass::WaitError::timed_out),
             "try_reserve says " + std::string(to_string(reserved.error())));
      model_.find_nothing();
      return false;
    }
    auto held = std::make_unique<Pulled>();
    held->lease.emplace(*std::move(reserved));
    held->id = held->lease->id();
    expect(held->id == ids_[*expected], "another job was pulled");
    expect((*held->lease)->number() == *expected, "another payload was pulled");
    held->run = model_.begin(*expected, reserver);
    expect(held->lease->attempt() == held->run.attempt, "a lease has another attempt");
    take_up(*held);
    pulled_.push_back(std::move(held));
    return true;
  }

  void tell(Inside& held, std::uint32_t what) {
    const auto in_run = [&](auto act) { return held.puppet->tell(act); };
    sync();
    if (what == 2) {
      in_run([](windlass::Delivery& delivery) { delivery.heartbeat(); });
      if (held.token.reason() != windlass::StopReason::max_runtime) renew(held, {});
      return;
    }
    if (what == 3) {
      const bool granted = in_run([](windlass::Delivery& delivery) { return delivery.try_commit(); });
      return this->committed(held.run, held.id, granted);
    }
    const Duration by = what == 0 ? 1ms : 30ms;
    extended(held, by, held.token.reason(), [&] {
      return in_run([&](windlass::Delivery& delivery) {
        recorder_.write_extending(held.id, held.run.attempt, by);
        const bool granted = delivery.extend(by);
        recorder_.write(granted ? history::What::extended : history::What::lost, held.id, held.run.attempt);
        return granted;
      });
    });
  }

  void tell(Pulled& held, std::uint32_t what) {
    sync();
    if (what == 2) return;  // it has no heartbeat
    if (what == 3) return this->committed(held.run, held.id, held.lease->try_commit());
    const Duration by = what == 0 ? 1ms : 30ms;
    extended(held, by, held.lease->stop_reason(), [&] {
      recorder_.write_extending(held.id, held.run.attempt, by);
      const bool granted = held.lease->extend(by);
      recorder_.write(granted ? history::What::extended : history::What::lost, held.id, held.run.attempt);
      return granted;
    });
  }

  template <class Extend>
  void extended(Grip& grip, Duration by, windlass::StopReason told, Extend extend) {
    const std::uint64_t before = queue_->stats().stale_settles;
    const bool granted = extend();
    const std::uint64_t counted = queue_->stats().stale_settles - before;
    const bool may_be_over = grip.max_runtime != Duration{} && now() >= grip.began + grip.max_runtime;
    const bool is_over = told == windlass::StopReason::max_runtime;
    if (grip.run.commit == Tried::granted) {
      expect(granted, "a run that committed could not extend");
    } else if (grip.run.is_lost) {
      expect(!granted, "a lease was extended that was lost");
      expect(counted == 1, "a refused extend was not counted");
    } else if (is_over || (may_be_over && grip.is_told)) {
      expect(!granted || !is_over, "a lease was extended beyond max_runtime");
    } else {
      expect(granted, "a lease could not be extended");
    }
    model_.counts.stale_settles += counted;
    expect(counted == 0 || grip.run.is_lost, "an extend was counted as stale");
    if (granted) renew(grip, by);
  }

  void end_run(std::size_t which, std::uint32_t code) {
    sync();
    auto held = std::move(inside_[which]);
    inside_.erase(inside_.begin() + static_cast<std::ptrdiff_t>(which));
    std::erase(grips_, held.get());
    const std::string reason = "run " + std::to_string(held->run.serial);
    const Outcome outcome = this->outcome_of(Act::of(code), reason);
    if (!is_blind()) (void)model_.finish(held->run, outcome, outcome.reason(), now());
    held->puppet->end(outcome);
  }

  void end_lease(std::size_t which, std::uint32_t code) {
    sync();
    auto held = std::move(pulled_[which]);
    pulled_.erase(pulled_.begin() + static_cast<std::ptrdiff_t>(which));
    std::erase(grips_, held.get());
    const Act act = Act::of(code);
    const bool is_dropped = act.ends == 4 || act.ends >= 7;
    const std::string reason = is_dropped ? "dropped" : "run " + std::to_string(held->run.serial);
    const Outcome outcome = is_dropped ? Outcome::retry(reason) : this->outcome_of(act, reason);
    recorder_.write_returning(held->id, held->run.attempt, outcome);
    const bool expected = is_blind() || model_.finish(held->run, outcome, outcome.reason(), now());
    if (is_dropped) return held->lease.reset();
    const bool counts = settle(*held->lease, act, reason);
    recorder_.write(counts ? history::What::settled : history::What::refused, held->id, held->run.attempt);
    expect(counts == expected || is_blind(), counts ? "a settle was accepted" : "a settle was refused");
  }

  static bool settle(typename Queue::Lease& lease, const Act& act, const std::string& reason) {
    switch (act.ends) {
      case 0:
        return lease.done();
      case 1:
        return lease.retry(reason);
      case 2:
        return lease.retry_after(act.delay, reason);
      case 3:
        return lease.snooze(act.delay);
      case 5:
        return lease.dead(reason);
      default:
        return lease.discard();
    }
  }

  // What every call does that pumps, pulls or waits: what is due by now.
  void look() {
    (void)queue_->wait_idle_for(0s);
    model_.wake(now(), wall());
    sync();
  }

  // Which leases were lost since the last look. A token says so, unless it was told something else before; of those
  // there is one at most.
  void sync() {
    if (is_blind()) return;
    const std::uint64_t lost = queue_->stats().expiries;
    for (auto& held : inside_) notice(*held, held->token.reason());
    for (auto& held : pulled_) notice(*held, held->lease->stop_reason());
    for (Grip* const grip : grips_) {
      if (!is_blind() && grip->is_told && !grip->run.is_lost && lost > model_.counts.expiries) this->lose(*grip);
    }
    expect(lost == model_.counts.expiries || is_blind(), "expiries: " + std::to_string(lost));
  }

  void notice(Grip& grip, windlass::StopReason reason) {
    if (is_blind() || grip.run.is_lost) return;
    if (reason == windlass::StopReason::lease_lost) this->lose(grip);
    if (reason == windlass::StopReason::max_runtime) {
      grip.is_told = true;
      expect(now() >= grip.began + grip.max_runtime, "told of max_runtime too early");
    }
  }

  // Whether the next job may be taken by a run that stays, or by hand: what has a max_runtime is there alone.
  bool may_grip(Taker who) {
    look();
    const auto next = model_.next(who);
    if (!next || model_.has_errands() || !failure_.empty()) return false;
    return !this->has_told_but(nullptr) && (grips_.empty() || model_.job(*next).max_runtime == Duration{});
  }

  void take_up(Grip& grip) {
    const Job& job = model_.job(grip.run.number);
    grip.began = now();
    grip.lease = job.lease;
    grip.max_runtime = job.max_runtime;
    grip.not_before = now() + job.lease;
    grip.not_after = now() + job.lease * 9 / 8 + 2ms;
    grips_.push_back(&grip);
  }
  // A sign of life: the lease begins anew, and lasts for `by` at least.
  void renew(Grip& grip, Duration by) {
    const bool may_be_over = grip.max_runtime != Duration{} && now() >= grip.began + grip.max_runtime;
    if (by == Duration{} && !may_be_over) grip.not_before = std::max(grip.not_before, now() + grip.lease);
    grip.not_before = std::max(grip.not_before, now() + by);
    grip.not_after = std::max(grip.not_after, now() + std::max(grip.lease, by) + grip.lease / 8 + 2ms);
  }

  std::vector<std::unique_ptr<Inside>> inside_;
  std::vector<std::unique_ptr<Pulled>> pulled_;
};

}  // namespace property
