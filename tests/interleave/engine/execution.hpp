#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "chooser.hpp"
#include "fiber.hpp"
#include "memory.hpp"

namespace interleave {

// Not by operator+, which g++ 12 warns about at -O3 for no reason.
[[nodiscard]] inline std::string numbered(const char* before, std::uint64_t number, const char* after = "") {
  std::string text(before);
  text.append(std::to_string(number)).append(after);
  return text;
}

inline constexpr std::size_t no_thread = max_threads;

/// What a thread cannot go on without: see `Execution::wait`.
struct Need {
  const void* lock = nullptr;                          // this mutex, free
  const void* condition = nullptr;                     // a notification of this condition variable
  const std::chrono::nanoseconds* deadline = nullptr;  // or its time is up
  bool was_notified = false;
  std::size_t thread = no_thread;  // this one, over
};

/// One schedule being run: its threads as fibers, its memory, its choices. Each operation of the model begins with
/// `point()`, where another thread may take over.
class Execution {
 public:
  struct Limits {
    std::uint32_t steps = 20'000;  // of a schedule: more is called a livelock
    std::uint32_t in_a_row = 200;  // of one thread: then another one goes on, for it may be spinning
  };

  explicit Execution(Limits limits) : limits_(limits) {}
  Execution() : Execution(Limits{}) {}

  [[nodiscard]] static Execution& now() noexcept { return *running; }

  /// Runs `body` as thread 0. True if nothing failed.
  bool run(Chooser& chooser, std::function<void()> body) {
    memory.reset();
    chooser_ = &chooser;
    choices_.clear();
    failure_.clear();
    held_.clear();
    steps_ = points_ = 0;
    count_ = 0;
    ++number_;
    time = {};
    running = this;
    current_ = add(std::move(body));
    home_.switch_to(threads_[0].fiber);
    running = nullptr;
    return failure_.empty();
  }

  /// Makes a thread that may run as soon as the calling one waits.
  std::size_t add(std::function<void()> body) {
    const std::size_t number = count_++;
    if (number == max_threads) fail("too many threads");
    Thread& thread = threads_[number];
    thread.body = std::move(body);
    thread.is_over = thread.is_joining = false;
    thread.need = {};
    thread.site = "";
    thread.in_a_row = 0;
    Observer& seen = thread.seen;
    seen.rereads.clear();
    if (number == 0) {
      seen.view.clear();
      seen.clock = {};
    } else {  // it begins with what its maker knows
      seen.view = self().seen.view;
      seen.clock = self().seen.clock;
      self().seen.tick();
    }
    seen.number = number;
    seen.tick();
    thread.fiber.prepare(&enter);
    return number;
  }

  /// Waits until all other threads are over, and learns what they knew.
  void join() {
    self().is_joining = true;
    if (count_ > 1) leave();
    self().is_joining = false;
    for (std::size_t i = 1; i < count_; ++i) {
      interleave::join(self().seen.view, threads_[i].seen.view.data(), threads_[i].seen.view.size());
      self().seen.clock.join(threads_[i].seen.clock);
    }
    self().seen.tick();
  }

  /// Waits until `thread` is over, and learns what it knew.
  void join(std::size_t thread) {
    if (!threads_[thread].is_over) wait({.thread = thread});
    interleave::join(self().seen.view, threads_[thread].seen.view.data(), threads_[thread].seen.view.size());
    self().seen.clock.join(threads_[thread].seen.clock);
    self().seen.tick();
    tell("join");
  }

  /// Before each operation.
  void point() {
    if (++steps_ > limits_.steps) fail("livelock: a schedule without end");
    if (current_ == 0) return;  // before the threads begin, or after they ended
    ++points_;
    Candidates candidates;
    const bool spins = ++self().in_a_row > limits_.in_a_row;
    if (!spins) candidates.add(current_);
    candidates.stays = !spins;
    add_others(candidates);
    if (spins) {
      chooser_->deprioritise(current_);
      self().in_a_row = 0;
      if (candidates.count == 0) return;
    }
    go_on(pick(candidates));
  }

  /// Blocks until `need` is met. False if its time was up.
  bool wait(const Need& need) {
    self().need = need;
    leave();
    const bool in_time = self().need.was_notified || self().need.condition == nullptr;
    self().need = {};
    return in_time;
  }

  /// Notifies one waiter of `condition`, or all.
  void notify(const void* condition, bool all) {
    for (;;) {
      Candidates waiters;
      for (std::size_t i = 0; i < count_; ++i) {
        const Need& need = threads_[i].need;
        if (need.condition == condition && !need.was_notified) waiters.add(i);
      }
      if (waiters.count == 0) return;
      const std::uint32_t picked = waiters.count == 1 || all ? 0 : note(chooser_->waiter(waiters.count));
      threads_[waiters.threads[picked]].need.was_notified = true;
      if (!all) return;
    }
  }

  /// Which of `count` stores a load returns; 0 is the newest.
  std::uint32_t pick_store(std::uint32_t count) { return count == 1 ? 0 : note(chooser_->store(count)); }

  /// Ends the schedule.
  [[noreturn]] void fail(const std::string& why) {
    failure_ = why;
    threads_[current_].fiber.switch_to(home_);
    std::abort();
  }

  /// A line for the trace of a failure.
  template <class... Parts>
  void tell(const Parts&... parts) {
    if (!is_tracing) return;
    std::string line = numbered("  T", current_, "  ");
    (line.append(parts), ...);
    if (self().site[0] != '\0') line.append("   [").append(self().site).append("]");
    trace.push_back(std::move(line));
    self().site = "";
  }

  [[nodiscard]] std::size_t current() const noexcept { return current_; }
  [[nodiscard]] Observer& seen() noexcept { return self().seen; }
  void at(const char* site) noexcept { self().site = site; }
  void unlocked(const void* lock) noexcept { held_.erase(std::find(held_.begin(), held_.end(), lock)); }
  void locked(const void* lock) { held_.push_back(lock); }
  [[nodiscard]] bool is_held(const void* lock) const noexcept {
    return std::find(held_.begin(), held_.end(), lock) != held_.end();
  }

  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }
  [[nodiscard]] const std::vector<std::uint32_t>& choices() const noexcept { return choices_; }
  [[nodiscard]] std::uint32_t points() const noexcept { return points_; }

  /// Which schedule this is; never 0.
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

  Memory memory;
  std::chrono::nanoseconds time{};  // what clocks show: it passes only when a timed wait is over
  bool is_tracing = false;
  std::vector<std::string> trace;

 private:
  struct Thread {
    Fiber fiber;
    std::function<void()> body;
    Observer seen;
    Need need;
    const char* site = "";
    std::uint32_t in_a_row = 0;
    bool is_over = false;
    bool is_joining = false;
  };

  inline static Execution* running = nullptr;

  static void enter() {
    Execution& here = *running;
    here.self().body();
    if (here.current_ == 0) {
      for (std::size_t i = 1; i < here.count_; ++i) {
        if (!here.threads_[i].is_over) here.fail("the test ended before its threads");
      }
      here.threads_[0].fiber.switch_to(here.home_);
    }
    here.self().is_over = true;
    here.leave();
  }

  [[nodiscard]] Thread& self() noexcept { return threads_[current_]; }

  [[nodiscard]] bool can_go_on(const Thread& thread) const noexcept {
    if (thread.is_over) return false;
    if (thread.is_joining) {
      for (std::size_t i = 1; i < count_; ++i) {
        if (!threads_[i].is_over) return false;
      }
      return true;
    }
    if (thread.need.thread != no_thread) return threads_[thread.need.thread].is_over;
    if (thread.need.condition != nullptr) return thread.need.was_notified && !is_held(thread.need.lock);
    return thread.need.lock == nullptr || !is_held(thread.need.lock);
  }

  void add_others(Candidates& candidates) const noexcept {
    for (std::size_t i = 0; i < count_; ++i) {
      if (i != current_ && can_go_on(threads_[i])) candidates.add(i);
    }
    const std::uint32_t in_time = candidates.count;
    for (std::size_t i = 0; i < count_; ++i) {
      const Need& need = threads_[i].need;
      if (need.deadline != nullptr && !need.was_notified) candidates.add(i);
    }
    candidates.timeouts = candidates.count - in_time;
    const auto first = candidates.threads.begin() + in_time;
    std::stable_sort(first, first + candidates.timeouts, [this](std::size_t a, std::size_t b) {
      return *threads_[a].need.deadline < *threads_[b].need.deadline;
    });
  }

  // The calling thread cannot go on.
  void leave() {
    Candidates candidates;
    if (can_go_on(self())) candidates.add(current_);
    add_others(candidates);
    if (candidates.count == 0) fail("deadlock: " + describe_waiting());
    go_on(pick(candidates));
  }

  std::size_t pick(const Candidates& candidates) {
    if (candidates.count == 1) return candidates.threads[0];
    return candidates.threads[note(chooser_->thread(candidates))];
  }

  std::uint32_t note(std::uint32_t picked) {
    choices_.push_back(picked);
    return picked;
  }

  void go_on(std::size_t next) {
    if (next == current_) return;
    const std::size_t before = std::exchange(current_, next);
    threads_[next].in_a_row = 0;
    threads_[before].fiber.switch_to(threads_[next].fiber);
  }

  [[nodiscard]] std::string describe_waiting() const {
    std::string text;
    for (std::size_t i = 0; i < count_; ++i) {
      if (threads_[i].is_over || threads_[i].is_joining) continue;
      const Need& need = threads_[i].need;
      text += numbered("T", i,
                       need.condition != nullptr  ? " sleeps; "
                       : need.thread != no_thread ? " waits for a thread; "
                                                  : " wants a mutex; ");
    }
    return text;
  }

  const Limits limits_;
  Chooser* chooser_ = nullptr;
  std::array<Thread, max_threads> threads_;
  std::size_t count_ = 0;
  std::size_t current_ = 0;
  std::vector<const void*> held_;
  std::vector<std::uint32_t> choices_;
  std::string failure_;
  std::uint32_t steps_ = 0;
  std::uint32_t points_ = 0;  // those of threads
  std::uint64_t number_ = 0;
  Fiber home_;
};

}  // namespace interleave
