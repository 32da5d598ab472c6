#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "model_job.hpp"

namespace property {

/// Three strict lanes of jobs by number, tombstones included.
class Lanes {
 public:
  void push(Job& job) {
    job.is_in_lane = true;
    lanes_[job.lane].push_back({job.number, pushes_++});
  }

  /// The first ready job of the highest lane that has one.
  [[nodiscard]] std::optional<std::uint32_t> first(const std::vector<Job>& jobs) const {
    for (const auto& lane : lanes_) {
      for (const Entry& entry : lane) {
        if (entry.pushed < mark_ && jobs[entry.number].place == Place::ready) return entry.number;
      }
    }
    return std::nullopt;
  }

  /// `job` is taken out; whoever took it met the tombstones before it.
  void take(Job& job, std::vector<Job>& jobs) {
    for (std::size_t lane = 0; lane <= job.lane; ++lane) sweep(lanes_[lane], jobs);
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

  void sweep(std::deque<Entry>& lane, std::vector<Job>& jobs) const {
    while (!lane.empty() && lane.front().pushed < mark_ && jobs[lane.front().number].place == Place::over) {
      jobs[lane.front().number].is_in_lane = false;
      lane.pop_front();
    }
  }

  std::array<std::deque<Entry>, 3> lanes_;
  std::uint64_t mark_ = ~std::uint64_t{0};
  std::uint64_t pushes_ = 0;
};

}  // namespace property
