#pragma once

// What the tests are built with; gcc says so in macros, clang in features.
#if defined(__has_feature)
#define WINDLASS_TEST_FEATURE(feature) __has_feature(feature)
#else
#define WINDLASS_TEST_FEATURE(feature) 0
#endif

#if defined(__SANITIZE_THREAD__) || WINDLASS_TEST_FEATURE(thread_sanitizer)
inline constexpr bool is_thread_sanitized = true;
#else
inline constexpr bool is_thread_sanitized = false;
#endif

#if defined(__SANITIZE_ADDRESS__) || WINDLASS_TEST_FEATURE(address_sanitizer)
inline constexpr bool is_address_sanitized = true;
#else
inline constexpr bool is_address_sanitized = false;
#endif
