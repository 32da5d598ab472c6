#pragma once

#include <utility>

#include "execution.hpp"

namespace interleave {

/// Fails the schedule unless `claim` holds. In any thread of a schedule; Catch2's own macros are for the code around.
inline void check(bool claim, const char* text) {
  if (!claim) Execution::now().fail(text);
}

/// Plain memory, a payload for example: an access that does not happen after the last conflicting one fails the
/// schedule, whatever the order in which they came this time.
template <class T>
class checked {
 public:
  checked() : checked(T{}) {}
  explicit checked(T value) : value_(std::move(value)) { note_write(); }
  checked(const checked&) = delete;
  checked& operator=(const checked&) = delete;

  [[nodiscard]] const T& get() const {
    Observer& me = Execution::now().seen();
    check(me.clock.ticks[writer_] >= written_, "data race: a read that does not happen after the last write");
    readers_.ticks[me.number] = me.clock.ticks[me.number];
    return value_;
  }

  void set(T value) {
    Observer& me = Execution::now().seen();
    check(me.clock.ticks[writer_] >= written_, "data race: a write that does not happen after the last write");
    for (std::size_t i = 0; i < max_threads; ++i) {
      check(me.clock.ticks[i] >= readers_.ticks[i], "data race: a write that does not happen after the last read");
    }
    value_ = std::move(value);
    note_write();
  }

 private:
  void note_write() {
    Observer& me = Execution::now().seen();
    writer_ = me.number;
    written_ = me.clock.ticks[me.number];
    readers_ = {};
  }

  T value_;
  std::size_t writer_ = 0;
  std::uint32_t written_ = 0;
  mutable Clock readers_;
};

}  // namespace interleave
