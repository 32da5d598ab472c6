#pragma once

#include <type_traits>
#include <utility>

#include "windlass/delivery.hpp"
#include "windlass/outcome.hpp"

namespace windlass::detail {

/// Whether a queue can call `Handler` with an argument of type `Given`, and what it returns is an Outcome or nothing.
template <class Handler, class Given>
constexpr bool can_handle() {
  if constexpr (std::is_invocable_v<Handler&, Given, Delivery&>) {
    using Result = std::invoke_result_t<Handler&, Given, Delivery&>;
    return std::is_void_v<Result> || std::is_same_v<Result, Outcome>;
  } else if constexpr (std::is_invocable_v<Handler&, Given>) {
    using Result = std::invoke_result_t<Handler&, Given>;
    return std::is_void_v<Result> || std::is_same_v<Result, Outcome>;
  } else {
    return false;
  }
}

template <class Given, class Handler>
Outcome call_handler(Handler& handler, Given given, Delivery& delivery) {
  const auto call = [&]() -> decltype(auto) {
    if constexpr (std::is_invocable_v<Handler&, Given, Delivery&>) {
      return handler(std::forward<Given>(given), delivery);
    } else {
      return handler(std::forward<Given>(given));
    }
  };
  if constexpr (std::is_void_v<decltype(call())>) {
    call();
    return Outcome::done();
  } else {
    return call();
  }
}

/// Makes `handler` callable the one way a queue of `Payload` calls it; what does not fit is refused in one sentence.
template <class Payload, bool at_most_once, class Handler>
auto adapt_handler(Handler handler) {
  using Given = std::conditional_t<at_most_once, Payload&&, const Payload&>;
  static_assert(
      can_handle<Handler, Given>(),
      "windlass: a handler takes (const Payload&) or (const Payload&, Delivery&) and returns void or Outcome; "
      "a hung run and its redelivery may read the payload at the same time, so Payload& is not offered, and "
      "Payload&& only with the trait at_most_once");
  return [handler = std::move(handler)](Payload& payload, Delivery& delivery) mutable -> Outcome {
    if constexpr (can_handle<Handler, Given>()) {
      return call_handler<Given>(handler, static_cast<Given>(payload), delivery);
    } else {
      return Outcome::done();
    }
  };
}

}  // namespace windlass::detail
