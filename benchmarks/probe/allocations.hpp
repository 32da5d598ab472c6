#pragma once

#include <cstdint>

namespace probe {

/// How often this process has asked the heap for memory so far, by any thread and any library.
[[nodiscard]] std::uint64_t allocations();

}  // namespace probe
