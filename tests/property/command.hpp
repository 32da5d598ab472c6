#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "setup.hpp"

namespace property {

/// What a command does. One that makes no sense where the queue stands does nothing: so any part of a sequence is one.
enum class Kind : std::uint8_t {
  enqueue,
  enqueue_bulk,
  cancel,
  run_one,   ///< Whose handler does `act`.
  poll,      ///< The same for each of its runs.
  hang,      ///< A run starts and stays inside.
  tell_run,  ///< A run that is inside extends, beats or commits.
  end_run,   ///< A run that is inside returns.
  reserve,
  tell_lease,  ///< A pulled lease is extended or commits.
  end_lease,   ///< It is settled, or destroyed.
  pause,
  resume,
  advance,      ///< By some ms.
  stand_still,  ///< The clock jumps.
  sleep,        ///< Time passes, and nobody looks.
  set_wall,
  retry_kept,
  wait_idle,
  close,
};
inline constexpr std::size_t kinds = static_cast<std::size_t>(Kind::close) + 1;

inline constexpr std::array<std::string_view, kinds> kind_names{
    "enqueue",     "enqueue_bulk", "cancel",     "run_one",    "poll",      "hang",   "tell_run",
    "end_run",     "reserve",      "tell_lease", "end_lease",  "pause",     "resume", "advance",
    "stand_still", "sleep",        "set_wall",   "retry_kept", "wait_idle", "close"};

/// One command: what, with which arguments. `a` picks whom, or the options; `b` picks how.
struct Command {
  Kind kind;
  std::uint32_t a = 0;
  std::uint32_t b = 0;
};

/// What a handler does before it returns, and what it returns, decoded from a number; 0 is a plain success.
struct Act {
  bool commits = false;
  bool extends = false;
  bool beats = false;
  bool cancels_itself = false;
  bool enqueues = false;
  Duration sleeps{};
  /// done, retry, retry_after, snooze, yield, dead, discard; then an exception, and one that is a number.
  std::uint32_t ends = 0;
  Duration delay{};

  [[nodiscard]] static Act of(std::uint32_t code) {
    Act act;
    act.ends = std::array<std::uint32_t, 16>{0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8}[code % 16];
    act.delay = std::array<Duration, 4>{0ms, 3ms, 10ms, 2500us}[code / 16 % 4];
    act.commits = code / 64 % 8 == 1;
    act.extends = code / 512 % 8 == 1;
    act.beats = code / 4096 % 8 == 1;
    act.cancels_itself = code / 32768 % 16 == 1;
    act.enqueues = code / 524288 % 16 == 1;
    if (code / 8388608 % 16 == 1) act.sleeps = 4ms;
    return act;
  }
};

[[nodiscard]] inline std::string to_string(const Act& act) {
  constexpr std::array ends{"done", "retry",   "retry_after", "snooze",  "yield",
                            "dead", "discard", "throw error", "throw 42"};
  std::string text;
  if (act.commits) text += "try_commit, ";
  if (act.extends) text += "extend, ";
  if (act.beats) text += "heartbeat, ";
  if (act.cancels_itself) text += "cancel itself, ";
  if (act.enqueues) text += "enqueue, ";
  if (act.sleeps != Duration{}) text += "sleep " + in_ms(act.sleeps) + ", ";
  text += ends[act.ends];
  if (act.ends == 2 || act.ends == 3) text += "(" + in_ms(act.delay) + ")";
  return text;
}

/// The options of an enqueue, decoded from a number; 0 is none, some are wrong on purpose. `wall` is the time now.
[[nodiscard]] inline windlass::EnqueueOptions options_of(std::uint32_t code,
                                                         std::chrono::system_clock::time_point wall) {
  windlass::EnqueueOptions options;
  if (code % 4 != 0) options.priority = static_cast<windlass::Priority>(code % 4 - 1);
  if (code / 4 % 128 == 1) options.priority = static_cast<windlass::Priority>(3);  // there is no such lane
  options.delay = std::array<Duration, 8>{0ms, 0ms, 0ms, 0ms, 0ms, 3ms, 20ms, 2500us}[code / 512 % 8];
  if (code / 4096 % 8 == 1) options.at = wall + (code / 32768 % 4 == 0 ? -1ms : 15ms);
  if (code / 131072 % 4 == 1) options.lease = std::array<Duration, 4>{0ms, 16ms, 40ms, 100us}[code / 524288 % 4];
  if (code / 2097152 % 16 == 1) options.max_runtime = 24ms;
  if (code / 33554432 % 8 == 1) options.max_failures = code / 268435456 % 4;
  if (code / 1073741824 % 4 == 1) options.retry_for = code / 4 % 2 == 0 ? 50ms : 0ms;
  return options;
}

[[nodiscard]] inline std::string to_string(const windlass::EnqueueOptions& options) {
  std::string text;
  if (options.priority) text += " priority " + std::to_string(static_cast<int>(*options.priority));
  if (options.delay != Duration{}) text += " delay " + in_ms(options.delay);
  if (options.at) text += std::string(" at now") + (options.at->time_since_epoch().count() < 0 ? "-1ms" : "+15ms");
  if (options.lease) text += " lease " + in_ms(*options.lease);
  if (options.max_runtime) text += " max_runtime " + in_ms(*options.max_runtime);
  if (options.max_failures) text += " max_failures " + std::to_string(*options.max_failures);
  if (options.retry_for) text += " retry_for " + in_ms(*options.retry_for);
  return text;
}

/// How far a command moves time.
[[nodiscard]] inline Duration length_of(const Command& command) {
  switch (command.kind) {
    case Kind::advance:
      return std::array<Duration, 8>{1ms, 1ms, 2ms, 5ms, 10ms, 20ms, 50ms, 2500us}[command.a % 8];
    case Kind::stand_still:
      return 20ms + 10ms * (command.a % 10);
    case Kind::sleep:
      return 1ms * (1 + command.a % 8);
    default:
      return {};
  }
}

/// How far a wall clock is set.
[[nodiscard]] inline Duration leap_of(const Command& command) {
  return std::array<Duration, 4>{-1h, 1h, -10ms, 10ms}[command.a % 4];
}

[[nodiscard]] inline std::string to_string(const Command& command) {
  std::string text(kind_names[static_cast<std::size_t>(command.kind)]);
  switch (command.kind) {
    case Kind::enqueue:
    case Kind::enqueue_bulk:
      return text + to_string(options_of(command.a, {}));
    case Kind::cancel:
      return text + " job " + std::to_string(command.a) + " of those there were";
    case Kind::run_one:
    case Kind::poll:
      return text + ": " + to_string(Act::of(command.b));
    case Kind::tell_run:
    case Kind::tell_lease:
      return text + " " + std::array{"extend(1ms)", "extend(30ms)", "heartbeat", "try_commit"}[command.b % 4];
    case Kind::end_run:
    case Kind::end_lease:
      return text + ": " + to_string(Act::of(command.b));
    case Kind::advance:
    case Kind::stand_still:
    case Kind::sleep:
      return text + " " + in_ms(length_of(command));
    case Kind::set_wall:
      return text + " by " + in_ms(leap_of(command));
    case Kind::close:
      return command.a % 2 == 0 ? text + ", by drain_for(0)" : text;
    default:
      return text;
  }
}

/// Any sequence, by seed: some kinds more often than others.
[[nodiscard]] inline std::vector<Command> draw_commands(Random& random, std::size_t count) {
  constexpr std::array<std::uint32_t, kinds> weights{22, 3, 8, 12, 3, 7, 4, 7, 6, 3, 6, 1, 3, 14, 1, 1, 1, 2, 1, 0};
  std::uint32_t total = 0;
  for (const std::uint32_t weight : weights) total += weight;
  std::vector<Command> commands;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t at = random.below(total);
    std::size_t kind = 0;
    while (at >= weights[kind]) at -= weights[kind++];
    commands.push_back({static_cast<Kind>(kind), static_cast<std::uint32_t>(random.next()),
                        static_cast<std::uint32_t>(random.next())});
  }
  if (random.below(4) == 0) commands[count * 9 / 10].kind = Kind::close;
  return commands;
}

}  // namespace property
