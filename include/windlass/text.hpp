#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace windlass {

/// A short text that owns its characters: at most 95 bytes, a longer one is cut at a UTF-8 character boundary; one that
/// is not UTF-8, after 95 bytes.
/// Trivially copyable; allocates nothing.
class ReasonText {
 public:
  static constexpr std::size_t max_size = 95;

  /// The empty text. O(1).
  constexpr ReasonText() noexcept : nothing_() {}

  /// Copies `text`, cut to `max_size` bytes without splitting a character. O(size).
  constexpr explicit ReasonText(std::string_view text) noexcept : nothing_() {
    std::size_t size = text.size();
    if (size == 0) return;
    bytes_ = {};
    if (size > max_size) {
      size = max_size;
      // Step back to the byte that begins the character; one has at most four bytes, or the text is not UTF-8.
      while (size > max_size - 3 && continues(text[size])) --size;
      if (continues(text[size])) size = max_size;
    }
    for (std::size_t i = 0; i < size; ++i) bytes_[i] = text[i];
    size_ = static_cast<std::uint8_t>(size);
  }

  /// The text; valid as long as this object lives unchanged.
  [[nodiscard]] constexpr std::string_view view() const noexcept {
    return empty() ? std::string_view{} : std::string_view{bytes_.data(), size_};
  }

  /// Whether there is no text.
  [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }

 private:
  // 10xxxxxx
  static constexpr bool continues(char byte) noexcept { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

  struct Nothing {};
  union {
    Nothing nothing_;                   // size_ is 0: an empty text costs no clearing of bytes
    std::array<char, max_size> bytes_;  // otherwise
  };
  std::uint8_t size_ = 0;
};

}  // namespace windlass
