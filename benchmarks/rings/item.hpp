#pragma once

#include <cstdint>

namespace rings {

/// What all queues here carry: what windlass's ring carries, a slot number.
using Item = std::uint32_t;

}  // namespace rings
