#pragma once

#include <chrono>
#include <cstdint>

namespace probe {

/// Bytes of memory that this process has in use right now; 0 where the system does not tell.
[[nodiscard]] std::uint64_t resident_bytes();

/// Page faults of the calling thread so far.
[[nodiscard]] std::uint64_t page_faults();

/// What the other threads of this process have done so far.
struct Activity {
  std::uint64_t threads = 0;
  std::uint64_t switches = 0;  ///< Times a thread went to sleep or was made to.
  std::chrono::nanoseconds cpu{};
};

/// Sums up all threads but the calling one. Nothing but zeros where the system does not tell.
[[nodiscard]] Activity others_activity();

}  // namespace probe
