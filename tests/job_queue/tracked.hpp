#pragma once

#include <atomic>
#include <utility>

/// A payload that counts: how many are alive (moved-from ones included), and how many copies were made. One that was
/// moved from has the value -1. Reset the counts at the start of a test.
struct Tracked {
  static inline std::atomic<int> live{0};
  static inline std::atomic<int> copies{0};

  int value;

  explicit Tracked(int v) noexcept : value(v) { ++live; }
  Tracked(const Tracked& other) noexcept : value(other.value) {
    ++live;
    ++copies;
  }
  Tracked(Tracked&& other) noexcept : value(std::exchange(other.value, -1)) { ++live; }
  Tracked& operator=(const Tracked&) = delete;
  ~Tracked() { --live; }

  static void reset() noexcept { live = copies = 0; }
};
