#pragma once

#include <cstdint>

#include "queue_base.hpp"

namespace windlass::detail {

/// In a callback that belongs to no queue in particular.
inline constexpr std::uint32_t no_queue = 0;

/// One for each run or callback that the calling thread is inside of, innermost first: a waiting call asks, lest a
/// thread wait for what only it can bring about. A queue is named by its number.
class Frame {
 public:
  Frame(const Host& host, std::uint32_t queue) noexcept : host_(host), queue_(queue), outer_(innermost) {
    innermost = this;
  }
  ~Frame() { innermost = outer_; }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  /// Whether this thread runs something of `host` at this moment.
  [[nodiscard]] static bool is_inside(const Host& host) noexcept {
    for (const Frame* frame = innermost; frame != nullptr; frame = frame->outer_) {
      if (&frame->host_ == &host) return true;
    }
    return false;
  }

  /// Whether this thread runs something of `queue` at this moment.
  [[nodiscard]] static bool is_inside(std::uint32_t queue) noexcept {
    for (const Frame* frame = innermost; frame != nullptr; frame = frame->outer_) {
      if (frame->queue_ == queue) return true;
    }
    return false;
  }

 private:
  static inline thread_local const Frame* innermost = nullptr;

  const Host& host_;
  const std::uint32_t queue_;
  const Frame* const outer_;
};

}  // namespace windlass::detail
