#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "command.hpp"

namespace property {

/// Leaves out as many commands as it can while `fails(commands)`, ever smaller chunks of them, then makes the numbers
/// of the others smaller. After Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (TSE 2002):
/// their removal of complements, again for each size until none can go.
template <class Fails>
[[nodiscard]] std::vector<Command> shrink(std::vector<Command> commands, Fails fails) {
  for (std::size_t chunk = commands.size() / 2; chunk > 0;) {
    bool is_shorter = false;
    for (std::size_t at = 0; at < commands.size();) {
      std::vector<Command> fewer = commands;
      const auto first = fewer.begin() + static_cast<std::ptrdiff_t>(at);
      fewer.erase(first, first + static_cast<std::ptrdiff_t>(std::min(chunk, fewer.size() - at)));
      if (fails(fewer)) {
        commands = std::move(fewer);
        is_shorter = true;
      } else {
        at += chunk;
      }
    }
    if (!is_shorter || chunk > 1) chunk /= 2;
  }
  const auto try_with = [&](std::size_t at, std::uint32_t Command::*number, std::uint32_t value) {
    std::vector<Command> simpler = commands;
    simpler[at].*number = value;
    if (value < commands[at].*number && fails(simpler)) commands = std::move(simpler);
  };
  for (std::size_t at = 0; at < commands.size(); ++at) {
    for (const auto number : {&Command::a, &Command::b}) {
      try_with(at, number, 0);
      for (std::uint32_t bit = 32; bit > 0; --bit) try_with(at, number, commands[at].*number & ~(1U << (bit - 1)));
    }
  }
  return commands;
}

}  // namespace property
