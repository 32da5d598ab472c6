#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

namespace hash_tree {

inline constexpr std::string_view usage =
    "usage: hash_tree FOLDER [--workers N] [--chaos SEED]\n"
    "Prints the SHA-256 of every file below FOLDER, as sha256sum does.\n"
    "  --workers N   threads that hash, 1 to 64 (default: one per processor)\n"
    "  --chaos SEED  makes handlers throw, fail and hang, in places that the number SEED picks\n"
    "Exit status: 0 if every file was hashed, 1 if some were not, 2 for bad usage.\n";

/// What the command line asks for.
struct Arguments {
  std::string folder;
  std::uint32_t workers = std::clamp(std::thread::hardware_concurrency(), 1U, 64U);
  std::optional<std::uint64_t> chaos{};  ///< The seed.
};

/// Thrown by `parse`; the message says which argument is wrong.
struct BadUsage : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

namespace detail {

/// The whole of `text` as a number from `low` to `high`.
inline std::uint64_t number(std::string_view option, std::string_view text, std::uint64_t low, std::uint64_t high) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc{} && stop == end && value >= low && value <= high) return value;
  throw BadUsage(std::string(option) + " takes a number from " + std::to_string(low) + " to " + std::to_string(high));
}

}  // namespace detail

/// Reads the arguments that follow the program's name. An option's value is the next argument; after "--" there are no
/// more options. Throws BadUsage.
[[nodiscard]] inline Arguments parse(std::span<const char* const> given) {
  Arguments parsed;
  std::optional<std::string> folder;
  bool options_end = false;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const std::string_view argument = given[i];
    const auto value = [&]() -> std::string_view { return ++i < given.size() ? given[i] : ""; };
    if (options_end || !argument.starts_with('-')) {
      if (folder) throw BadUsage("one FOLDER only");
      folder = argument;
    } else if (argument == "--") {
      options_end = true;
    } else if (argument == "--workers") {
      parsed.workers = static_cast<std::uint32_t>(detail::number(argument, value(), 1, 64));
    } else if (argument == "--chaos") {
      parsed.chaos = detail::number(argument, value(), 0, UINT64_MAX);
    } else {
      throw BadUsage("unknown option " + std::string(argument));
    }
  }
  if (!folder || folder->empty()) throw BadUsage("FOLDER is missing");
  parsed.folder = *std::move(folder);
  return parsed;
}

}  // namespace hash_tree
