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

}  // namespace windlass::detail
