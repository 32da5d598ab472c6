#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "clock.hpp"
#include "detail/machines/atomics.hpp"

namespace windlass {

/// Which lane a worker looks into first.
enum class LaneOrder : std::uint8_t {
  strict,    ///< Always the highest that has a job.
  weighted,  ///< In turns by weight; no lane starves.
};

/// The priority lanes of a queue. `weights` are used by `weighted` only.
struct Lanes {
  std::uint32_t count = 3;
  LaneOrder order = LaneOrder::strict;
  std::array<std::uint32_t, 8> weights{8, 3, 1, 1, 1, 1, 1, 1};
};

/// The machine's clocks. Cheap to copy, as every clock a queue is given must be.
class SystemClocks {
 public:
  /// Monotonic time; leases, delays and backoff.
  [[nodiscard]] Time now() const noexcept { return std::chrono::steady_clock::now(); }

  /// Wall-clock time; only for `EnqueueOptions::at`.
  [[nodiscard]] std::chrono::system_clock::time_point wall_now() const noexcept {
    return std::chrono::system_clock::now();
  }
};

/// What is fixed at compile time. Derive and override what differs.
struct DefaultTraits {
  using Clock = SystemClocks;
  using Atomics = detail::StdAtomics;
  static constexpr Duration tick = std::chrono::milliseconds{1};
  static constexpr Lanes lanes{};
};

}  // namespace windlass
