#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace windlass {

/// A short text that owns its characters: at most 95 bytes, a longer one is cut at a UTF-8 character boundary.
/// Trivially copyable; allocates nothing.
class ReasonText {
 public:
  static constexpr std::size_t max_size = 95;

  /// The empty text.
  constexpr ReasonText() noexcept = default;

  /// Copies `text`, cut to `max_size` bytes without splitting a character. O(size).
  constexpr explicit ReasonText(std::string_view text) noexcept {
    std::size_t size = text.size();
    if (size > max_size) {
      size = max_size;
      // 10xxxxxx continues a character: step back to the byte that begins it.
      while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
    }
    for (std::size_t i = 0; i < size; ++i) bytes_[i] = text[i];
    size_ = static_cast<std::uint8_t>(size);
  }

  /// The text; valid as long as this object lives unchanged.
  [[nodiscard]] constexpr std::string_view view() const noexcept { return {bytes_.data(), size_}; }

  /// Whether there is no text.
  [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }

 private:
  std::array<char, max_size> bytes_{};
  std::uint8_t size_ = 0;
};

}  // namespace windlass
