#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <system_error>
#include <utility>

#include "execution.hpp"

namespace interleave {

/// `std::thread` for threads of an Execution.
class Thread {
 public:
  /// Whether one can be started, or the system says that it has no more.
  static inline bool can_start = true;

  Thread() = default;
  explicit Thread(std::function<void()> body) {
    if (!can_start) throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
    number_ = Execution::now().add(std::move(body));
    Execution::now().point();
  }
  Thread(Thread&& other) noexcept : number_(std::exchange(other.number_, no_thread)) {}
  Thread& operator=(Thread&& other) noexcept {
    if (joinable()) Execution::now().fail("a thread was lost that nobody had joined");
    number_ = std::exchange(other.number_, no_thread);
    return *this;
  }
  ~Thread() {
    if (joinable()) Execution::now().fail("a thread was destroyed that nobody had joined");
  }

  [[nodiscard]] bool joinable() const noexcept { return number_ != no_thread; }
  void join() { Execution::now().join(std::exchange(number_, no_thread)); }

  [[nodiscard]] static unsigned hardware_concurrency() noexcept { return 2; }

 private:
  std::size_t number_ = no_thread;
};

/// `std::this_thread::yield()`.
inline void yield() { Execution::now().point(); }

/// What `Clock::now()` of the standard's clocks says.
template <class Clock>
[[nodiscard]] typename Clock::time_point time_of() noexcept {
  return typename Clock::time_point{std::chrono::duration_cast<typename Clock::duration>(Execution::now().time)};
}

/// A `thread_local` for threads of an Execution; each schedule begins with `initial`.
template <class T>
class ThreadLocal {
 public:
  explicit ThreadLocal(T initial) : initial_(initial) {}
  ThreadLocal(const ThreadLocal&) = delete;

  ThreadLocal& operator=(T value) noexcept {
    mine() = value;
    return *this;
  }
  operator T() const noexcept { return mine(); }

 private:
  struct Entry {
    std::uint64_t schedule = 0;
    T value{};
  };

  T& mine() const noexcept {
    Entry& entry = entries_[Execution::now().current()];
    if (std::exchange(entry.schedule, Execution::now().number()) != Execution::now().number()) entry.value = initial_;
    return entry.value;
  }

  const T initial_;
  mutable std::array<Entry, max_threads> entries_{};
};

}  // namespace interleave
