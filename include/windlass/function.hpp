#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace windlass {

template <class Signature>
class Function;

/// A function object of any type, chosen at run time: hooks, retry policies, dead letter sinks, handlers.
///
/// Objects of up to 48 bytes are kept in place; larger ones go to the heap when the Function is made, never later.
/// Move-only, so move-only captures are welcome. Calling an empty one is a programming error.
template <class Result, class... Arguments>
class Function<Result(Arguments...)> {
 public:
  /// Holds nothing.
  constexpr Function() noexcept = default;

  /// Holds nothing; lets an option be written as `nullptr`.
  constexpr Function(std::nullptr_t) noexcept {}

  /// Takes over `function`. Throws what constructing it throws, or std::bad_alloc for a large one.
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, Function> &&
           std::is_invocable_r_v<Result, std::decay_t<F>&, Arguments...>)
      Function(F&& function) {  // implicit, so that an option can be written as a lambda
    using Held = std::decay_t<F>;
    if constexpr (sizeof(Held) <= size && alignof(Held) <= alignof(std::max_align_t) &&
                  std::is_nothrow_move_constructible_v<Held>) {
      ::new (place()) Held(std::forward<F>(function));
      ops_ = &inside<Held>;
    } else {
      ::new (place()) Held*(new Held(std::forward<F>(function)));
      ops_ = &outside<Held>;
    }
  }

  /// What cannot be called so is refused. Deleted, for compilers that then say which of a list of options is wrong.
  template <class Wrong>
  requires(!std::is_same_v<std::remove_cvref_t<Wrong>, Function> &&
           !std::is_invocable_r_v<Result, std::decay_t<Wrong>&, Arguments...>)
      Function(Wrong&& cannot_be_called_with_these_Arguments_for_this_Result)
  = delete;

  /// Takes over what `other` holds and leaves it empty.
  Function(Function&& other) noexcept { take(other); }

  /// Destroys what this holds and takes over what `other` holds.
  Function& operator=(Function&& other) noexcept {
    Function taken(std::move(other));  // first: what this holds may own `other`
    reset();
    take(taken);
    return *this;
  }

  Function(const Function&) = delete;
  Function& operator=(const Function&) = delete;
  ~Function() { reset(); }

  /// True if this holds a function.
  [[nodiscard]] explicit operator bool() const noexcept { return ops_ != nullptr; }

  /// Calls the function, through a non-const reference even if this is const, as std::function does.
  Result operator()(Arguments... arguments) const { return ops_->call(place(), std::forward<Arguments>(arguments)...); }

 private:
  static constexpr std::size_t size = 48;

  struct Ops {
    Result (*call)(void* place, Arguments&&... arguments);
    void (*relocate)(void* from, void* to) noexcept;
    void (*destroy)(void* place) noexcept;
  };

  template <class Held>
  static Result call(Held& held, Arguments&&... arguments) {
    if constexpr (std::is_void_v<Result>) {
      held(std::forward<Arguments>(arguments)...);
    } else {
      return held(std::forward<Arguments>(arguments)...);
    }
  }

  template <class Held>
  static Held& at(void* place) noexcept {
    return *std::launder(static_cast<Held*>(place));
  }

  template <class Held>
  static constexpr Ops inside{[](void* place, Arguments&&... arguments) -> Result {
                                return call(at<Held>(place), std::forward<Arguments>(arguments)...);
                              },
                              [](void* from, void* to) noexcept {
                                ::new (to) Held(std::move(at<Held>(from)));
                                std::destroy_at(&at<Held>(from));
                              },
                              [](void* place) noexcept { std::destroy_at(&at<Held>(place)); }};

  template <class Held>
  static constexpr Ops outside{[](void* place, Arguments&&... arguments) -> Result {
                                 return call(*at<Held*>(place), std::forward<Arguments>(arguments)...);
                               },
                               [](void* from, void* to) noexcept { ::new (to) Held*(at<Held*>(from)); },
                               [](void* place) noexcept { delete at<Held*>(place); }};

  void take(Function& other) noexcept {
    if (other.ops_ == nullptr) return;
    other.ops_->relocate(other.place(), place());
    ops_ = std::exchange(other.ops_, nullptr);
  }

  void reset() noexcept {
    if (const Ops* ops = std::exchange(ops_, nullptr)) ops->destroy(place());
  }

  [[nodiscard]] void* place() const noexcept { return static_cast<void*>(buffer_); }

  const Ops* ops_ = nullptr;
  alignas(std::max_align_t) mutable std::byte buffer_[size];
};

}  // namespace windlass
