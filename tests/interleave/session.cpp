#include "session.hpp"

#include <cinttypes>
#include <cstdio>
#include <string>

#include "catch.hpp"

namespace interleave {
namespace {

// In the long lane.
constexpr std::uint64_t more_depth_first = 10;
constexpr std::uint64_t more_random = 20;

std::string test_name() { return Catch::getResultCapture().getCurrentTestName(); }

// The test's name as Catch2 wants it on the command line.
std::string test_spec() {
  std::string text;
  for (const char letter : test_name()) {
    if (letter == ',' || letter == '[') text += '\\';
    text += letter;
  }
  return text;
}

// Explorations are numbered within their test, for --replay.
std::uint64_t next_number() {
  static std::string test;
  static std::uint64_t number = 0;
  if (test != test_name()) {
    test = test_name();
    number = 0;
  }
  return number++;
}

std::string replay_line(const Report& report, std::uint64_t number) {
  return "replay: " + settings.program + " \"" + test_spec() + "\" --replay " + std::to_string(number) + ":" +
         to_text(report.choices);
}

std::string describe(const Report& report, const std::string& name) {
  std::string text = report.failure + "\n";
  if (!name.empty()) text += "case: " + name + "\n";
  for (const std::string& line : report.trace) text += line + "\n";
  if (report.seed != 0) text += "seed: " + std::to_string(report.seed) + "\n";
  return text;
}

// One exploration, or its replay.
Report go(Options options, const Body& body, const std::string& name) {
  const std::uint64_t number = next_number();
  options.seed = settings.seed;
  if (settings.schedules != 0) options.random = settings.schedules;
  if (settings.is_long) {
    options.depth_first *= more_depth_first;
    if (settings.schedules == 0) options.random *= more_random;
  }
  Report report;
  if (settings.replay.empty()) {
    report = search(options, body);
    if (report.failed()) {
      std::printf("%s\n", replay_line(report, number).c_str());  // Catch2 would break it into lines
      FAIL(describe(report, name));
    }
  } else if (settings.replay.rfind(std::to_string(number) + ":", 0) == 0) {
    report = replay(to_choices(settings.replay.substr(settings.replay.find(':') + 1)), body, options.seq);
    std::printf("%s\n", (report.failed() ? describe(report, name) : "this schedule passes").c_str());
    if (report.failed()) FAIL(report.failure);
  }
  SUCCEED();
  return report;
}

std::uint64_t all_schedules = 0;

}  // namespace

void explore(const Options& options, const Body& body) {
  const Report report = go(options, body, {});
  if (!settings.replay.empty()) return;
  all_schedules += report.schedules();
  std::string text = test_name() + ": " + std::to_string(report.depth_first) + " schedules depth-first, ";
  if (report.is_exhausted) {
    text += "exhausted";
  } else {
    text += report.has_bound ? "all with up to " + std::to_string(report.deviations) + " deviations"
                             : std::string("no bound reached");
    text += "; " + std::to_string(report.random) + " random (" + std::to_string(report.distinct) +
            " distinct), seeds " + std::to_string(settings.seed) + " to " + std::to_string(report.seed);
  }
  std::printf("%s\n", text.c_str());
}

void Sweep::explore(const std::string& name, const Body& body) {
  const Report report = go({.deviations = 1000, .depth_first = 100'000}, body, name);
  ++cases_;
  schedules_ += report.schedules();
  if (report.is_exhausted) ++exhausted_;
}

Sweep::~Sweep() {
  all_schedules += schedules_;
  std::printf("%s: %" PRIu64 " cases, %" PRIu64 " schedules, %" PRIu64 " cases exhausted\n", what_.c_str(), cases_,
              schedules_, exhausted_);
}

std::uint64_t schedules_run() { return all_schedules; }

}  // namespace interleave
