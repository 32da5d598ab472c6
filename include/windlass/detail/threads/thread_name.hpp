#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>

#include "windlass/text.hpp"

#if defined(__linux__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace windlass::detail {

/// "mail-0" for a worker, "mail-s0" for a substitute.
[[nodiscard]] inline ReasonText worker_name(const ReasonText& queue, std::uint32_t index, bool is_substitute) noexcept {
  char text[ReasonText::max_size + 1];
  const std::string_view name = queue.view();
  const int size = std::snprintf(text, sizeof text, "%.*s-%s%u", static_cast<int>(name.size()), name.data(),
                                 is_substitute ? "s" : "", static_cast<unsigned>(index));
  return size > 0 ? ReasonText{std::string_view{text}} : ReasonText{};
}

/// Names the calling thread for debuggers and profilers, where the platform can; Linux keeps 15 bytes.
inline void name_this_thread([[maybe_unused]] std::string_view name) noexcept {
#if defined(__linux__)
  char text[16] = {};
  for (std::size_t i = 0; i < name.size() && i < sizeof text - 1; ++i) text[i] = name[i];
  pthread_setname_np(pthread_self(), text);
#elif defined(__APPLE__)
  pthread_setname_np(ReasonText{name}.view().data());
#endif
}

}  // namespace windlass::detail
