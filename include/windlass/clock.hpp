#pragma once

#include <chrono>

namespace windlass {

/// Every length of time in windlass: nanoseconds, signed.
using Duration = std::chrono::nanoseconds;

/// A moment on the queue's monotonic clock.
using Time = std::chrono::time_point<std::chrono::steady_clock, Duration>;

}  // namespace windlass
