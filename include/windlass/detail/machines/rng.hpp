#pragma once

#include <cstdint>

namespace windlass::detail {

/// One step of splitmix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014).
/// Any seed is good, so that "seed + i" gives each worker a sequence of its own. Not for secrets.
class Rng {
 public:
  constexpr explicit Rng(std::uint64_t seed) noexcept : state_(seed) {}

  /// The next 64 uniformly distributed bits. One thread at a time.
  constexpr std::uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t x = state_;
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31U);
  }

 private:
  std::uint64_t state_;
};

}  // namespace windlass::detail
