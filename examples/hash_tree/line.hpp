#pragma once

#include <string>
#include <string_view>

namespace hash_tree {

/// The line, newline included, that `sha256sum PATH` of GNU coreutils 9.1 prints for a file with the digest `hex`.
///
/// A path with a backslash, newline or carriage return is escaped, and then the line itself begins with a backslash;
/// every other byte of `path` stays as it is. `sha256sum --check` reads both forms.
[[nodiscard]] inline std::string sum_line(std::string_view hex, std::string_view path) {
  std::string line;
  if (path.find_first_of("\\\n\r") != std::string_view::npos) line += '\\';
  line += hex;
  line += "  ";
  for (const char byte : path) {
    if (byte == '\\') {
      line += "\\\\";
    } else if (byte == '\n') {
      line += "\\n";
    } else if (byte == '\r') {
      line += "\\r";
    } else {
      line += byte;
    }
  }
  line += '\n';
  return line;
}

}  // namespace hash_tree
