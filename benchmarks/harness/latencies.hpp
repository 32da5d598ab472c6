#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string>
#include <vector>

#include "report.hpp"

namespace harness {

/// Single lengths of time, to the nanosecond. Short ones are counted by length: a list would write to a new line every
/// eighth time, which whoever is timed next then waits for.
class Latencies {
 public:
  explicit Latencies(std::size_t expected) : counts_(short_ones) { long_ones_.reserve(expected / 8); }

  void add(Clock::duration length) {
    const auto ns = static_cast<std::size_t>(std::max(0.0, nanoseconds(length)));
    if (ns < short_ones) {
      ++counts_[ns];
    } else {
      long_ones_.push_back(ns);
    }
  }

  /// The length that the given share of all does not exceed; zero if there is none.
  [[nodiscard]] double quantile(double share) {
    const std::size_t shorter = std::accumulate(counts_.begin(), counts_.end(), std::size_t{0});
    const std::size_t all = shorter + long_ones_.size();
    if (all == 0) return 0;
    auto rank = static_cast<std::size_t>(share * static_cast<double>(all - 1));
    if (rank >= shorter) {
      const auto found = long_ones_.begin() + static_cast<std::ptrdiff_t>(rank - shorter);
      std::nth_element(long_ones_.begin(), found, long_ones_.end());
      return static_cast<double>(*found);
    }
    std::size_t ns = 0;
    while (rank >= counts_[ns]) rank -= counts_[ns++];
    return static_cast<double>(ns);
  }

  /// Sets the figures `prefix`p50_ns, p99_ns and p99.9_ns.
  void report(benchmark::State& state, const std::string& prefix = "") {
    set_figure(state, prefix + "p50_ns", quantile(0.5));
    set_figure(state, prefix + "p99_ns", quantile(0.99));
    set_figure(state, prefix + "p99.9_ns", quantile(0.999));
  }

 private:
  static constexpr std::size_t short_ones = 1U << 14U;

  std::vector<std::size_t> counts_;  // by length in ns
  std::vector<std::size_t> long_ones_;
};

}  // namespace harness
