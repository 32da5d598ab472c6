#pragma once

#include <atomic>
#include <cstdint>

namespace hash_tree {

/// What the handlers count, beside what the queue counts. Statistics only: no order between them is meant.
struct Tally {
  using Count = std::atomic<std::uint64_t>;

  Count files{0};         ///< Lines printed.
  Count bytes{0};         ///< What they are the sums of.
  Count bytes_read{0};    ///< The same with unfinished and repeated work.
  Count throws{0};        ///< Injected exceptions.
  Count failures{0};      ///< Injected failures.
  Count hangs{0};         ///< Injected hangs.
  Count lost_commits{0};  ///< Sums that were ready when their run no longer had the job.
};

}  // namespace hash_tree
