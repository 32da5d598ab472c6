#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "engine/dawdle.hpp"
#include "engine/history.hpp"
#include "engine/team.hpp"
#include "specs/jobs.hpp"
#include "windlass/windlass.hpp"

namespace linearizability {

/// A payload whose construction is seen: it comes between the taking of a slot and the job's being ready.
struct Payload {
  struct Making {
    Stamps& stamps;
    std::uint32_t job;
    std::uint8_t lane;
    Stamp claimed = never;
    Stamp made = never;
  };

  explicit Payload(Making& making) : job(making.job), lane(making.lane) {
    making.claimed = making.stamps.end();
    Dawdle::here();
    making.made = making.stamps.begin();
  }

  std::uint32_t job;
  std::uint8_t lane;
};

inline constexpr std::uint32_t no_job = ~std::uint32_t{0};

/// The last job that the calling thread buried: who settles a job for good calls its sink.
inline thread_local std::uint32_t last_letter = no_job;

struct WeightedTraits : DawdlingTraits {
  static constexpr windlass::Lanes lanes{Jobs::lanes, windlass::LaneOrder::weighted, {2, 1, 1, 1, 1, 1, 1, 1}};
};

/// A queue whose jobs are pulled. No lease ends by itself, and what waits to be tried again waits for good.
template <class Traits>
class PulledQueue {
 public:
  using Queue = windlass::JobQueue<Payload, Traits>;

  explicit PulledQueue(std::uint32_t capacity)
      : queue({.capacity = capacity,
               .workers = 0,
               .lease = std::chrono::hours{1},
               .max_failures = Jobs::max_failures,
               .retry = windlass::FixedDelay{std::chrono::hours{1}},
               .leftover = windlass::Leftover::discard,
               .dead_letters = [](windlass::DeadLetter<Payload>&& letter) { last_letter = letter.payload->job; }}) {}

  Queue queue;
};

/// One thread's view of it.
template <class Traits>
class RecordedQueue {
 public:
  RecordedQueue(PulledQueue<Traits>& queue, Stamps& stamps, Log<Jobs::Op>& log, std::uint32_t first_job)
      : queue_(queue), stamps_(stamps), log_(log), next_job_(first_job) {}

  /// Whether there was room.
  bool enqueue(std::uint8_t lane) {
    Payload::Making making{stamps_, next_job_, lane};
    const windlass::EnqueueOptions options{.priority = windlass::Priority{lane}};
    const Stamp begun = stamps_.begin();
    const bool accepted = static_cast<bool>(queue_.queue.try_emplace_with(options, making));
    const Stamp ended = stamps_.end();
    if (!accepted) {
      log_.push_back({{.call = Jobs::Call::full}, begun, ended});
      return false;
    }
    ++next_job_;
    log_.push_back({{.call = Jobs::Call::claim}, begun, making.claimed});
    log_.push_back({{.call = Jobs::Call::publish, .lane = lane, .job = making.job}, making.made, ended, true});
    return true;
  }

  /// Whether there was a job.
  bool reserve() {
    const Stamp begun = stamps_.begin();
    auto lease = queue_.queue.try_reserve();
    const Stamp ended = stamps_.end();
    if (!lease) {
      log_.push_back({{.call = Jobs::Call::none}, begun, ended});
      return false;
    }
    const std::uint8_t lane = (*lease)->lane;
    const std::uint8_t looks = looks_before(lane);
    for (std::uint8_t above = 0; above < looks; ++above) {
      log_.push_back({{.call = Jobs::Call::look, .lane = above}, begun, ended, above > 0});
    }
    log_.push_back({{.call = Jobs::Call::take, .lane = lane, .job = (*lease)->job, .attempt = lease->attempt()},
                    begun,
                    ended,
                    looks > 0});
    leases_.push_back(*std::move(lease));
    return true;
  }

  /// Settles one of its leases, the oldest.
  void settle(Settle how) {
    Lease lease = std::move(leases_.front());
    leases_.erase(leases_.begin());
    Jobs::Op op{.call = Jobs::Call::settle, .job = lease->job, .how = how};
    last_letter = no_job;
    const Stamp begun = stamps_.begin();
    op.has_counted = settle(std::move(lease), how);
    const Stamp ended = stamps_.end();
    op.was_buried = last_letter == op.job;
    log_.push_back({op, begun, ended});
  }

  [[nodiscard]] std::size_t leases() const noexcept { return leases_.size(); }

 private:
  using Lease = typename PulledQueue<Traits>::Queue::Lease;

  // With strict lanes these were looked through before; with weighted ones it may have been the turn of `lane`.
  static constexpr std::uint8_t looks_before(std::uint8_t lane) noexcept {
    return Traits::lanes.order == windlass::LaneOrder::strict ? lane : std::uint8_t{0};
  }

  static bool settle(Lease lease, Settle how) {
    using namespace std::chrono_literals;
    switch (how) {
      case Settle::done:
        return lease.done();
      case Settle::discard:
        return lease.discard();
      case Settle::dead:
        return lease.dead();
      case Settle::retry:
        return lease.retry();
      case Settle::retry_at_once:
        return lease.retry_after(0s);
      case Settle::snooze_at_once:
        return lease.snooze(0s);
      case Settle::dropped:
        break;
    }
    return true;  // by its destructor
  }

  PulledQueue<Traits>& queue_;
  Stamps& stamps_;
  Log<Jobs::Op>& log_;
  std::uint32_t next_job_;
  std::vector<Lease> leases_;
};

/// How a history of a queue is to be made.
struct QueuePlan {
  std::uint64_t seed = 0;
  std::uint32_t capacity = 4;
  std::uint32_t steps = 10;  // calls of each thread
  std::uint32_t lanes = 1;   // in use
};

/// Lets the threads of `team` enqueue, reserve and settle at random; then the caller takes what is ready, fills the
/// queue and takes everything once more: so no job and no room may be lost.
template <class Traits>
History<Jobs::Op> record_queue(Team& team, const QueuePlan& plan) {
  PulledQueue<Traits> queue(plan.capacity);
  Stamps stamps;
  History<Jobs::Op> history(team.size() + 1);
  for (Log<Jobs::Op>& log : history) log.reserve(4 * plan.steps + 16 * plan.capacity + 16);

  team.run([&](std::size_t thread) {
    const Dawdle dawdles(plan.seed + thread);
    windlass::detail::Rng draws(~(plan.seed + thread));
    RecordedQueue recorded(queue, stamps, history[thread], static_cast<std::uint32_t>(32 * thread));
    for (std::uint32_t step = 0; step < plan.steps; ++step) {
      const auto draw = static_cast<std::uint32_t>(draws.next() >> 32U);
      if (recorded.leases() > 0 && draw % 2 == 0) {
        recorded.settle(Settle{static_cast<std::uint8_t>(draw / 2 % settle_names.size())});
      } else if (draw % 4 < 2) {
        recorded.enqueue(static_cast<std::uint8_t>(draw / 4 % plan.lanes));
      } else {
        recorded.reserve();
      }
    }
    while (recorded.leases() > 0) recorded.settle(Settle::done);
  });

  const Dawdle dawdle(~plan.seed);
  RecordedQueue caller(queue, stamps, history.back(), 192);
  const auto take_all = [&] {
    for (std::uint32_t left = plan.capacity + 1; left > 0 && caller.reserve(); --left) caller.settle(Settle::done);
  };
  take_all();
  for (std::uint32_t left = plan.capacity + 1; left > 0 && caller.enqueue(0); --left) {
  }
  take_all();
  return history;
}

}  // namespace linearizability
