#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace windlass::detail {

/// Bytes that keep two threads' data on different cache lines. A constant of ours, because
/// `std::hardware_destructive_interference_size` differs between compilers that may share an ABI.
#if defined(__aarch64__) || defined(_M_ARM64)
inline constexpr std::size_t cache_line = 128;
#else
inline constexpr std::size_t cache_line = 64;
#endif

/// No slot: free list empty, ring empty, end of a chain.
inline constexpr std::uint32_t no_slot = 0xffff'ffffU;

/// The default atomics policy. Every lock-free component is a template over a policy, so that tests can replace
/// the atomics by ones that record, stop or reorder each access. `probe()` is called before each atomic access of
/// a component and names its site; here it is nothing and costs nothing.
struct StdAtomics {
  template <class T>
  using Atomic = std::atomic<T>;

  static constexpr void probe(const char* /*site*/) noexcept {}
};

/// Does what makes a difference to nothing but speed: not with a policy that counts each access.
template <class Policy, class F>
void hint([[maybe_unused]] F f) noexcept {
  if constexpr (std::is_same_v<Policy, StdAtomics>) f();
}

/// Has the line of `place` fetched, to be written to. On x86-64 by name, for there the builtin has it fetched to be
/// read, and the first write would wait once more. Every processor that 64-bit Windows accepts since 8.1 knows it.
inline void will_write([[maybe_unused]] const void* place) noexcept {
#if defined(__GNUC__) && defined(__x86_64__)
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(place)));
#elif defined(__GNUC__)
  __builtin_prefetch(place, 1);
#endif
}

/// Leaves a line to whoever has just won it, for as long as some operations on it take.
inline void stand_back() noexcept {
  static constexpr int pauses = 32;
  for (int i = 0; i < pauses; ++i) {
#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
    __builtin_ia32_pause();
#elif defined(__GNUC__) && defined(__aarch64__)
    asm volatile("yield");
#endif
  }
}

static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "windlass needs lock-free 64-bit atomics");

/// Two 32-bit halves in one atomic word.
[[nodiscard]] constexpr std::uint64_t pack(std::uint32_t high, std::uint32_t low) noexcept {
  return (static_cast<std::uint64_t>(high) << 32U) | low;
}
[[nodiscard]] constexpr std::uint32_t high_half(std::uint64_t word) noexcept {
  return static_cast<std::uint32_t>(word >> 32U);
}
[[nodiscard]] constexpr std::uint32_t low_half(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word); }

}  // namespace windlass::detail
