#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "clock.hpp"
#include "detail/machines/atomics.hpp"
#include "observer.hpp"

namespace windlass {

/// Which lane a worker looks into first.
enum class LaneOrder : std::uint8_t {
  /// Always the highest that has a job.
  strict,
  /// In turns of one job each: every lane, from the highest on, has as many in a row as its weight. If it is empty, the
  /// turn goes to the highest that is not. So a lane that is never empty has at least its weight of as many jobs in a
  /// row as all weights add up to: none starves. A cancelled job is no turn, nor is a look that takes no job.
  ///
  /// Each worker counts its own turns in each queue. So does each of the four places for threads that pump, of which a
  /// thread takes the first that is free. Those who reserve share one count for each queue, which a look in vain moves
  /// on while it lasts.
  weighted,
};

/// The priority lanes of a queue, 1 to 8. `weights` are used by `weighted` only.
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

/// How many of the jobs without a delay that a handler runs are timed for `Stats::wait` and `Stats::run`; each costs
/// three clock reads.
enum class Timing : std::uint8_t {
  none,     ///< None.
  sampled,  ///< One of 64.
  all,      ///< Every one.
};

/// What is fixed at compile time. Derive and override what differs.
struct DefaultTraits {
  /// Where time comes from: `now()` and `wall_now()`, const and noexcept; cheap to copy.
  using Clock = SystemClocks;
  /// Who is told of each event; see NoObserver.
  using Observer = NoObserver;
  /// The atomics of the lock-free parts; for tests.
  using Atomics = detail::StdAtomics;
  /// The grain of delays, backoff and leases; deadlines are rounded up to it.
  static constexpr Duration tick = std::chrono::milliseconds{1};
  /// The priority lanes.
  static constexpr Lanes lanes{};
  /// Which jobs are timed for statistics.
  static constexpr Timing timing = Timing::sampled;
  /// Deliver each job at most once: no lease, no retry, the first failure makes a dead letter. The handler may take
  /// `Payload&&`.
  static constexpr bool at_most_once = false;
};

}  // namespace windlass
