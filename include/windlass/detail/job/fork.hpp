#pragma once

#include <atomic>
#include <cstdint>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace windlass::detail {

/// Rises in the child of each fork(): its queues have no threads, and any lock may have been held by one.
inline std::atomic<std::uint32_t> fork_generation{0};

/// The current generation; from the first call on, fork() raises it.
[[nodiscard]] inline std::uint32_t watch_for_fork() noexcept {
#if defined(__unix__) || defined(__APPLE__)
  static const int registered =
      pthread_atfork(nullptr, nullptr, [] { fork_generation.fetch_add(1, std::memory_order_relaxed); });
  (void)registered;
#endif
  return fork_generation.load(std::memory_order_relaxed);
}

}  // namespace windlass::detail
