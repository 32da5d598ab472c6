#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

#include "windlass/dead_letter_box.hpp"

// Numbered letters for a box: payloads that tell what is done to them, and the calls on them.
namespace letters {

using Values = std::vector<int>;

constexpr std::size_t all = std::numeric_limits<std::size_t>::max();

// Counts the payloads that are alive, moved-from ones included. Can be moved but not assigned, and may refuse.
struct Payload {
  static inline int live = 0;
  static inline bool moves_throw = false;
  static inline int moves = 0;
  static inline std::function<void()> on_destroy{};
  static inline std::function<void()> on_move{};

  int value;

  explicit Payload(int v) : value(v) { ++live; }
  Payload(Payload&& other) : value(other.value) {  // NOLINT: throws on purpose
    if (on_move) on_move();
    if (moves_throw) throw std::runtime_error("will not move");
    other.value = -1;
    ++live;
    ++moves;
  }
  Payload& operator=(Payload&&) = delete;
  ~Payload() {
    --live;
    if (on_destroy) on_destroy();
  }
};

// Never refuses to move.
struct Calm {
  static inline std::function<void()> on_move{};

  int value;

  explicit Calm(int v) : value(v) {}
  Calm(Calm&& other) noexcept : value(std::exchange(other.value, -1)) {
    if (on_move) on_move();
  }
  Calm& operator=(Calm&&) = delete;
  ~Calm() = default;
};

inline windlass::JobId id_of(int n) { return {static_cast<std::uint64_t>(n) + 1, 0, 1}; }

template <class Held>
bool put(windlass::DeadLetterBox<Held>& box, int n) {
  windlass::DeadLetter<Held> letter;
  letter.id = id_of(n);
  letter.payload.emplace(n);
  return box.accept(std::move(letter));
}

template <class Held>
bool put_held(windlass::DeadLetterBox<Held>& box, int n) {
  windlass::DeadLetter<Held> letter;
  letter.id = id_of(n);
  letter.is_held = true;
  return box.accept(std::move(letter));
}

template <class Held>
bool complete(windlass::DeadLetterBox<Held>& box, int n, int payload) {
  windlass::DeadLetter<Held> letter;
  letter.id = id_of(n);
  letter.payload.emplace(payload);
  letter.is_completion = true;
  return box.accept(std::move(letter));
}

// What is in the box, in order; -1 for a letter whose payload is held.
template <class Held>
Values look(windlass::DeadLetterBox<Held>& box, std::size_t limit = all) {
  Values seen;
  box.inspect(limit, [&](const windlass::DeadLetter<Held>& letter) {
    seen.push_back(letter.payload ? letter.payload->value : -1);
  });
  return seen;
}

template <class Held>
Values take(windlass::DeadLetterBox<Held>& box, std::size_t limit = all) {
  Values taken;
  box.take(limit, [&](windlass::DeadLetter<Held>&& letter) { taken.push_back(letter.payload.value().value); });
  return taken;
}

}  // namespace letters
