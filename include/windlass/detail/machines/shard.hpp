#pragma once

#include <cstddef>
#include <cstdint>

namespace windlass::detail {

/// Something whose address differs between threads and costs nothing to make or destroy.
inline thread_local char thread_mark = 0;

/// How many shards there are of whatever each thread shall have to itself.
inline constexpr std::size_t shard_count = 8;

/// The calling thread's shard: always the same, and shared with few others. (Fibonacci hashing of an address.)
[[nodiscard]] inline std::size_t my_shard() noexcept {
  const auto address = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(&thread_mark));
  return static_cast<std::size_t>((address >> 6U) * 0x9e3779b97f4a7c15U >> 61U);
}

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
