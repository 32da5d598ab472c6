#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

#include "windlass/clock.hpp"
#include "windlass/options.hpp"
#include "windlass/outcome.hpp"
#include "windlass/retry.hpp"
#include "windlass/traits.hpp"

namespace property {

using namespace std::chrono_literals;
using windlass::Duration;
using windlass::Leftover;
using windlass::OnHung;
using windlass::Time;

/// How the queue under test says when to try again; each is a function of the tries so far, but for the last four: they
/// are windlass's ExponentialBackoff.
enum class Policy : std::uint8_t {
  at_once,
  fixed,
  growing,
  never,
  throwing,
  no_jitter,
  full_jitter,
  equal_jitter,
  decorrelated
};

/// What the sink does with letters.
enum class Sink : std::uint8_t { none, takes, refuses_some };

/// What on_hung answers; `unset` leaves it to the default, `mixed` goes by the job's number.
enum class Hung : std::uint8_t { unset, redeliver, wait, give_up, mixed };

/// The options of one queue under test.
struct Setup {
  std::uint32_t capacity = 8;
  Duration lease = 16ms;
  Duration max_runtime{};
  std::uint32_t max_failures = 3;
  std::optional<std::uint32_t> max_deliveries{};
  std::uint32_t max_hangs = 2;
  windlass::Lanes lanes{};  // its traits'
  Policy policy = Policy::fixed;
  Duration retry_for{};
  bool callbacks_cancel = false;  // policy, on_hung and sink cancel jobs: see `victim`
  Hung hung = Hung::unset;
  Sink sink = Sink::takes;
  bool paused = false;
  Duration grace = 20ms;
  Leftover leftover = Leftover::run;
  bool is_ended_by_destructor = false;
  bool ends_runs_first = true;  // before the queue is ended, every run and lease is
};

[[nodiscard]] inline bool is_exponential(Policy policy) { return policy >= Policy::no_jitter; }

/// Those that are, as a user writes them.
[[nodiscard]] inline windlass::ExponentialBackoff exponential(Policy policy) {
  using windlass::Jitter;
  constexpr std::array jitters{Jitter::none, Jitter::full, Jitter::equal, Jitter::decorrelated};
  const auto which = static_cast<std::size_t>(policy) - static_cast<std::size_t>(Policy::no_jitter);
  return {.first = 3ms, .factor = 2, .cap = 20ms, .jitter = jitters[which]};
}

/// The shortest and the longest delay that such a policy may answer to the n-th try, by what is said of it.
struct Bounds {
  Duration least, most;
};
[[nodiscard]] inline Bounds bounds_of(Policy policy, std::uint32_t tries, Duration previous) {
  if (policy == Policy::decorrelated) {
    return {3ms, std::min<Duration>(20ms, 3 * (previous == Duration{} ? Duration{3ms} : previous))};
  }
  const Duration delay = tries > 3 ? Duration{20ms} : Duration{3ms} * (1 << (tries - 1));  // 3, 6, 12, 20 ms
  if (policy == Policy::full_jitter) return {0ms, delay};
  return {policy == Policy::equal_jitter ? delay / 2 : delay, delay};
}

/// What `setup.policy`, one of the test's own, answers to the n-th try; throws if that is what it does.
[[nodiscard]] inline std::optional<Duration> backoff(const Setup& setup, std::uint32_t tries) {
  switch (setup.policy) {
    case Policy::at_once:
      return Duration{};
    case Policy::fixed:
      return Duration{5ms};
    case Policy::growing:
      return Duration{1500us} * tries;
    case Policy::never:
      return std::nullopt;
    default:
      break;
  }
  throw std::runtime_error("a policy that throws");
}

/// What on_hung answers for a job, unless it is unset.
[[nodiscard]] inline OnHung answer(Hung hung, std::uint32_t number) {
  switch (hung) {
    case Hung::wait:
      return OnHung::wait;
    case Hung::give_up:
      return OnHung::give_up;
    case Hung::mixed:
      return static_cast<OnHung>(number % 3);
    default:
      return OnHung::redeliver;
  }
}

/// How often the sink refuses a job's letter before it takes it.
[[nodiscard]] inline std::uint32_t refusals(Sink sink, std::uint32_t number) {
  return sink == Sink::refuses_some ? number % 3 : 0;
}

/// Where user code is called that may cancel a job.
enum class Callback : std::uint8_t { policy, on_hung, sink };

/// Which job it cancels when it is called for `number`, if any: that one, or another.
[[nodiscard]] inline std::optional<std::uint32_t> victim(const Setup& setup, Callback where, std::uint32_t number) {
  if (!setup.callbacks_cancel) return std::nullopt;
  switch ((number + static_cast<std::uint32_t>(where)) % 4) {
    case 0:
      return number;
    case 1:
      return number ^ 1U;
    case 2:
      return number + 1;
    default:
      return std::nullopt;
  }
}

/// A small generator with a state that is easy to print (splitmix64: Steele, Lea, Flood, OOPSLA 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  [[nodiscard]] std::uint64_t next() noexcept {
    std::uint64_t x = (state_ += 0x9e3779b97f4a7c15U);
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31U);
  }
  [[nodiscard]] std::uint32_t below(std::uint32_t limit) noexcept { return static_cast<std::uint32_t>(next() % limit); }

 private:
  std::uint64_t state_;
};

/// Any setup, by seed.
[[nodiscard]] inline Setup draw_setup(Random& random) {
  Setup setup;
  setup.capacity = 1 + random.below(12);
  setup.lease = std::array<Duration, 4>{16ms, 16ms, 40ms, 0ms}[random.below(4)];
  setup.max_runtime = std::array<Duration, 6>{0ms, 0ms, 0ms, 0ms, 24ms, 60ms}[random.below(6)];
  setup.max_failures = 1 + random.below(4);
  if (random.below(3) == 0) setup.max_deliveries = 1 + random.below(6);
  setup.max_hangs = 1 + random.below(3);
  setup.policy = std::array{Policy::at_once,      Policy::fixed,       Policy::fixed,     Policy::growing,
                            Policy::never,        Policy::throwing,    Policy::no_jitter, Policy::full_jitter,
                            Policy::equal_jitter, Policy::decorrelated}[random.below(10)];
  if (random.below(4) == 0) setup.retry_for = 50ms;
  setup.callbacks_cancel = random.below(4) == 0;
  setup.hung = static_cast<Hung>(random.below(5));
  setup.sink = static_cast<Sink>(random.below(3));
  setup.paused = random.below(8) == 0;
  setup.grace = std::array<Duration, 3>{0ms, 7ms, 30ms}[random.below(3)];
  setup.leftover = static_cast<Leftover>(random.below(4));
  setup.is_ended_by_destructor = setup.leftover != Leftover::hand_back && random.below(4) == 0;
  // Nobody may pump a queue that is being destroyed.
  setup.ends_runs_first = random.below(2) == 0 || setup.is_ended_by_destructor;
  return setup;
}

[[nodiscard]] inline std::string in_ms(Duration length) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(length).count();
  return us % 1'000 == 0 ? std::to_string(us / 1'000) + "ms" : std::to_string(us) + "us";
}

/// The setup as a test would write it.
[[nodiscard]] inline std::string to_string(const Setup& setup) {
  constexpr std::array policies{"at once",
                                "after 5ms",
                                "after n*1.5ms",
                                "never",
                                "throws",
                                "exponential without jitter",
                                "exponential with full jitter",
                                "exponential with equal jitter",
                                "exponential with decorrelated jitter"};
  constexpr std::array sinks{"none", "takes all", "refuses number % 3 times"};
  constexpr std::array hungs{"unset", "redeliver", "wait", "give_up", "by number % 3"};
  constexpr std::array leftovers{"run", "dead_letter", "hand_back", "discard"};
  std::string text = "capacity " + std::to_string(setup.capacity) + ", lease " + in_ms(setup.lease) + ", max_runtime " +
                     in_ms(setup.max_runtime) + ", max_failures " + std::to_string(setup.max_failures);
  if (setup.max_deliveries) text += ", max_deliveries " + std::to_string(*setup.max_deliveries);
  text += ", max_hangs " + std::to_string(setup.max_hangs) + ", retry_for " + in_ms(setup.retry_for) + ", retry " +
          policies[static_cast<std::size_t>(setup.policy)] + ", on_hung " +
          hungs[static_cast<std::size_t>(setup.hung)] + ", sink " + sinks[static_cast<std::size_t>(setup.sink)];
  if (setup.lanes.order == windlass::LaneOrder::weighted) {
    text += ", lanes weighted";
    for (std::uint32_t lane = 0; lane < setup.lanes.count; ++lane) {
      text += (lane == 0 ? " " : ":") + std::to_string(setup.lanes.weights[lane]);
    }
  }
  if (setup.callbacks_cancel) text += ", callbacks cancel";
  if (setup.paused) text += ", paused";
  text += std::string(setup.is_ended_by_destructor ? ", destroyed" : ", shut down") + " with grace " +
          in_ms(setup.grace) + ", leftover " + leftovers[static_cast<std::size_t>(setup.leftover)];
  if (!setup.ends_runs_first) text += ", runs still inside";
  return text;
}

}  // namespace property
