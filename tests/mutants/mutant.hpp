#pragma once

// What the rewritten headers ask: which mutant this run is. See README.md. Copied beside the copy of include/windlass.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <type_traits>

namespace windlass_mutants {

/// The mutant that this run is; 0: none.
inline const unsigned chosen = [] {
  const char* const text = std::getenv("WINDLASS_MUTANT");
  return text == nullptr ? 0U : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}();

/// A byte for each mutant, in a file that the runner made: set when its site is reached. Shared with forked children,
/// and outlives a crash. Null if nobody asked.
inline unsigned char* const reached = []() -> unsigned char* {
  const char* const path = std::getenv("WINDLASS_MUTANTS_REACHED");
  if (path == nullptr) return nullptr;
  const int file = open(path, O_RDWR);  // NOLINT
  struct stat facts {};
  if (file < 0 || fstat(file, &facts) != 0) std::abort();
  void* const bytes =
      mmap(nullptr, static_cast<std::size_t>(facts.st_size), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (bytes == MAP_FAILED) std::abort();
  return static_cast<unsigned char*>(bytes);
}();

/// Whether this run is that mutant. Never while compiling.
[[nodiscard]] constexpr bool is(unsigned mutant) noexcept {
  if (std::is_constant_evaluated()) return false;
  if (reached != nullptr) std::atomic_ref(reached[mutant]).store(1, std::memory_order_relaxed);
  return chosen == mutant;
}

[[nodiscard]] constexpr std::memory_order order(unsigned mutant, std::memory_order original,
                                                std::memory_order weaker) noexcept {
  return is(mutant) ? weaker : original;
}

/// compare_exchange of which mutant `first` + n compares only the bits of Compared[n].
template <bool IsWeak, std::uint64_t... Compared, class Atom, class Value, class Next, class... Orders>
[[nodiscard]] bool swap(unsigned first, Atom& atom, Value& expected, Next next, Orders... orders) noexcept {
  for (const std::uint64_t compared : {Compared...}) {
    if (!is(first++)) continue;
    Value found = expected;
    while (!atom.compare_exchange_strong(found, next, orders...)) {
      if (((static_cast<std::uint64_t>(found) ^ static_cast<std::uint64_t>(expected)) & compared) == 0) continue;
      expected = found;
      return false;
    }
    return true;
  }
  return IsWeak ? atom.compare_exchange_weak(expected, next, orders...)
                : atom.compare_exchange_strong(expected, next, orders...);
}

}  // namespace windlass_mutants
