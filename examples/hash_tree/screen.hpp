#pragma once

#include <unistd.h>

#include <cstdio>
#include <mutex>
#include <string_view>

namespace hash_tree {

/// Stdout for the sums and, if stderr is a terminal, a status line below them. Any thread.
class Screen {
 public:
  Screen() : has_status_(::isatty(STDERR_FILENO) == 1) {}
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  /// Writes `line`, which ends with a newline, to stdout in one piece.
  void print(std::string_view line) {
    const std::lock_guard lock(mutex_);
    wipe();
    std::fwrite(line.data(), 1, line.size(), stdout);
  }

  /// Whether `show` does anything.
  [[nodiscard]] bool has_status() const noexcept { return has_status_; }

  /// Puts `status` in place of the status line that is there.
  void show(std::string_view status) {
    if (!has_status_) return;
    const std::lock_guard lock(mutex_);
    std::fflush(stdout);  // both may be the same terminal: what was printed before comes first
    wipe();
    std::fprintf(stderr, "%.*s", static_cast<int>(status.size()), status.data());
    is_shown_ = true;
  }

  /// Wipes the status line and writes out what was printed. False if any of it could not be written.
  [[nodiscard]] bool finish() {
    const std::lock_guard lock(mutex_);
    wipe();
    return std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  }

 private:
  void wipe() {
    if (is_shown_) std::fputs("\r\033[K", stderr);
    is_shown_ = false;
  }

  const bool has_status_;
  std::mutex mutex_;
  bool is_shown_ = false;  // the cursor stands behind a status line
};

}  // namespace hash_tree
