#pragma once

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <thread>

#include "windlass/detail/machines/rng.hpp"
#include "windlass/traits.hpp"

namespace linearizability {

/// While it lives, the thread that made it stands still for a moment at some atomic accesses, drawn from `seed`: calls
/// of several threads then meet in the middle, on any machine, however few its cores and however slow the build.
class Dawdle {
 public:
  explicit Dawdle(std::uint64_t seed) {
    draws.emplace(seed);
    accesses = 0;
  }
  Dawdle(const Dawdle&) = delete;
  Dawdle& operator=(const Dawdle&) = delete;
  ~Dawdle() { draws.reset(); }

  /// One access in eight.
  static void here() {
    if (!draws) return;
    if (++accesses == most_accesses) {
      std::fputs("a call does not end\n", stderr);
      std::abort();
    }
    if (draws->next() % 8 == 0) std::this_thread::yield();
  }

 private:
  static constexpr std::uint64_t most_accesses = 1'000'000;  // a history has some hundreds

  static inline thread_local std::optional<windlass::detail::Rng> draws;
  static inline thread_local std::uint64_t accesses = 0;
};

/// The machine's atomics, with which threads dawdle.
struct DawdlingAtomics {
  template <class T>
  using Atomic = std::atomic<T>;

  static void probe(const char* /*site*/) { Dawdle::here(); }
};

struct DawdlingTraits : windlass::DefaultTraits {
  using Atomics = DawdlingAtomics;
};

}  // namespace linearizability
