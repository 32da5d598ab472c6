#pragma once

#include <string_view>

/// The version as numbers a preprocessor can compare.
#define WINDLASS_VERSION_MAJOR 0
/// See WINDLASS_VERSION_MAJOR.
#define WINDLASS_VERSION_MINOR 1
/// See WINDLASS_VERSION_MAJOR.
#define WINDLASS_VERSION_PATCH 0

namespace windlass {

/// Rises when source code written against the previous version may no longer compile or mean the same.
inline constexpr int version_major = WINDLASS_VERSION_MAJOR;

/// Rises when something is added.
inline constexpr int version_minor = WINDLASS_VERSION_MINOR;

/// Rises when only faults are mended.
inline constexpr int version_patch = WINDLASS_VERSION_PATCH;

/// The three numbers as text, for a log line. A test keeps it equal to the numbers above.
inline constexpr std::string_view version = "0.1.0";

}  // namespace windlass
