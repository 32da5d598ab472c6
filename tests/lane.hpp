#pragma once

#include <cstdint>
#include <cstdlib>

#include "sanitized.hpp"

/// What the environment asks of the tests that take as long as they are given. `tests/run long` sets WINDLASS_LONG;
/// WINDLASS_SEED begins where a failure said.
namespace lane {

[[nodiscard]] inline bool is_long() noexcept { return std::getenv("WINDLASS_LONG") != nullptr; }

/// The seed to begin with.
[[nodiscard]] inline std::uint64_t seed(std::uint64_t usual) noexcept {
  const char* const wanted = std::getenv("WINDLASS_SEED");
  return wanted == nullptr ? usual : std::strtoull(wanted, nullptr, 10);
}

/// How much: of the long lane, of the quick one, of those under sanitizers.
[[nodiscard]] inline std::uint64_t amount(std::uint64_t of_long, std::uint64_t of_quick,
                                          std::uint64_t of_sanitized) noexcept {
  if (is_long()) return of_long;
  return is_thread_sanitized || is_address_sanitized ? of_sanitized : of_quick;
}

}  // namespace lane
