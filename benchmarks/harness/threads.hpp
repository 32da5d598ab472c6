#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

namespace harness {

/// Runs `work(0)` to `work(count - 1)` at once, the first on the calling thread, and returns how long they took
/// together. They begin when all threads are there.
template <class Work>
std::chrono::steady_clock::duration run_together(std::uint32_t count, Work work) {
  std::atomic<std::uint32_t> missing{count};
  const auto begin_together = [&](std::uint32_t index) {
    missing.fetch_sub(1);
    while (missing.load() != 0) std::this_thread::yield();
    work(index);
  };
  std::vector<std::thread> threads;
  for (std::uint32_t i = 1; i < count; ++i) threads.emplace_back(begin_together, i);
  while (missing.load() > 1) std::this_thread::yield();
  const auto begun = std::chrono::steady_clock::now();
  begin_together(0);
  for (auto& thread : threads) thread.join();
  return std::chrono::steady_clock::now() - begun;
}

}  // namespace harness
