#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace harness {

/// Work that keeps a core busy and touches no memory.
inline void spin(std::uint64_t rounds) {
  for (std::uint64_t i = 0; i < rounds; ++i) benchmark::DoNotOptimize(i);
}

/// How many rounds take a microsecond here. The fastest of many tries: interruptions only lengthen one.
inline std::uint64_t rounds_per_microsecond() {
  static const std::uint64_t rounds = [] {
    constexpr std::uint64_t tried = 100'000;
    auto fastest = std::chrono::steady_clock::duration::max();
    for (int i = 0; i < 50; ++i) {
      const auto begun = std::chrono::steady_clock::now();
      spin(tried);
      fastest = std::min(fastest, std::chrono::steady_clock::now() - begun);
    }
    const double us = std::chrono::duration<double, std::micro>(fastest).count();
    return static_cast<std::uint64_t>(static_cast<double>(tried) / us) + 1;
  }();
  return rounds;
}

}  // namespace harness
