#pragma once

#include <algorithm>
#include <cstdio>
#include <mutex>
#include <string>
#include <utility>
#include <vector>
#include <windlass/windlass.hpp>

#include "hasher.hpp"
#include "line.hpp"
#include "walk.hpp"

namespace hash_tree {

/// Collects the dead letters of a run: every file that was not hashed. `add` from any thread.
class Losses {
 public:
  void add(windlass::DeadLetter<FileJob>&& letter) {
    const std::lock_guard lock(mutex_);
    letters_.push_back(std::move(letter));
  }

  /// Writes one line for each to stderr, in the order of the paths' bytes, the path last. When no handler runs.
  void list() {
    std::sort(letters_.begin(), letters_.end(),
              [](const auto& a, const auto& b) { return a.payload->path < b.payload->path; });
    for (const windlass::DeadLetter<FileJob>& letter : letters_) {
      std::fprintf(stderr, "dead letter: reason=%s attempts=%u error=\"%s\" path=%s\n",
                   std::string(to_string(letter.reason)).c_str(), letter.deliveries,
                   std::string(letter.last_error.view()).c_str(), escaped(letter.payload->path).c_str());
    }
  }

 private:
  std::mutex mutex_;
  std::vector<windlass::DeadLetter<FileJob>> letters_;
};

/// Writes one line to stderr for each path that the walk could not look into.
inline void list(const std::vector<Unreadable>& unreadable) {
  for (const Unreadable& each : unreadable) {
    std::fprintf(stderr, "not listed: error=\"%s\" path=%s\n", each.error.c_str(), escaped(each.path).c_str());
  }
}

}  // namespace hash_tree
