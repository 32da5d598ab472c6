#pragma once

#include <chrono>
#include <thread>

/// Looks again and again until `condition()` is true, at most `limit` long; whether it became true. For what no call of
/// a queue waits for; always to be asserted.
template <class Condition>
[[nodiscard]] bool await(Condition condition, std::chrono::milliseconds limit = std::chrono::seconds{10}) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return true;
}
