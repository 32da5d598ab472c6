#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../engine/checker.hpp"

namespace linearizability {

/// How a lease is given up. What waits here waits for longer than a history lasts.
enum class Settle : std::uint8_t { done, discard, dead, retry, dropped, retry_at_once, snooze_at_once };

inline constexpr std::array<std::string_view, 7> settle_names{"done",    "discard",       "dead",          "retry",
                                                              "dropped", "retry at once", "snooze at once"};

/// A queue of jobs that are pulled, as its callers see it: each lane a FIFO of ready jobs, a set of jobs that are
/// leased, and a number of slots, one of which every job holds until it is over.
///
/// An enqueue does two things, and others may come between them: it takes a slot (`claim`), then the job is ready
/// (`publish`). A reserve that looks through strict lanes from the highest on takes a step for each that it finds empty
/// (`look`) before it takes a job (`take`). Only if all lanes are empty at one moment is nothing ready (`none`).
struct Jobs {
  enum class Call : std::uint8_t { claim, full, publish, look, take, none, settle };

  static constexpr std::uint32_t max_failures = 2;
  static constexpr std::size_t lanes = 3;

  struct Op {
    Call call = Call::claim;
    std::uint8_t lane = 0;
    std::uint32_t job = 0;
    std::uint32_t attempt = 0;  // take: as the lease says
    Settle how = Settle::done;  // settle
    bool has_counted = true;    // settle: its answer
    bool was_buried = false;    // settle: the sink got a letter
  };

  struct Job {
    std::uint32_t number = 0;
    std::uint32_t failures = 0;
    std::uint8_t lane = 0;

    bool operator==(const Job&) const = default;
  };

  struct State {
    std::uint32_t room = 0;
    std::array<std::vector<Job>, lanes> ready{};
    std::vector<Job> leased{};  // by number

    bool operator==(const State&) const = default;
    [[nodiscard]] std::size_t hash() const noexcept {
      std::size_t hash = room;
      const auto add = [&](const std::vector<Job>& jobs) {
        mix(hash, jobs.size());
        for (const Job& job : jobs) mix(hash, 16U * job.number + job.failures);
      };
      for (const std::vector<Job>& lane : ready) add(lane);
      add(leased);
      return hash;
    }
  };

  /// Every call here has returned, so its result is known.
  static bool apply(State& state, const Op& op, Result /*known*/) {
    std::vector<Job>& lane = state.ready[op.lane];
    switch (op.call) {
      case Call::claim:
        return state.room-- > 0;
      case Call::full:
        return state.room == 0;
      case Call::publish:
        lane.push_back({op.job, 0, op.lane});
        return true;
      case Call::look:
        return lane.empty();
      case Call::none:
        return std::all_of(state.ready.begin(), state.ready.end(), [](const auto& jobs) { return jobs.empty(); });
      case Call::take:
        return take(state, op);
      case Call::settle:
        return settle(state, op);
    }
    return false;
  }

  static std::string text(const Op& op) {
    const std::string job = "job " + std::to_string(op.job);
    const std::string lane = "lane " + std::to_string(op.lane);
    switch (op.call) {
      case Call::claim:
        return "enqueue: there is room";
      case Call::full:
        return "enqueue: full";
      case Call::publish:
        return "enqueue: " + job + " is ready in " + lane;
      case Call::look:
        return "reserve: nothing in " + lane;
      case Call::none:
        return "reserve: none";
      case Call::take:
        return "reserve: " + job + " of " + lane + ", attempt " + std::to_string(op.attempt);
      case Call::settle:
        break;
    }
    return job + ": " + std::string(settle_names[static_cast<std::size_t>(op.how)]) +
           (op.has_counted ? "" : ", refused") + (op.was_buried ? ", dead letter" : "");
  }

 private:
  static bool take(State& state, const Op& op) {
    std::vector<Job>& lane = state.ready[op.lane];
    if (lane.empty() || lane.front().number != op.job || lane.front().failures + 1 != op.attempt) return false;
    const auto place =
        std::find_if(state.leased.begin(), state.leased.end(), [&](const Job& job) { return job.number > op.job; });
    state.leased.insert(place, lane.front());
    lane.erase(lane.begin());
    return true;
  }

  static bool settle(State& state, const Op& op) {
    const auto place =
        std::find_if(state.leased.begin(), state.leased.end(), [&](const Job& job) { return job.number == op.job; });
    if (place == state.leased.end() || !op.has_counted) return false;  // no lease is lost here
    Job job = *place;
    state.leased.erase(place);
    if (op.how == Settle::retry || op.how == Settle::dropped || op.how == Settle::retry_at_once) ++job.failures;
    const bool dies = op.how == Settle::dead || job.failures == max_failures;
    if (dies || op.how == Settle::done || op.how == Settle::discard) {
      ++state.room;
    } else if (op.how == Settle::retry_at_once || op.how == Settle::snooze_at_once) {
      state.ready[job.lane].push_back(job);
    }
    return op.was_buried == dies;
  }
};

}  // namespace linearizability
