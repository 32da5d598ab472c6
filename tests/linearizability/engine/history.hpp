#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace linearizability {

/// A moment, in the order of one counter that all threads share.
using Stamp = std::uint64_t;
inline constexpr Stamp never = ~Stamp{0};

/// Gives stamps to the two ends of a call.
///
/// Sound: begin() comes before the first access of a call and end() after its last one, so the recorded interval
/// contains the real one, and two calls that really met are never recorded as one after the other. And where one is
/// recorded after another (end() gave the lower stamp), it really was: its begin() read the counter as that end() or a
/// later read-modify-write left it, which acquires what the end() released. So the first call happens before the second
/// in the sense of C++ too, and whatever the second does not know of it is a fault of the object. Nothing more is
/// ordered: begin() releases nothing and end() acquires nothing, so that the recorder hides no missing edge between
/// calls that meet.
class Stamps {
 public:
  [[nodiscard]] Stamp begin() noexcept { return next_.fetch_add(1, std::memory_order_acquire); }
  [[nodiscard]] Stamp end() noexcept { return next_.fetch_add(1, std::memory_order_release); }

 private:
  std::atomic<Stamp> next_{0};
};

/// One step of a call, and when it took place: after `begun`, before `ended`; or perhaps never, if `ended` is `never`.
///
/// Most calls are one step. One that does several things, each at once but not all together, is several steps in order,
/// of which any may take place anywhere within the call.
template <class Op>
struct Entry {
  Op op{};
  Stamp begun = 0;
  Stamp ended = never;
  bool goes_on = false;  // a further step of the call that the entry before belongs to
};

/// What one thread did, in order. Only that thread writes it; room is made beforehand.
template <class Op>
using Log = std::vector<Entry<Op>>;

/// What all threads did.
template <class Op>
using History = std::vector<Log<Op>>;

/// How many calls there were, and how many of these met a call of another thread.
struct Overlap {
  std::size_t calls = 0;
  std::size_t meeting = 0;

  Overlap& operator+=(Overlap other) noexcept {
    calls += other.calls;
    meeting += other.meeting;
    return *this;
  }
};

/// How many calls of threads other than `thread` have an end in common with, or lie around, [begun, ended].
template <class Op>
[[nodiscard]] std::size_t threads_meeting(const History<Op>& history, std::size_t thread, Stamp begun, Stamp ended) {
  std::size_t meeting = 0;
  for (std::size_t other = 0; other < history.size(); ++other) {
    if (other == thread) continue;
    meeting += std::any_of(history[other].begin(), history[other].end(),
                           [&](const Entry<Op>& entry) { return entry.begun < ended && begun < entry.ended; });
  }
  return meeting;
}

template <class Op>
[[nodiscard]] Overlap overlap_of(const History<Op>& history) {
  Overlap overlap;
  for (std::size_t thread = 0; thread < history.size(); ++thread) {
    const Log<Op>& log = history[thread];
    for (std::size_t first = 0, last = 0; first < log.size(); first = last + 1) {
      for (last = first; last + 1 < log.size() && log[last + 1].goes_on;) ++last;
      ++overlap.calls;
      if (threads_meeting(history, thread, log[first].begun, log[last].ended) > 0) ++overlap.meeting;
    }
  }
  return overlap;
}

}  // namespace linearizability
