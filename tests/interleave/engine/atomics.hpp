#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

#include "execution.hpp"

namespace interleave {

[[nodiscard]] constexpr std::memory_order on_failure(std::memory_order order) noexcept {
  if (order == std::memory_order_acq_rel) return std::memory_order_acquire;
  if (order == std::memory_order_release) return std::memory_order_relaxed;
  return order;
}

// The reading half of a read-modify-write: one operation in S, which is noted with the other half.
[[nodiscard]] constexpr std::memory_order reading_half(std::memory_order order) noexcept {
  return order == std::memory_order_seq_cst ? std::memory_order_acq_rel : order;
}

[[nodiscard]] inline const char* to_text(std::memory_order order) noexcept {
  switch (order) {
    case std::memory_order_relaxed:
      return " relaxed";
    case std::memory_order_acquire:
    case std::memory_order_consume:
      return " acquire";
    case std::memory_order_release:
      return " release";
    case std::memory_order_acq_rel:
      return " acq_rel";
    case std::memory_order_seq_cst:
      return " seq_cst";
  }
  return "";
}

/// `std::atomic` for threads of an Execution. Made in the schedule itself; zeroed memory that never was one will do
/// too, for windlass's machines may be laid over such.
template <class T>
class Atomic {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(std::uint64_t));
  using Order = std::memory_order;

 public:
  static constexpr bool is_always_lock_free = true;

  Atomic() noexcept : Atomic(T{}) {}
  Atomic(T initial) noexcept : at_(Execution::now().memory.add(bits(initial), Execution::now().seen())) {}
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  T load(Order order = Order::seq_cst) const noexcept {
    Execution& run = Execution::now();
    run.point();
    const std::uint32_t newest = run.memory.newest(at());
    const std::uint32_t index = newest - run.pick_store(newest - run.memory.oldest(at(), run.seen(), order) + 1);
    const std::uint64_t found = observe(index, order);
    run.tell("load ", name(), " = ", hex(found), age(index), to_text(order));
    return value(found);
  }

  void store(T next, Order order = Order::seq_cst) noexcept {
    Execution& run = Execution::now();
    run.point();
    run.memory.write(at(), bits(next), run.seen(), order, false);
    run.tell("store ", name(), " = ", hex(bits(next)), to_text(order));
  }

  T exchange(T next, Order order = Order::seq_cst) noexcept {
    return modify("exchange ", order, [&](T) { return next; });
  }
  T fetch_add(T by, Order order = Order::seq_cst) noexcept {
    return modify("add ", order, [&](T seen) { return static_cast<T>(seen + by); });
  }
  T fetch_sub(T by, Order order = Order::seq_cst) noexcept {
    return modify("sub ", order, [&](T seen) { return static_cast<T>(seen - by); });
  }
  T fetch_or(T by, Order order = Order::seq_cst) noexcept {
    return modify("or ", order, [&](T seen) { return static_cast<T>(seen | by); });
  }
  T fetch_and(T by, Order order = Order::seq_cst) noexcept {
    return modify("and ", order, [&](T seen) { return static_cast<T>(seen & by); });
  }

  /// Swaps the newest store if that is `expected`; or else fails, and does so as a load: reading any store that is
  /// allowed and differs.
  bool compare_exchange_strong(T& expected, T next, Order success, Order failure) noexcept {
    Execution& run = Execution::now();
    run.point();
    const std::uint32_t newest = run.memory.newest(at());
    const std::uint32_t oldest = run.memory.oldest(at(), run.seen(), failure);
    const std::uint64_t wanted = bits(expected);
    std::uint32_t options = 0;
    for (std::uint32_t i = newest; i + 1 > oldest; --i) {
      if (i == newest || run.memory.value(at(), i) != wanted) ++options;
      if (i == 0) break;
    }
    std::uint32_t picked = run.pick_store(options);
    if (picked == 0 && run.memory.value(at(), newest) == wanted) {
      run.memory.read(at(), newest, run.seen(), reading_half(success));
      run.memory.write(at(), bits(next), run.seen(), success, true);
      run.tell("cas ", name(), " ", hex(wanted), " -> ", hex(bits(next)), to_text(success));
      return true;
    }
    std::uint32_t index = newest;
    while (picked > 0) {
      if (run.memory.value(at(), --index) != wanted) --picked;
    }
    const std::uint64_t found = observe(index, failure);
    run.tell("cas ", name(), " ", hex(wanted), " fails: ", hex(found), age(index), to_text(failure));
    expected = value(found);
    return false;
  }
  bool compare_exchange_strong(T& expected, T next, Order order = Order::seq_cst) noexcept {
    return compare_exchange_strong(expected, next, order, on_failure(order));
  }
  bool compare_exchange_weak(T& expected, T next, Order success, Order failure) noexcept {
    return compare_exchange_strong(expected, next, success, failure);
  }
  bool compare_exchange_weak(T& expected, T next, Order order = Order::seq_cst) noexcept {
    return compare_exchange_strong(expected, next, order);
  }

 private:
  [[nodiscard]] Memory::Location at() const noexcept {
    Execution& run = Execution::now();
    if (at_ == 0) at_ = run.memory.add(0);
    if (!run.memory.is_made(at_, run.seen())) run.fail("data race: an atomic that was not made before it is used");
    return at_;
  }

  static std::uint64_t bits(T from) noexcept {
    std::uint64_t to = 0;
    std::memcpy(&to, &from, sizeof from);
    return to;
  }
  static T value(std::uint64_t from) noexcept {
    T to{};
    std::memcpy(&to, &from, sizeof to);
    return to;
  }

  std::uint64_t observe(std::uint32_t index, Order order) const noexcept {
    Execution& run = Execution::now();
    run.memory.read(at(), index, run.seen(), order);
    return run.memory.value(at(), index);
  }

  template <class F>
  T modify(const char* what, Order order, F next) noexcept {
    Execution& run = Execution::now();
    run.point();
    const T found = value(observe(run.memory.newest(at()), reading_half(order)));
    run.memory.write(at(), bits(next(found)), run.seen(), order, true);
    run.tell(what, name(), " ", hex(bits(found)), " -> ", hex(bits(next(found))), to_text(order));
    return found;
  }

  // For the trace.
  [[nodiscard]] std::string name() const { return Execution::now().is_tracing ? numbered("a", at()) : std::string(); }
  [[nodiscard]] std::string age(std::uint32_t index) const {
    Execution& run = Execution::now();
    const std::uint32_t newest = run.memory.newest(at());
    return run.is_tracing && index != newest ? numbered(" (old by ", newest - index, ")") : std::string();
  }
  static std::string hex(std::uint64_t number) {
    if (!Execution::now().is_tracing) return {};
    std::string text;
    for (; number != 0; number >>= 4U) text.insert(text.begin(), "0123456789abcdef"[number & 15U]);
    return text.empty() ? "0" : text;
  }

  mutable Memory::Location at_;  // 0: not known to the memory yet
};

}  // namespace interleave
