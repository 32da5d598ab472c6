#pragma once

// What the litmus tests share.

#include <cstdio>
#include <string>

#include "../interleave.hpp"
#include "catch.hpp"

namespace interleave {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;
constexpr auto acq_rel = std::memory_order_acq_rel;
constexpr auto seq_cst = std::memory_order_seq_cst;

using Int = Atomic<int>;

enum class Weak { found, never };

/// `body` checks that the weak outcome does not come about; `expected` is what C++, and the limits of the model, say.
inline void litmus(const std::string& name, Weak expected, const Body& body, Seq seq = Seq::as_executed) {
  const Report report = search({.deviations = 1000, .depth_first = 1'000'000, .seq = seq}, body);
  const bool was_found = report.failed();
  std::printf("  %-58s %-6s expected, %-6s after %6llu schedules%s\n", name.c_str(),
              expected == Weak::found ? "found" : "never", was_found ? "found" : "never",
              static_cast<unsigned long long>(report.schedules()), report.is_exhausted ? ", exhausted" : "");
  INFO(name << ": " << report.failure);
  CHECK(was_found == (expected == Weak::found));
  if (expected == Weak::never) CHECK(report.is_exhausted);
}

/// Each of two threads stores to one variable and reads the other: do both read the old value?
inline Body store_buffering(std::memory_order first, std::memory_order second, std::memory_order load) {
  return [=](Run& run) {
    Int x{0}, y{0};
    int a = -1, b = -1;
    run.thread([&] {
      x.store(1, first);
      a = y.load(load);
    });
    run.thread([&] {
      y.store(1, second);
      b = x.load(load);
    });
    run.join();
    check(a == 1 || b == 1, "both old");
  };
}

}  // namespace interleave
