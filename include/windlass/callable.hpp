#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "windlass/outcome.hpp"

namespace windlass {

class Delivery;

template <std::size_t N>
class Callable;

/// A function object whose author vouches that several threads may call it at once. Made by `concurrent`.
template <typename F>
class Concurrent {
 public:
  /// Takes over `function`.
  constexpr explicit Concurrent(F function) noexcept(std::is_nothrow_move_constructible_v<F>)
      : function_(std::move(function)) {}

  /// Calls the function through a const reference, so that it cannot change its own state unsynchronised.
  template <typename... Arguments>
  constexpr auto operator()(Arguments&&... arguments) const
      noexcept(std::is_nothrow_invocable_v<const F&, Arguments...>) -> std::invoke_result_t<const F&, Arguments...> {
    return function_(std::forward<Arguments>(arguments)...);
  }

 private:
  F function_;
};

/// Marks `function` as safe to be called by several threads at once. It must be callable when const.
template <typename F>
[[nodiscard]] constexpr Concurrent<std::decay_t<F>> concurrent(F&& function) {
  return Concurrent<std::decay_t<F>>{std::forward<F>(function)};
}

namespace detail {

template <typename T>
inline constexpr bool is_callable_v = false;
template <std::size_t N>
inline constexpr bool is_callable_v<Callable<N>> = true;

template <typename T>
inline constexpr bool is_concurrent_v = false;
template <typename F>
inline constexpr bool is_concurrent_v<Concurrent<F>> = true;

template <typename Result>
inline constexpr bool is_outcome_or_void_v = std::is_void_v<Result> || std::is_same_v<Result, Outcome>;

template <typename F>
constexpr bool has_handler_signature() {
  if constexpr (std::is_invocable_v<F&, Delivery&>) {
    return is_outcome_or_void_v<std::invoke_result_t<F&, Delivery&>>;
  } else if constexpr (std::is_invocable_v<F&>) {
    return is_outcome_or_void_v<std::invoke_result_t<F&>>;
  } else {
    return false;
  }
}

// A type of its own so that the compiler's "in instantiation of" line shows both numbers.
template <std::size_t Size, std::size_t Capacity>
struct CallableFits {
  static_assert(Size <= Capacity,
                "windlass: this function object is larger than the Callable's buffer (CallableFits<size, capacity>); "
                "capture less, capture a std::unique_ptr to the large part, or use a Callable<N> with a larger N");
  static constexpr bool value = Size <= Capacity;
};

// What a Callable can do with the function object in its buffer; one static instance per type of function object.
struct CallableOps {
  Outcome (*call)(void* function, Delivery& delivery);
  void (*relocate)(void* from, void* to) noexcept;  // leaves raw memory at `from`
  void (*destroy)(void* function) noexcept;         // null where there is nothing to do
  bool concurrent;
};

template <typename F>
Outcome call_function(void* function, Delivery& delivery) {
  F& target = *std::launder(static_cast<F*>(function));
  if constexpr (std::is_invocable_v<F&, Delivery&>) {
    if constexpr (std::is_void_v<std::invoke_result_t<F&, Delivery&>>) {
      target(delivery);
      return Outcome::done();
    } else {
      return target(delivery);
    }
  } else if constexpr (std::is_void_v<std::invoke_result_t<F&>>) {
    target();
    return Outcome::done();
  } else {
    return target();
  }
}

template <typename F>
void relocate_function(void* from, void* to) noexcept {
  F* source = std::launder(static_cast<F*>(from));
  ::new (to) F(std::move(*source));
  std::destroy_at(source);
}

template <typename F>
void destroy_function(void* function) noexcept {
  std::destroy_at(std::launder(static_cast<F*>(function)));
}

template <typename F>
inline constexpr CallableOps callable_ops{&call_function<F>, &relocate_function<F>,
                                          std::is_trivially_destructible_v<F> ? nullptr : &destroy_function<F>,
                                          is_concurrent_v<F>};

inline Outcome call_nothing(void* /*function*/, Delivery& /*delivery*/) {
  return Outcome::dead("there is no function in this Callable");
}

inline constexpr CallableOps no_callable_ops{&call_nothing, nullptr, nullptr, false};

}  // namespace detail

/// A payload that is its own handler: any function object of up to `N` bytes, kept in place.
///
/// Never allocates. `F` must be nothrow-move-constructible, aligned no more strictly than `std::max_align_t`, and
/// callable as `f(delivery)` or `f()`, returning void or Outcome; what takes both is called with the delivery.
/// What does not qualify is refused at compile time.
/// Move-only; a moved-from Callable is empty. Like any value, not to be shared between threads without care, except
/// that several threads may call it at once if `is_concurrent()`.
template <std::size_t N = 48>
class Callable {
 public:
  /// Holds nothing.
  Callable() noexcept = default;

  /// Takes over `function`. Throws only what constructing its decayed type throws.
  template <typename F>
  requires(!detail::is_callable_v<std::remove_cvref_t<F>>) Callable(F&& function)
  noexcept(std::is_nothrow_constructible_v<std::decay_t<F>, F>) {  // implicit, as a payload is
    using Function = std::decay_t<F>;
    static_assert(detail::has_handler_signature<Function>(),
                  "windlass: a Callable holds a function callable as f() or f(Delivery&), returning void or Outcome");
    static_assert(std::is_nothrow_move_constructible_v<Function>,
                  "windlass: a Callable's function must not throw when moved; hold what may throw by std::unique_ptr");
    static_assert(alignof(Function) <= alignof(std::max_align_t),
                  "windlass: this function object is over-aligned; hold the over-aligned part by std::unique_ptr");
    if constexpr (detail::CallableFits<sizeof(Function), N>::value) {
      ::new (address()) Function(std::forward<F>(function));
      ops_ = &detail::callable_ops<Function>;
    }
  }

  /// Takes over what `other` holds and leaves it empty.
  Callable(Callable&& other) noexcept { take(other); }

  /// Destroys what this holds, takes over what `other` holds and leaves `other` empty. Onto itself, does nothing.
  Callable& operator=(Callable&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }

  Callable(const Callable&) = delete;
  Callable& operator=(const Callable&) = delete;

  ~Callable() { reset(); }

  /// True if this holds a function.
  [[nodiscard]] explicit operator bool() const noexcept { return ops_ != &detail::no_callable_ops; }

  /// True if the function was marked by `concurrent`, and so may be called by several threads at once.
  [[nodiscard]] bool is_concurrent() const noexcept { return ops_->concurrent; }

  /// Runs the function; one that returns void counts as done. An empty Callable answers `dead`. Throws what the
  /// function throws.
  Outcome operator()(Delivery& delivery) { return ops_->call(address(), delivery); }

  /// Destroys what this holds, if anything, and leaves it empty.
  void reset() noexcept {
    // Empty first: a destructor that looks back at this Callable must not find itself.
    const detail::CallableOps* const ops = std::exchange(ops_, &detail::no_callable_ops);
    if (ops->destroy != nullptr) ops->destroy(address());
  }

 private:
  void take(Callable& other) noexcept {
    if (!other) return;
    other.ops_->relocate(other.address(), address());
    ops_ = std::exchange(other.ops_, &detail::no_callable_ops);
  }

  void* address() noexcept { return static_cast<void*>(buffer_); }

  // Invariant: buffer_ holds a live function object of the type ops_ was made for, or none with no_callable_ops.
  const detail::CallableOps* ops_ = &detail::no_callable_ops;
  alignas(std::max_align_t) std::byte buffer_[N];
};

}  // namespace windlass
