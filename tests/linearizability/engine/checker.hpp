#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <unordered_set>
#include <utility>
#include <vector>

#include "history.hpp"

namespace linearizability {

/// Whether the result of a step is known. That of a call that has not returned is not: it may be anything.
enum class Result : std::uint8_t { known, open };

/// Mixes `value` into `seed`.
constexpr void mix(std::size_t& seed, std::size_t value) noexcept {
  seed = (seed ^ value) * 0x9e3779b97f4a7c15U;
  seed ^= seed >> 29U;
}

/// What a check found out.
struct Verdict {
  bool is_linearizable = true;
  std::size_t configurations = 0;  // that were looked at
  std::size_t thread = 0;          // if it is not: no order has an explanation for
  std::size_t index = 0;           // this entry
};

/// Whether the steps of `history` can be put into one order that keeps to every step's interval and every thread's
/// order, and in which `Spec` allows every result, from the state `initial` on.
///
/// After Wing and Gong, "Testing and Verifying Concurrent Objects" (JPDC 1993), with what Lowe added in "Testing for
/// linearizability" (CCPE 2017): linearization just in time (no step is put into the order before some return asks for
/// it) and a hashed set of the configurations seen. Deviation: breadth-first, from one return to the next, so that the
/// work grows with the length of a history only linearly, and the first return that has no explanation is known. Which
/// steps are in the order is one number for each thread, for a thread's own steps are in order.
///
/// `Spec` has `Op`, a `State` with `==` and `hash()`, and `apply(State&, const Op&, Result)`, which is false if the
/// result is not allowed there.
template <class Spec>
class Checker {
 public:
  using Op = typename Spec::Op;
  using State = typename Spec::State;

  explicit Checker(const History<Op>& history) : history_(history) {}

  [[nodiscard]] Verdict check(State initial = {}) {
    struct Return {
      Stamp at;
      std::size_t thread, index;
    };
    std::vector<Return> returns;
    for (std::size_t thread = 0; thread < history_.size(); ++thread) {
      for (std::size_t index = 0; index < history_[thread].size(); ++index) {
        if (history_[thread][index].ended != never) returns.push_back({history_[thread][index].ended, thread, index});
      }
    }
    std::sort(returns.begin(), returns.end(), [](const Return& a, const Return& b) {
      return std::tie(a.at, a.thread, a.index) < std::tie(b.at, b.thread, b.index);
    });

    Verdict verdict;
    std::vector<Configuration> reached{{std::vector<std::size_t>(history_.size()), std::move(initial)}};
    for (const Return& that : returns) {
      reached = reach(std::move(reached), that.at, that.thread, that.index, verdict.configurations);
      if (reached.empty()) return {false, verdict.configurations, that.thread, that.index};
    }
    return verdict;
  }

 private:
  struct Configuration {
    std::vector<std::size_t> taken;  // how many steps of each thread are in the order
    State state;

    bool operator==(const Configuration&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Configuration& configuration) const noexcept {
      std::size_t hash = configuration.state.hash();
      for (const std::size_t taken : configuration.taken) mix(hash, taken);
      return hash;
    }
  };

  // All configurations with the entry `index` of `thread` in the order, which returned at `at`, that are reached from
  // those of `from` by steps that had begun by then.
  std::vector<Configuration> reach(std::vector<Configuration>&& from, Stamp at, std::size_t thread, std::size_t index,
                                   std::size_t& looked_at) const {
    std::unordered_set<Configuration, Hash> seen(from.begin(), from.end());
    std::vector<Configuration> open = std::move(from);
    std::vector<Configuration> reached;
    while (!open.empty()) {
      const Configuration now = std::move(open.back());
      open.pop_back();
      ++looked_at;
      if (now.taken[thread] > index) {
        reached.push_back(now);
        continue;
      }
      for (std::size_t next = 0; next < history_.size(); ++next) {
        if (now.taken[next] == history_[next].size()) continue;
        const Entry<Op>& entry = history_[next][now.taken[next]];
        if (entry.begun >= at) continue;
        Configuration after = now;
        ++after.taken[next];
        const Result result = entry.ended == never ? Result::open : Result::known;
        if (!Spec::apply(after.state, entry.op, result)) continue;
        if (seen.insert(after).second) open.push_back(std::move(after));
      }
    }
    return reached;
  }

  const History<Op>& history_;
};

template <class Spec>
[[nodiscard]] Verdict check(const History<typename Spec::Op>& history, typename Spec::State initial = {}) {
  return Checker<Spec>(history).check(std::move(initial));
}

/// The history as text, a line for each step in order of its beginning; the one that has no explanation is marked.
template <class Spec>
[[nodiscard]] std::string describe(const History<typename Spec::Op>& history, const Verdict& verdict) {
  std::vector<std::pair<Stamp, std::string>> lines;
  for (std::size_t thread = 0; thread < history.size(); ++thread) {
    for (std::size_t index = 0; index < history[thread].size(); ++index) {
      const Entry<typename Spec::Op>& entry = history[thread][index];
      const bool is_wrong = !verdict.is_linearizable && thread == verdict.thread && index == verdict.index;
      const std::string ended = entry.ended == never ? "..." : std::to_string(entry.ended);
      lines.emplace_back(entry.begun, "thread " + std::to_string(thread) + " [" + std::to_string(entry.begun) + ", " +
                                          ended + "] " + Spec::text(entry.op) + (is_wrong ? "   <- no order\n" : "\n"));
    }
  }
  std::stable_sort(lines.begin(), lines.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string text;
  for (const auto& line : lines) text += line.second;
  return text;
}

}  // namespace linearizability
