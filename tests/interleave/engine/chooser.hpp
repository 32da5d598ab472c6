#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "memory.hpp"

namespace interleave {

/// Which threads could go on: the current one first if it `stays`.
struct Candidates {
  std::array<std::size_t, max_threads> threads{};
  std::uint32_t count = 0;
  std::uint32_t timeouts = 0;  // how many, the last ones, would go on because their time is up, the earliest first
  bool stays = false;          // the first is the thread that runs now: to take another one is a preemption

  void add(std::size_t thread) noexcept { threads[count++] = thread; }
};

/// Decides what a schedule leaves open: which thread goes on, which store a load returns, which waiter is notified.
/// Asked only where there are two possibilities or more; answers with the index of one. Index 0 is always the plain
/// thing: the current thread, the newest store.
class Chooser {
 public:
  virtual ~Chooser() = default;
  [[nodiscard]] virtual std::uint32_t thread(const Candidates& candidates) = 0;
  [[nodiscard]] virtual std::uint32_t store(std::uint32_t count) = 0;
  [[nodiscard]] virtual std::uint32_t waiter(std::uint32_t count) = 0;
  virtual void deprioritise(std::size_t /*thread*/) {}
};

/// All schedules with up to `deviations` deviations from the plain course, one after the other. A deviation is a
/// preemption, the reading of an outdated store, or time that is up before its turn.
class DepthFirst final : public Chooser {
 public:
  explicit DepthFirst(std::uint32_t deviations) : deviations_(deviations) {}

  std::uint32_t thread(const Candidates& candidates) override {
    const std::uint32_t in_time = candidates.count - candidates.timeouts;
    if (candidates.stays || in_time == 0) return deviate(1, candidates.count);
    return deviate(in_time, candidates.count);
  }
  std::uint32_t store(std::uint32_t count) override { return deviate(1, count); }
  std::uint32_t waiter(std::uint32_t count) override { return choose(count); }

  /// Goes on to the next schedule; false if there is none.
  [[nodiscard]] bool next() {
    while (!path_.empty() && path_.back().picked + 1 == path_.back().count) path_.pop_back();
    at_ = 0;
    used_ = 0;
    if (path_.empty()) return false;
    ++path_.back().picked;
    return true;
  }

  /// Of the schedule just run.
  [[nodiscard]] std::uint32_t deviations() const noexcept { return used_; }
  /// Whether any schedule would have gone on differently with more deviations.
  [[nodiscard]] bool was_bounded() const noexcept { return was_bounded_; }

 private:
  struct Choice {
    std::uint32_t picked;
    std::uint32_t count;
  };

  // Only the first `plain` are no deviations.
  std::uint32_t deviate(std::uint32_t plain, std::uint32_t count) {
    if (used_ == deviations_ && count > plain) {
      was_bounded_ = true;
      count = plain;
    }
    const std::uint32_t picked = choose(count);
    if (picked >= plain) ++used_;
    return picked;
  }

  std::uint32_t choose(std::uint32_t count) {
    if (count == 1) return 0;
    if (at_ == path_.size()) path_.push_back({0, count});
    return path_[at_++].picked;
  }

  const std::uint32_t deviations_;
  std::vector<Choice> path_;
  std::size_t at_ = 0;
  std::uint32_t used_ = 0;
  bool was_bounded_ = false;
};

/// One random schedule by its seed, after Burckhardt, Kothari, Musuvathi and Nagarakatte, "A Randomized Scheduler with
/// Probabilistic Guarantees of Finding Bugs" (ASPLOS 2010): random priorities, and at some random points the running
/// thread falls behind all others. Which store a load returns is random too: mostly the newest, else any.
///
/// It is fair to time, or who sleeps a little again and again would keep whoever has a deadline late for ever: when all
/// wait, every other time the earliest deadline is next; while somebody can go on, time is up only so often.
class RandomPriorities final : public Chooser {
 public:
  /// `length` is about how many operations a schedule has; before up to `change_points` of them the running thread
  /// falls behind.
  RandomPriorities(std::uint64_t seed, std::uint32_t change_points, std::uint32_t length) : state_(seed) {
    for (std::uint64_t& priority : priorities_) priority = (std::uint64_t{1} << 62U) + (next() >> 3U);
    for (std::uint32_t i = below(change_points + 1); i > 0; --i) changes_.push_back(below(length + 1));
    honesty_ = below(4);
  }

  std::uint32_t thread(const Candidates& candidates) override {
    if (std::count(changes_.begin(), changes_.end(), decisions_++) != 0) deprioritise(candidates.threads[0]);
    const std::uint32_t in_time = candidates.count - candidates.timeouts;
    if (in_time == 0 && below(2) == 0) return 0;
    const bool may_be_early = in_time == 0 || (below(8) == 0 && early_ != 0);
    const std::uint32_t count = may_be_early ? candidates.count : in_time;
    std::uint32_t best = 0;
    for (std::uint32_t i = 1; i < count; ++i) {
      if (priorities_[candidates.threads[i]] > priorities_[candidates.threads[best]]) best = i;
    }
    if (in_time != 0 && best >= in_time) --early_;
    return best;
  }
  std::uint32_t store(std::uint32_t count) override { return below(4) < honesty_ ? 0 : below(count); }
  std::uint32_t waiter(std::uint32_t count) override { return below(count); }
  void deprioritise(std::size_t thread) override { priorities_[thread] = --lowest_; }

 private:
  std::uint64_t next() noexcept {  // splitmix64
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t x = state_;
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31U);
  }
  std::uint32_t below(std::uint32_t limit) noexcept { return static_cast<std::uint32_t>(next() % limit); }

  std::uint64_t state_;
  std::array<std::uint64_t, max_threads> priorities_{};
  std::vector<std::uint32_t> changes_;
  std::uint64_t lowest_ = std::uint64_t{1} << 61U;
  std::uint32_t decisions_ = 0;
  std::uint32_t honesty_ = 0;
  std::uint32_t early_ = 16;  // so often yet
};

/// The choices of an earlier schedule again; beyond their end the plain thing.
class Replay final : public Chooser {
 public:
  explicit Replay(std::vector<std::uint32_t> choices) : choices_(std::move(choices)) {}
  std::uint32_t thread(const Candidates& candidates) override { return choose(candidates.count); }
  std::uint32_t store(std::uint32_t count) override { return choose(count); }
  std::uint32_t waiter(std::uint32_t count) override { return choose(count); }

 private:
  std::uint32_t choose(std::uint32_t count) { return at_ < choices_.size() ? std::min(choices_[at_++], count - 1) : 0; }

  const std::vector<std::uint32_t> choices_;
  std::size_t at_ = 0;
};

/// `0*12,1,2`: as a failure prints its choices and --replay reads them.
[[nodiscard]] inline std::string to_text(const std::vector<std::uint32_t>& choices) {
  std::string text;
  for (std::size_t i = 0; i < choices.size();) {
    std::size_t end = i;
    while (end < choices.size() && choices[end] == choices[i]) ++end;
    if (!text.empty()) text += ',';
    text += std::to_string(choices[i]);
    if (end - i > 1) text.append("*").append(std::to_string(end - i));
    i = end;
  }
  return text;
}

[[nodiscard]] inline std::vector<std::uint32_t> to_choices(const std::string& text) {
  std::vector<std::uint32_t> choices;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string part = text.substr(at, end - at);
    const std::size_t star = part.find('*');
    const std::size_t times = star == std::string::npos ? 1 : std::stoul(part.substr(star + 1));
    choices.insert(choices.end(), times, static_cast<std::uint32_t>(std::stoul(part)));
    at = end + 1;
  }
  return choices;
}

}  // namespace interleave
