#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "model_job.hpp"
#include "turns.hpp"
#include "windlass/traits.hpp"

namespace property {

/// Three lanes of jobs by number, tombstones included.
class Lanes {
 public:
  explicit Lanes(const windlass::Lanes& lanes) : turns_(lanes) {}

  void push(Job& job) {
    job.is_in_lane = true;
    lanes_[job.lane].push_back({job.number, pushes_++});
  }

  /// The first ready job of the lane whose turn it is, or of the highest that has one.
  [[nodiscard]] std::optional<std::uint32_t> first(const std::vector<Job>& jobs, Taker who) const {
    const auto turn = turns_.lane(who);
    auto found = turn ? first_of(lanes_[*turn], jobs) : std::nullopt;
    for (std::size_t lane = 0; !found && lane < lanes_.size(); ++lane) found = first_of(lanes_[lane], jobs);
    return found;
  }

  /// `job` is taken out; whoever took it met the tombstones before it.
  void take(Job& job, std::vector<Job>& jobs, Taker who) {
    const auto turn = turns_.lane(who);
    if (turn) sweep(lanes_[*turn], jobs);
    for (std::size_t lane = 0; turn != job.lane && lane <= job.lane; ++lane) sweep(lanes_[lane], jobs);
    turns_.pass(who);
    std::erase_if(lanes_[job.lane], [&](const Entry& entry) { return entry.number == job.number; });
    job.is_in_lane = false;
  }

  /// The tombstones at the fronts are gone.
  void sweep(std::vector<Job>& jobs) {
    for (auto& lane : lanes_) sweep(lane, jobs);
  }

  /// From now on only what is there already counts; with false, all again.
  void mark(bool is_marked) { mark_ = is_marked ? pushes_ : ~std::uint64_t{0}; }

 private:
  struct Entry {
    std::uint32_t number;
    std::uint64_t pushed;  // when
  };

  [[nodiscard]] std::optional<std::uint32_t> first_of(const std::deque<Entry>& lane,
                                                      const std::vector<Job>& jobs) const {
    for (const Entry& entry : lane) {
      if (entry.pushed < mark_ && jobs[entry.number].place == Place::ready) return entry.number;
    }
    return std::nullopt;
  }

  void sweep(std::deque<Entry>& lane, std::vector<Job>& jobs) const {
    while (!lane.empty() && lane.front().pushed < mark_ && jobs[lane.front().number].place == Place::over) {
      jobs[lane.front().number].is_in_lane = false;
      lane.pop_front();
    }
  }

  std::array<std::deque<Entry>, 3> lanes_;
  Turns turns_;
  std::uint64_t mark_ = ~std::uint64_t{0};
  std::uint64_t pushes_ = 0;
};

}  // namespace property
