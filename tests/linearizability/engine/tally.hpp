#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "checker.hpp"
#include "history.hpp"

namespace linearizability {

/// What all random choices follow from: LINEARIZABILITY_SEED, or 1.
[[nodiscard]] inline std::uint64_t seed() {
  const char* const given = std::getenv("LINEARIZABILITY_SEED");
  return given == nullptr ? 1 : std::strtoull(given, nullptr, 10);
}

/// Checks histories and keeps count; prints the first that is rejected.
template <class Spec>
class Tally {
 public:
  using Op = typename Spec::Op;
  using State = typename Spec::State;

  explicit Tally(std::string what) : what_(std::move(what)) {}

  /// Whether the history is linearizable.
  bool add(const History<Op>& history, State initial = {}) {
    const auto begun = std::chrono::steady_clock::now();
    const Verdict verdict = check<Spec>(history, std::move(initial));
    longest_ = std::max(longest_, std::chrono::steady_clock::now() - begun);
    most_ = std::max(most_, verdict.configurations);
    overlap_ += overlap_of(history);
    ++histories_;
    if (!verdict.is_linearizable && rejected_++ == 0) first_ = describe<Spec>(history, verdict);
    return verdict.is_linearizable;
  }

  [[nodiscard]] std::size_t histories() const noexcept { return histories_; }
  [[nodiscard]] std::size_t rejected() const noexcept { return rejected_; }
  [[nodiscard]] double overlap() const noexcept {
    return static_cast<double>(overlap_.meeting) / static_cast<double>(std::max<std::size_t>(overlap_.calls, 1));
  }
  /// The first history that was rejected, as text.
  [[nodiscard]] const std::string& first_rejected() const noexcept { return first_; }

  void print() const {
    const auto longest = std::chrono::duration_cast<std::chrono::microseconds>(longest_).count();
    std::printf(
        "%s: seed %llu, %zu histories, %zu operations, %.1f %% overlap another, "
        "longest check %.1f ms and %zu configurations, rejected %zu\n",
        what_.c_str(), static_cast<unsigned long long>(seed()), histories_, overlap_.calls, 100 * overlap(),
        static_cast<double>(longest) / 1000, most_, rejected_);
  }

 private:
  const std::string what_;
  std::size_t histories_ = 0;
  std::size_t rejected_ = 0;
  std::size_t most_ = 0;
  std::chrono::steady_clock::duration longest_{};
  Overlap overlap_;
  std::string first_;
};

}  // namespace linearizability
