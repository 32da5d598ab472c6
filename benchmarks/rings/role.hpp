#pragma once

namespace rings {

/// What a thread does with a ring.
enum class Role { producer, consumer, both };

}  // namespace rings
