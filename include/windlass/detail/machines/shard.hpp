#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace windlass::detail {

/// Numbers the queues of this process, and the threads that use them, from 1.
inline std::atomic<std::uint32_t> numbers_given{0};

/// The calling thread's number: unlike its address and its id, never another thread's.
[[nodiscard]] inline std::uint32_t thread_number() noexcept {
  static thread_local std::uint32_t number = 0;
  if (number == 0) number = numbers_given.fetch_add(1, std::memory_order_relaxed) + 1;
  return number;
}

/// How many shards there are of whatever each thread shall have to itself.
inline constexpr std::size_t shard_count = 8;

/// The calling thread's shard: always the same, and not that of the threads that came just before and after it.
[[nodiscard]] inline std::size_t my_shard() noexcept { return thread_number() % shard_count; }

/// The shards that go with an atomics policy: those above, unless the policy names its own (`shards` and `my_shard()`),
/// as one does whose threads are not the machine's.
template <class Policy>
struct Shards {
  static constexpr std::size_t count = shard_count;
  [[nodiscard]] static std::size_t mine() noexcept { return my_shard(); }
};

template <class Policy>
requires requires { Policy::my_shard(); }
struct Shards<Policy> {
  static constexpr std::size_t count = Policy::shards;
  [[nodiscard]] static std::size_t mine() noexcept { return Policy::my_shard(); }
};

}  // namespace windlass::detail
