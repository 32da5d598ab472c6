#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "engine/explore.hpp"

namespace interleave {

/// What the command line says.
struct Settings {
  std::string program;  // for the line that replays a failure
  std::uint64_t seed = 1;
  std::uint64_t schedules = 0;  // random ones for each exploration; 0: what the scenario says
  bool is_long = false;         // more of everything
  std::string replay;           // "<number of the exploration in its test>:<choices>"
};

inline Settings settings;

/// How many schedules all explorations so far ran.
std::uint64_t schedules_run();

/// Explores `body` and prints one line; a failure fails the Catch2 test and prints its schedule.
void explore(const Options& options, const Body& body);

inline void explore(const Body& body) { explore(Options{}, body); }

/// With all schedules of up to `deviations` preemptions and outdated reads, as far as the budget goes.
inline void explore(std::uint32_t deviations, const Body& body) { explore(Options{.deviations = deviations}, body); }

/// Many small explorations that print one line together.
class Sweep {
 public:
  explicit Sweep(std::string what) : what_(std::move(what)) {}
  ~Sweep();
  Sweep(const Sweep&) = delete;
  Sweep& operator=(const Sweep&) = delete;

  /// As explore(), each body exhaustively.
  void explore(const std::string& name, const Body& body);

 private:
  const std::string what_;
  std::uint64_t cases_ = 0;
  std::uint64_t schedules_ = 0;
  std::uint64_t exhausted_ = 0;
};

}  // namespace interleave
