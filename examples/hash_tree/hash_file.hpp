#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "sha256.hpp"

namespace hash_tree {

struct FileSum {
  std::string hex;          ///< The SHA-256 of the content, as 64 lower-case digits.
  std::uint64_t bytes = 0;  ///< How many bytes were read, which is not always what `stat` said.
};

namespace detail {

/// A file that is open for reading until the end of the scope.
class OpenFile {
 public:
  explicit OpenFile(const std::string& path) {
    do {
      number_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    } while (number_ < 0 && errno == EINTR);
    if (number_ < 0) throw std::system_error(errno, std::generic_category());
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() { ::close(number_); }

  /// Up to `buffer.size()` bytes; 0 only at the end of the file.
  [[nodiscard]] std::size_t read(std::vector<char>& buffer) const {
    ssize_t count = 0;
    do {
      count = ::read(number_, buffer.data(), buffer.size());
    } while (count < 0 && errno == EINTR);
    if (count < 0) throw std::system_error(errno, std::generic_category());
    return static_cast<std::size_t>(count);
  }

 private:
  int number_ = -1;
};

}  // namespace detail

/// Reads the file at `path`, through symbolic links, and returns its sum, or nothing if `keep_going` said stop.
///
/// After each chunk of at most 64 KiB, the last one too, calls `keep_going(bytes)` with the bytes read so far in all.
/// False stops there. An empty file has no chunk and so no call.
/// Throws `std::system_error` with the bare error text, without the path, if the file cannot be opened or read;
/// a directory is such a file (EISDIR). Opening a FIFO blocks until it has a writer, and `keep_going` cannot help.
template <std::predicate<std::uint64_t> Keep>
[[nodiscard]] std::optional<FileSum> hash_file(const std::string& path, Keep keep_going) {
  const detail::OpenFile file(path);
  std::vector<char> chunk(std::size_t{64} * 1024);
  Sha256 sum;
  std::uint64_t bytes = 0;
  while (const std::size_t count = file.read(chunk)) {
    sum.update(chunk.data(), count);
    bytes += count;
    if (!keep_going(bytes)) return std::nullopt;
  }
  return FileSum{to_hex(sum.finish()), bytes};
}

}  // namespace hash_tree
