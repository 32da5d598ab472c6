#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <windlass/windlass.hpp>

#include "screen.hpp"
#include "tally.hpp"

namespace hash_tree {

/// The status line: how many of the files are hashed, how fast so far, and how many attempts went wrong.
class Progress {
 public:
  Progress(Screen& screen, const Tally& tally, std::size_t files) noexcept
      : screen_(screen), tally_(tally), files_(files) {}

  void show(const windlass::Stats& stats) {
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start_;
    const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
    std::array<char, 160> text{};
    std::snprintf(text.data(), text.size(), "%llu/%zu files  %.0f MB/s  %llu retries  %llu dead letters",
                  number(tally_.files), files_, static_cast<double>(tally_.bytes_read) / 1e6 / elapsed.count(),
                  number(stats.retries), number(stats.dead));
    screen_.show(text.data());
  }

 private:
  Screen& screen_;
  const Tally& tally_;
  const std::size_t files_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace hash_tree
