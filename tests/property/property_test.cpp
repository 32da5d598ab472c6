#include <array>
#include <chrono>
#include <cinttypes>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "../catch.hpp"
#include "../lane.hpp"
#include "rig.hpp"
#include "shrink.hpp"

using property::Command;
using property::Kind;
using property::Random;
using property::Rig;
using property::Rows;
using property::Setup;

using namespace std::chrono_literals;

namespace {

constexpr std::size_t length = 200;  // commands of a sequence

struct Sequence {
  Setup setup;
  std::vector<Command> commands;
  std::size_t shape;
};

Sequence draw(std::uint64_t seed) {
  Random random(seed);
  Setup setup = property::draw_setup(random);
  const std::size_t shape = std::array<std::size_t, 8>{2, 1, 0, 3, 0, 1, 3, 1}[seed % 8];
  if (shape == 3) setup.lanes = property::Weighted::lanes;
  return {setup, property::draw_commands(random, length), shape};
}

constexpr const char* shapes[] = {"", ", payloads that cannot be copied", ", at most once", ""};

// What goes wrong, if the model believes in `believed`; empty if nothing.
std::string run(const Sequence& sequence, const Setup& believed, const std::vector<Command>& commands) {
  if (sequence.shape == 0) return Rig<property::Usual>(sequence.setup, believed, length).run(commands);
  if (sequence.shape == 1) return Rig<property::MoveOnly>(sequence.setup, believed, length).run(commands);
  if (sequence.shape == 2) return Rig<property::AtMostOnce>(sequence.setup, believed, length).run(commands);
  return Rig<property::Weighted>(sequence.setup, believed, length).run(commands);
}

std::vector<Command> shrunk(const Sequence& sequence, const Setup& believed) {
  return property::shrink(sequence.commands,
                          [&](const auto& fewer) { return !run(sequence, believed, fewer).empty(); });
}

std::string tell(std::uint64_t seed, const Sequence& sequence, const std::string& wrong) {
  const auto commands = shrunk(sequence, sequence.setup);
  std::string text = "WINDLASS_SEED=" + std::to_string(seed) + ": " + wrong +
                     "\nshrunk to: " + run(sequence, sequence.setup, commands) +
                     "\nqueue: " + to_string(sequence.setup) + shapes[sequence.shape];
  for (std::size_t i = 0; i < commands.size(); ++i)
    text += "\n" + std::to_string(i + 1) + ". " + to_string(commands[i]);
  return text;
}

// How often each command and each row came, and whether that was often enough.
void report_hits() {
  std::uint64_t least = ~std::uint64_t{0};
  std::printf("commands that made sense:");
  for (std::size_t i = 0; i < property::kinds; ++i) {
    const Kind kind = static_cast<Kind>(i);
    const std::uint64_t hits = property::hits_of(kind);
    std::printf(" %s %" PRIu64, property::kind_names[i].data(), hits);
    least = hits < least ? hits : least;
  }
  std::printf("\nrows of the transition table:");
  for (std::size_t i = 0; i < Rows::names.size(); ++i) {
    std::printf(" %s: %" PRIu64, Rows::names[i].data(), Rows::hits(i));
    least = Rows::hits(i) < least ? Rows::hits(i) : least;
  }
  std::printf("\n");
  CHECK(least >= 100);
}

}  // namespace

TEST_CASE("a queue does what its model says over random commands with all options", "[property]") {
  const std::uint64_t first = lane::seed(lane::is_long() ? 1'000'000 : 1);
  const std::uint64_t operations = lane::amount(5'000'000, 1'000'000, 40'000);
  std::printf("property: %" PRIu64 " commands from seed %" PRIu64 " on\n", operations, first);
  std::string wrong;
  for (std::uint64_t seed = first; wrong.empty() && (seed - first) * length < operations; ++seed) {
    const Sequence sequence = draw(seed);
    wrong = run(sequence, sequence.setup, sequence.commands);
    if (!wrong.empty()) wrong = tell(seed, sequence, wrong);
  }
  INFO(wrong);
  REQUIRE(wrong.empty());
  if (operations >= 1'000'000) report_hits();
}

TEST_CASE("a model that believes in other options is found out in a few commands", "[property]") {
  struct Belief {
    const char* name;
    void (*change)(Setup&);
    std::size_t most;  // commands that show it
  };
  for (const Belief& belief :
       {Belief{"capacity", [](Setup& setup) { ++setup.capacity; }, 14},
        Belief{"max_failures", [](Setup& setup) { ++setup.max_failures; }, 10},
        Belief{"max_hangs", [](Setup& setup) { ++setup.max_hangs; }, 16},
        Belief{"lease", [](Setup& setup) { setup.lease += 10ms; }, 6},
        Belief{"policy", [](Setup& setup) { setup.policy = property::Policy::growing; }, 6},
        Belief{"weights", [](Setup& setup) { std::swap(setup.lanes.weights[0], setup.lanes.weights[1]); }, 6}}) {
    INFO(belief.name);
    std::size_t fewest = length;
    for (std::uint64_t seed = 1; seed <= 40 && fewest > belief.most; ++seed) {
      const Sequence sequence = draw(seed);
      Setup believed = sequence.setup;
      belief.change(believed);
      if (run(sequence, believed, sequence.commands).empty()) continue;
      const auto commands = shrunk(sequence, believed);
      fewest = commands.size() < fewest ? commands.size() : fewest;
    }
    CHECK(fewest <= belief.most);
  }
}

TEST_CASE("a failing sequence is shrunk to the commands that it takes and their numbers to small ones", "[property]") {
  Random random(1);
  const auto fails = [](const std::vector<Command>& commands) {
    std::size_t enqueues = 0;
    for (const Command& command : commands) {
      enqueues += command.kind == Kind::enqueue && command.a % 8 == 5 ? 1U : 0U;
      if (command.kind == Kind::poll && enqueues >= 2) return true;
    }
    return false;
  };
  std::vector<Command> commands = property::draw_commands(random, 500);
  REQUIRE(fails(commands));
  commands = property::shrink(commands, fails);
  REQUIRE(commands.size() == 3);
  CHECK(commands[0].a == 5);
  CHECK(commands[1].a == 5);
  CHECK(commands[2].kind == Kind::poll);
  for (const Command& command : commands) CHECK(command.b == 0);
}
