#pragma once

#include <string>
#include <string_view>

namespace hash_tree {

/// `path` on one line: a backslash, newline or carriage return becomes `\\`, `\n` or `\r`; every other byte stays.
[[nodiscard]] inline std::string escaped(std::string_view path) {
  std::string text;
  text.reserve(path.size());
  for (const char byte : path) {
    if (byte == '\\') {
      text += "\\\\";
    } else if (byte == '\n') {
      text += "\\n";
    } else if (byte == '\r') {
      text += "\\r";
    } else {
      text += byte;
    }
  }
  return text;
}

/// The line, newline included, that `sha256sum PATH` of GNU coreutils 9.1 prints for a file with the digest `hex`.
///
/// If `path` had to be escaped, the line itself begins with a backslash. `sha256sum --check` reads both forms.
[[nodiscard]] inline std::string sum_line(std::string_view hex, std::string_view path) {
  const std::string text = escaped(path);
  std::string line;
  if (text.size() != path.size()) line += '\\';
  line += hex;
  line += "  ";
  line += text;
  line += '\n';
  return line;
}

}  // namespace hash_tree
