#include "windlass/detail/machines/rng.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "catch.hpp"

using windlass::detail::Rng;

TEST_CASE("the generator is splitmix64, number for number", "[rng]") {
  // From the reference implementation, https://prng.di.unimi.it/splitmix64.c
  Rng zero(0);
  CHECK(zero.next() == 0xe220a8397b1dcdafU);
  CHECK(zero.next() == 0x6e789e6aa1b965f4U);
  CHECK(zero.next() == 0x06c45d188009454fU);
  Rng other(1'234'567);
  CHECK(other.next() == 6'457'827'717'110'365'317U);
  CHECK(other.next() == 3'203'168'211'198'807'973U);
  CHECK(other.next() == 9'817'491'932'198'370'423U);
}

TEST_CASE("the same seed gives the same numbers, also at compile time", "[rng]") {
  constexpr auto third = [] {
    Rng rng(42);
    rng.next();
    rng.next();
    return rng.next();
  }();
  Rng rng(42);
  rng.next();
  rng.next();
  CHECK(rng.next() == third);
}

TEST_CASE("the first numbers of neighbouring seeds have nothing in common", "[rng]") {
  constexpr int draws = 1 << 16;
  const std::uint64_t base = GENERATE(std::uint64_t{0}, std::uint64_t{0x77696e646c617373}, ~std::uint64_t{0});
  std::array<int, 64> ones{};
  std::array<int, 64> flips{};
  std::array<int, 256> high{};
  std::uint64_t before = 0;
  for (int i = 0; i < draws; ++i) {
    const std::uint64_t drawn = Rng(base + static_cast<std::uint64_t>(i)).next();
    for (std::size_t bit = 0; bit < 64; ++bit) {
      ones[bit] += static_cast<int>(drawn >> bit & 1U);
      flips[bit] += static_cast<int>((drawn ^ before) >> bit & 1U);
    }
    ++high[static_cast<std::size_t>(drawn >> 56U)];
    before = drawn;
  }
  // 128 is one standard deviation of a fair bit, 16 that of a bucket: six of them.
  const auto is_fair = [](int n) { return n > draws / 2 - 6 * 128 && n < draws / 2 + 6 * 128; };
  CHECK(std::all_of(ones.begin(), ones.end(), is_fair));
  CHECK(std::all_of(flips.begin(), flips.end(), is_fair));
  CHECK(std::all_of(high.begin(), high.end(), [](int n) { return n > 256 - 6 * 16 && n < 256 + 6 * 16; }));
}
