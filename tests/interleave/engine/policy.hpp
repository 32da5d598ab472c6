#pragma once

#include <cstddef>

#include "atomics.hpp"
#include "locks.hpp"

namespace interleave {

/// The atomics policy that drives windlass's machines through an Execution. `Shards` is what each machine that is
/// sharded by thread has; threads are spread over them in turns, beginning with 1 for the first.
template <std::size_t Shards>
struct ShardedAtomics {
  template <class T>
  using Atomic = interleave::Atomic<T>;
  using Mutex = interleave::Mutex;
  using Condition = interleave::Condition;

  static constexpr std::size_t shards = Shards;
  [[nodiscard]] static std::size_t my_shard() noexcept { return Execution::now().current() % Shards; }

  /// Names the next operation in the trace of a failure.
  static void probe(const char* site) noexcept { Execution::now().at(site); }
};

using Atomics = ShardedAtomics<2>;

}  // namespace interleave
