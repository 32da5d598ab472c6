#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "total_order.hpp"

namespace interleave {

/// A vector clock: of each thread's doings, how much its owner knows to have happened before; and which of its seq_cst
/// operations come before its owner's next one.
struct Clock {
  std::array<std::uint32_t, max_threads> ticks{};
  Ordered ordered{};

  void join(const Clock& other) noexcept {
    for (std::size_t i = 0; i < max_threads; ++i) {
      ticks[i] = std::max(ticks[i], other.ticks[i]);
      ordered[i] = std::max(ordered[i], other.ordered[i]);
    }
  }
};

/// For each location the oldest store that may still be read. Locations beyond the end: the first.
using View = std::vector<std::uint32_t>;

inline void raise(View& view, std::size_t at, std::uint32_t to) {
  if (at >= view.size()) view.resize(at + 1);
  view[at] = std::max(view[at], to);
}

inline void join(View& view, const std::uint32_t* other, std::size_t size) {
  if (view.size() < size) view.resize(size);
  for (std::size_t i = 0; i < size; ++i) view[i] = std::max(view[i], other[i]);
}

[[nodiscard]] inline bool acquires(std::memory_order order) noexcept {
  return order == std::memory_order_acquire || order == std::memory_order_acq_rel || order == std::memory_order_seq_cst;
}
[[nodiscard]] inline bool releases(std::memory_order order) noexcept {
  return order == std::memory_order_release || order == std::memory_order_acq_rel || order == std::memory_order_seq_cst;
}

/// What one thread has seen.
struct Observer {
  std::size_t number = 0;
  View view;
  Clock clock;
  Ordered before_read{};              // `clock.ordered` before its last read
  std::vector<std::uint8_t> rereads;  // per location: how often the same outdated store was read in a row

  /// The clock moves on after everything that others can learn of, so that what follows is not covered by it.
  void tick() noexcept { ++clock.ticks[number]; }
};

/// The memory of one schedule: each location keeps all its stores in modification order, and each store says what
/// whoever acquires it learns.
///
/// Follows [intro.races] and [atomics.order] of C++20, with these limits: a store goes to the end of its location's
/// modification order; a load reads only what was stored before (no load buffering); the total order S of seq_cst
/// operations is the order in which they are executed, unless `seq` is `any`. All three leave out executions, none adds
/// one.
class Memory {
 public:
  using Location = std::uint32_t;

  Seq seq = Seq::as_executed;

  void reset() {
    locations_.resize(std::max<std::size_t>(locations_.size(), 1));
    used_ = 1;
    views_.clear();
    total_order_.reset();
  }

  /// A new location; never 0. Made by nobody: everybody may use it.
  [[nodiscard]] Location add(std::uint64_t initial) {
    if (used_ == locations_.size()) locations_.emplace_back();
    Cell& cell = locations_[used_];
    cell.maker = cell.made_at = 0;
    cell.stores.clear();
    cell.stores.push_back({initial, 0, 0, {}});
    cell.in_total_order = 0;
    cell.history.clear();
    return static_cast<Location>(used_++);
  }

  /// A new location that `maker` has made: to make it is a plain write.
  [[nodiscard]] Location add(std::uint64_t initial, const Observer& maker) {
    const Location at = add(initial);
    locations_[at].maker = maker.number;
    locations_[at].made_at = maker.clock.ticks[maker.number];
    return at;
  }

  /// Whether `at` was made before whatever `who` does next.
  [[nodiscard]] bool is_made(Location at, const Observer& who) const noexcept {
    return who.clock.ticks[locations_[at].maker] >= locations_[at].made_at;
  }

  [[nodiscard]] std::uint32_t newest(Location at) const noexcept {
    return static_cast<std::uint32_t>(locations_[at].stores.size()) - 1;
  }

  [[nodiscard]] std::uint64_t value(Location at, std::uint32_t index) const noexcept {
    return locations_[at].stores[index].value;
  }

  /// The oldest store that a load by `who` may return. A seq_cst load must fit into S: if that is the order of
  /// execution, it sees at least what the last seq_cst operation on this location read or wrote. And stores become
  /// visible in finite time: no endless reading of the same old one.
  [[nodiscard]] std::uint32_t oldest(Location at, const Observer& who, std::memory_order order) const noexcept {
    std::uint32_t index = at < who.view.size() ? who.view[at] : 0;
    if (at < who.rereads.size() && who.rereads[at] >= patience && index < newest(at)) ++index;
    if (order != std::memory_order_seq_cst) return index;
    const Cell& cell = locations_[at];
    while (index < cell.in_total_order && (seq == Seq::as_executed || total_order_.is_full() ||
                                           !total_order_.fits(cell.history, reading(index), who.clock.ordered))) {
      ++index;
    }
    return index;
  }

  void read(Location at, std::uint32_t index, Observer& who, std::memory_order order) {
    if (at >= who.rereads.size()) who.rereads.resize(at + 1);
    const std::uint32_t before = at < who.view.size() ? who.view[at] : 0;
    const bool is_old = index == before && index < newest(at);
    who.rereads[at] = static_cast<std::uint8_t>(is_old ? who.rereads[at] + 1 : 0);
    raise(who.view, at, index);
    who.before_read = who.clock.ordered;
    const Store& store = locations_[at].stores[index];
    if (acquires(order)) {
      join(who.view, views_.data() + store.view, store.view_size);
      who.clock.join(store.clock);
    }
    note_total_order(at, index, reading(index), who, who.before_read, order);
  }

  /// A store; one that `replaces` the newest is the second half of a read-modify-write and continues its release
  /// sequence: whoever acquires it also learns what that store told.
  void write(Location at, std::uint64_t value, Observer& who, std::memory_order order, bool replaces) {
    raise(who.view, at, newest(at) + 1);
    Store next{value, 0, 0, {}};
    if (replaces) {
      const Store& replaced = locations_[at].stores.back();
      next.view = replaced.view;
      next.view_size = replaced.view_size;
      next.clock = replaced.clock;
    }
    if (releases(order)) {
      scratch_ = who.view;
      join(scratch_, views_.data() + next.view, next.view_size);
      next.view = views_.size();
      next.view_size = scratch_.size();
      views_.insert(views_.end(), scratch_.begin(), scratch_.end());
      next.clock.join(who.clock);
    }
    locations_[at].stores.push_back(next);
    note_total_order(at, newest(at), writing(newest(at)), who, replaces ? who.before_read : who.clock.ordered, order);
    who.tick();
  }

 private:
  static constexpr std::uint8_t patience = 3;

  struct Store {
    std::uint64_t value;
    std::size_t view;  // where its message's view starts in `views_`
    std::size_t view_size;
    Clock clock;
  };
  struct Cell {
    std::size_t maker = 0;
    std::uint32_t made_at = 0;
    std::vector<Store> stores;
    std::uint32_t in_total_order = 0;  // the last store that a seq_cst operation read or wrote
    TotalOrder::History history;
  };

  [[nodiscard]] static constexpr std::uint32_t writing(std::uint32_t store) noexcept { return 2 * store; }
  [[nodiscard]] static constexpr std::uint32_t reading(std::uint32_t store) noexcept { return 2 * store + 1; }

  // [atomics.order]/4 binds a seq_cst load only by seq_cst operations on its own location and by what happens before
  // it: nothing else that an earlier seq_cst operation's thread did becomes visible by the order alone. A store tells
  // only what came before it, so it is itself noted afterwards.
  void note_total_order(Location at, std::uint32_t index, std::uint32_t place, Observer& who, const Ordered& known,
                        std::memory_order order) {
    if (order != std::memory_order_seq_cst) return;
    locations_[at].in_total_order = std::max(locations_[at].in_total_order, index);
    if (seq == Seq::as_executed || total_order_.is_full()) return;
    total_order_.add(locations_[at].history, place, who.number, known);
    ++who.clock.ordered[who.number];
  }

  std::vector<Cell> locations_;
  std::size_t used_ = 1;
  TotalOrder total_order_;
  View views_;  // one after the other
  View scratch_;
};

}  // namespace interleave
