#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "catch.hpp"
#include "sanitized.hpp"
#include "windlass/testing.hpp"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

using windlass::ConfigError;
using windlass::Priority;
using windlass::testing::ManualQueue;

using namespace std::chrono_literals;

namespace {

// Large, and with an alignment beyond that of any allocation.
struct alignas(512) Page {
  std::array<std::byte, 64 * 1024> bytes{};
};
using Pages = ManualQueue<Page>;

struct OneLane : windlass::DefaultTraits {
  static constexpr windlass::Lanes lanes{.count = 1};
};

template <class Queue>
std::string refused(std::span<std::byte> memory, std::uint32_t capacity) {
  try {
    const Queue queue{[](const auto&) {}, {.capacity = capacity, .memory = memory}};
    return "";
  } catch (const ConfigError& error) {
    return std::string(error.field());
  }
}

}  // namespace

TEST_CASE("a queue lives in the memory it is given, aligned, wherever that begins", "[memory]") {
  constexpr std::uint32_t capacity = 7;
  constexpr std::size_t margin = 1024;
  const std::size_t size = Pages::required_bytes({.capacity = capacity});
  std::vector<std::byte> block(size + 2 * margin);
  std::memset(block.data(), 0xA5, block.size());  // dirty: the queue clears what it uses
  const std::size_t past_a_page = GENERATE(0U, 1U, 511U);
  std::byte* begin = block.data();
  while (reinterpret_cast<std::uintptr_t>(begin) % alignof(Page) != past_a_page) ++begin;
  std::uint32_t ran = 0, inside = 0, aligned = 0;
  {
    Pages queue{[&](const Page& page) {
                  const auto* const place = reinterpret_cast<const std::byte*>(&page);
                  ++ran;
                  inside += place >= begin && place + sizeof page <= begin + size ? 1 : 0;
                  aligned += reinterpret_cast<std::uintptr_t>(&page) % alignof(Page) == 0 ? 1 : 0;
                },
                {.capacity = capacity, .lease = 1s, .retry = windlass::FixedDelay{}, .memory = {begin, size}}};
    // Often enough to use all of it: the last of it is the ring of errands, with a lost lease in each cell.
    for (int round = 0; round < 1'100; ++round) {
      for (std::uint32_t n = 0; n < capacity; ++n) {
        const auto delay = std::chrono::milliseconds{n % 2};
        queue.try_emplace_with({.delay = delay, .priority = static_cast<Priority>(n % 3)}).or_throw();
      }
      if (queue.try_emplace()) FAIL("took more than its capacity");
      auto lease = queue.try_reserve();
      if (!lease) FAIL("has nothing to lend");
      queue.clock().sleep(2s);
      if (queue.poll() != capacity) FAIL("did not run all");
    }
  }
  CHECK(ran == 1'100 * capacity);
  CHECK(inside == ran);
  CHECK(aligned == ran);
  std::size_t touched = 0;
  for (const std::byte* at = block.data(); at != block.data() + block.size(); ++at) {
    touched += (at < begin || at >= begin + size) && *at != std::byte{0xA5} ? 1 : 0;
  }
  CHECK(touched == 0);
}

TEST_CASE("memory that is a byte too small is refused by name", "[memory]") {
  const std::uint32_t capacity = GENERATE(1U, 100U, 5000U);
  const std::size_t size = ManualQueue<int>::required_bytes({.capacity = capacity});
  std::vector<std::byte> block(size);
  CHECK(refused<ManualQueue<int>>({block.data(), size - 1}, capacity) == "memory");
  CHECK(refused<ManualQueue<int>>({block.data(), 1}, capacity) == "memory");
  CHECK(refused<ManualQueue<int>>(block, capacity + 4096) == "memory");
  CHECK(refused<ManualQueue<int>>(block, capacity) == "");
  CHECK(refused<ManualQueue<int>>({}, capacity) == "");  // none: the queue allocates
}

TEST_CASE("required_bytes grows with the capacity, the payload and the lanes", "[memory]") {
  CHECK(ManualQueue<int>::required_bytes({.capacity = 2000}) > ManualQueue<int>::required_bytes({.capacity = 1000}));
  CHECK(Pages::required_bytes({.capacity = 4}) >= 4 * sizeof(Page));
  using Lane = ManualQueue<int, windlass::testing::ManualTraits<OneLane>>;
  CHECK(Lane::required_bytes({.capacity = 1000}) < ManualQueue<int>::required_bytes({.capacity = 1000}));
}

#if defined(__GLIBC__)
#if __GLIBC_PREREQ(2, 33)
TEST_CASE("with memory of the caller's the slab is not allocated", "[memory]") {
  if (is_thread_sanitized || is_address_sanitized) return;  // they bring an allocator of their own
  const auto in_use = [] {
    const struct mallinfo2 now = mallinfo2();
    return now.uordblks + now.hblkhd;
  };
  constexpr std::uint32_t capacity = 64;
  const std::size_t size = Pages::required_bytes({.capacity = capacity});
  CHECK(size > 4'000'000);
  std::vector<std::byte> block(size);
  const auto growth = [&](std::span<std::byte> memory) {
    const std::size_t before = in_use();
    const Pages queue{[](const Page&) {}, {.capacity = capacity, .memory = memory}};
    return in_use() - before;
  };
  CHECK(growth({}) >= size);
  CHECK(growth(block) < 100'000);
}
#endif
#endif
