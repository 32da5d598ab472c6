#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "report.hpp"

namespace harness {

/// Single lengths of time, kept one by one so that their quantiles are exact.
class Latencies {
 public:
  explicit Latencies(std::size_t expected) { all_.reserve(expected); }

  void add(Clock::duration length) { all_.push_back(nanoseconds(length)); }
  [[nodiscard]] std::size_t count() const { return all_.size(); }

  /// The length that the given share of all does not exceed; zero if there is none.
  [[nodiscard]] double quantile(double share) {
    if (all_.empty()) return 0;
    const auto rank = static_cast<std::size_t>(share * static_cast<double>(all_.size() - 1));
    std::nth_element(all_.begin(), all_.begin() + static_cast<std::ptrdiff_t>(rank), all_.end());
    return all_[rank];
  }

  /// Sets the figures `prefix`p50_ns, p99_ns and p99.9_ns.
  void report(benchmark::State& state, const std::string& prefix = "") {
    set_figure(state, prefix + "p50_ns", quantile(0.5));
    set_figure(state, prefix + "p99_ns", quantile(0.99));
    set_figure(state, prefix + "p99.9_ns", quantile(0.999));
  }

 private:
  std::vector<double> all_;
};

}  // namespace harness
