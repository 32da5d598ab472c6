#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace hash_tree {

/// SHA-256 as in FIPS 180-4, for any number of whole bytes. Plain C++, no CPU extensions. One thread at a time.
class Sha256 {
 public:
  using Digest = std::array<std::uint8_t, 32>;

  /// Appends `size` bytes to the message; how it is cut into calls does not matter. `data` may be null if `size` is 0.
  void update(const void* data, std::size_t size) noexcept {
    if (size == 0) return;  // memcpy takes no null, not even for nothing
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    length_ += size;
    if (held_ != 0) {
      const std::size_t taken = std::min(size, block_size - held_);
      std::memcpy(block_.data() + held_, bytes, taken);
      held_ += taken;
      bytes += taken;
      size -= taken;
      if (held_ < block_size) return;
      compress(block_.data());
      held_ = 0;
    }
    for (; size >= block_size; bytes += block_size, size -= block_size) compress(bytes);
    std::memcpy(block_.data(), bytes, size);
    held_ = size;
  }

  /// The digest of all bytes since construction or the last `finish()`; afterwards a new message begins.
  [[nodiscard]] Digest finish() noexcept {
    // Section 5.1.1: a one bit, zeros up to 8 bytes before a block's end, then the length in bits.
    const std::uint64_t bits = length_ * 8U;
    block_[held_++] = 0x80;
    if (held_ > block_size - 8) {
      std::fill(block_.begin() + static_cast<std::ptrdiff_t>(held_), block_.end(), std::uint8_t{0});
      compress(block_.data());
      held_ = 0;
    }
    std::fill(block_.begin() + static_cast<std::ptrdiff_t>(held_), block_.end(), std::uint8_t{0});
    for (std::size_t i = 0; i < 8; ++i) block_[block_size - 1 - i] = static_cast<std::uint8_t>(bits >> (8 * i));
    compress(block_.data());

    Digest digest{};
    for (std::size_t i = 0; i < digest.size(); ++i) {
      digest[i] = static_cast<std::uint8_t>(state_[i / 4] >> (24 - 8 * (i % 4)));
    }
    *this = Sha256{};
    return digest;
  }

 private:
  static constexpr std::size_t block_size = 64;

  // Section 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes.
  static constexpr std::array<std::uint32_t, 64> round_constants{
      0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
      0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
      0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
      0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
      0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
      0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
      0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
      0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

  // Section 6.2.2, with the standard's own letters.
  void compress(const std::uint8_t* block) noexcept {
    std::array<std::uint32_t, 64> w;
    for (std::size_t t = 0; t < 16; ++t) {
      w[t] = 0;
      for (std::size_t i = 0; i < 4; ++i) w[t] = w[t] << 8U | block[4 * t + i];
    }
    for (std::size_t t = 16; t < w.size(); ++t) {
      const std::uint32_t sigma0 = std::rotr(w[t - 15], 7) ^ std::rotr(w[t - 15], 18) ^ w[t - 15] >> 3U;
      const std::uint32_t sigma1 = std::rotr(w[t - 2], 17) ^ std::rotr(w[t - 2], 19) ^ w[t - 2] >> 10U;
      w[t] = sigma1 + w[t - 7] + sigma0 + w[t - 16];
    }
    auto [a, b, c, d, e, f, g, h] = state_;
    for (std::size_t t = 0; t < w.size(); ++t) {
      const std::uint32_t sum1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
      const std::uint32_t t1 = h + sum1 + ((e & f) ^ (~e & g)) + round_constants[t] + w[t];
      const std::uint32_t sum0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
      const std::uint32_t t2 = sum0 + ((a & b) ^ (a & c) ^ (b & c));
      h = g, g = f, f = e, e = d + t1;
      d = c, c = b, b = a, a = t1 + t2;
    }
    const std::array<std::uint32_t, 8> added{a, b, c, d, e, f, g, h};
    for (std::size_t i = 0; i < added.size(); ++i) state_[i] += added[i];
  }

  // Section 5.3.3: the first 32 bits of the fractional parts of the square roots of the first 8 primes.
  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, block_size> block_{};  // its first `held_` bytes wait for the block to fill up
  std::size_t held_ = 0;                          // always below block_size between calls
  std::uint64_t length_ = 0;                      // bytes so far, modulo 2^64
};

/// 64 lower-case hexadecimal digits.
[[nodiscard]] inline std::string to_hex(const Sha256::Digest& digest) {
  std::string hex;
  hex.reserve(2 * digest.size());
  for (const std::uint8_t byte : digest) {
    hex += "0123456789abcdef"[byte >> 4U];
    hex += "0123456789abcdef"[byte & 15U];
  }
  return hex;
}

}  // namespace hash_tree
