#pragma once

#include <bit>
#include <cstdint>

#include "atomics.hpp"

namespace windlass::detail {

/// A lock-free multi-producer multi-consumer FIFO of slot numbers.
///
/// After Nikolaev, "A Scalable, Portable, and Memory-Efficient Lock-Free FIFO Queue" (DISC 2019), the naive
/// circular queue (NCQ). Deviation: a cell packs `{lap:32 | index:32}` where the paper keeps the cycle in the bits
/// above the index, and laps start at 1, so that untouched zero pages are cells that no lap has filled.
///
/// Second deviation: the tail lags. It is moved once in `stride` pushes, and a push looks for the first cell behind it
/// that is not filled. So a push changes one shared line and not two, the cell's, which it must have anyway.
///
/// Requirement: never holds more numbers than it has cells. windlass gives each ring at least as many cells as
/// there are slots, and a number is at most once in a ring; overfilling corrupts silently. Because of it consumers
/// never write cells.
///
/// Progress: push and pop are lock-free in the strict sense; a thread stopped anywhere inside delays nobody.
/// Linearizable: `no_slot` means that the ring was empty at some moment during the call.
///
/// Wrap: a lap ends after `cells` pushes, and a stopped thread is misled only if exactly 2^32 laps pass meanwhile:
/// with 1,024 cells, 4.4e12 pushes, over 12 hours at 100 million a second.
template <class Policy = StdAtomics, std::uint64_t stride = 8>  // cells on a line
class IndexRing {
 public:
  using Cell = typename Policy::template Atomic<std::uint64_t>;

  static constexpr std::uint32_t min_cells = 1024;
  static constexpr std::uint64_t no_end = ~std::uint64_t{0};

  /// Cells needed for `count` numbers: a power of two, at least `min_cells`.
  [[nodiscard]] static constexpr std::uint64_t cells_for(std::uint32_t count) noexcept {
    return std::bit_ceil(std::uint64_t{count < min_cells ? min_cells : count});
  }

  /// `cells` are `count` zeroed cells, owned by the caller; `count` is a power of two.
  IndexRing(Cell* cells, std::uint64_t count) noexcept
      : cells_(cells), mask_(count - 1), shift_(static_cast<unsigned>(std::countr_zero(count))) {}

  IndexRing(const IndexRing&) = delete;
  IndexRing& operator=(const IndexRing&) = delete;

  /// Adds `index` at the back. Lock-free; any thread.
  void push(std::uint32_t index) noexcept {
    for (;;) {
      Policy::probe("ring.push.tail");
      const std::uint64_t tail = tail_.load(std::memory_order_acquire);  // [ring.helped] acquire, pairs with advance()
      if (fill_first(tail, index)) return;
      advance(tail, "ring.push.help");  // who filled the last cell has not moved the tail yet, or our view of it is old
    }
  }

  /// Takes the number at the front, or `no_slot` when empty, or when all before position `end` are gone. Lock-free; any
  /// thread.
  [[nodiscard]] std::uint32_t pop(std::uint64_t end = no_end) noexcept {
    return pop_if([] { return true; }, [](std::uint64_t) {}, end);
  }

  /// The same, but `no_slot` also if `may()` says no. It is asked once the number has been seen, and so knows of
  /// whatever was written before that number was pushed. `popped(position)` is a hint where that number was.
  template <class May, class Popped>
  [[nodiscard]] std::uint32_t pop_if(May may, Popped popped, std::uint64_t end = no_end) noexcept {
    Policy::probe("ring.pop.head");
    std::uint64_t head = head_.load(std::memory_order_seq_cst);
    for (;;) {
      Policy::probe("ring.pop.cell");
      // [ring.filled] acquire, pairs with push(). seq_cst: the look of a worker that is about to park [park.look].
      const std::uint64_t seen = cells_[head & mask_].load(std::memory_order_seq_cst);
      const std::uint32_t lap = lap_of(head);
      if (head >= end) return no_slot;
      if (high_half(seen) == lap) {
        if (!may()) return no_slot;
        Policy::probe("ring.pop.take");
        if (head_.compare_exchange_weak(head, head + 1, std::memory_order_seq_cst, std::memory_order_seq_cst)) {
          hint<Policy>([&] { popped(head); });
          return low_half(seen);
        }
        hint<Policy>([&] {  // one who takes several in a row gets along faster than two who take turns
          if (is_filled(head + deep)) stand_back();
        });
        continue;
      }
      if (high_half(seen) == lap - 1) return no_slot;  // the previous lap: nothing was pushed here
      Policy::probe("ring.pop.head");
      head = head_.load(std::memory_order_seq_cst);  // a later lap: head moved on while we looked
    }
  }

  /// A hint that the caller will pop soon: the line of the front is fetched meanwhile.
  void will_pop() const noexcept {
    hint<Policy>([&] { will_write(&head_); });
  }

  /// Whether a pop would find nothing now. One seq_cst look, as [park.look] needs it. Lock-free.
  [[nodiscard]] bool empty() const noexcept { return empty_at() != no_end; }

  /// The position that the next number will get, if a pop would find nothing now; else `no_end`. Looks that find the
  /// same position twice have found a ring that was empty all the time between. Lock-free.
  [[nodiscard]] std::uint64_t empty_at() const noexcept {
    for (;;) {
      const std::uint64_t head = head_.load(std::memory_order_seq_cst);
      const std::uint32_t found = high_half(cells_[head & mask_].load(std::memory_order_seq_cst));
      if (found == lap_of(head)) return no_end;
      if (found == lap_of(head) - 1) return head;
    }
  }

  // What follows is for people and limits, all relaxed: no payload is read through it, and by coherence each sees at
  // least what every call that happened before it left behind.

  /// The position of the number that comes next.
  [[nodiscard]] std::uint64_t front() const noexcept { return head_.load(std::memory_order_relaxed); }

  /// The number at `position`, from the front on, or `no_slot` if there is none; outdated as soon as it is returned.
  [[nodiscard]] std::uint32_t peek(std::uint64_t position) const noexcept {
    const std::uint64_t seen = cells_[position & mask_].load(std::memory_order_relaxed);
    return high_half(seen) == lap_of(position) ? low_half(seen) : no_slot;
  }

  /// The position behind the last number that was pushed.
  [[nodiscard]] std::uint64_t end() const noexcept {
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    std::uint64_t position = tail;
    while (position != tail + stride && is_filled(position)) ++position;
    return position;
  }

  /// How many numbers are in the ring; exact when no other call is in progress.
  [[nodiscard]] std::uint64_t size_approx() const noexcept {
    const std::uint64_t head = front();
    const std::uint64_t tail = end();
    return tail > head ? tail - head : 0;
  }

 private:
  using Position = typename Policy::template Atomic<std::uint64_t>;

  // With fewer numbers than this behind the front, who stands back might find none left and have waited for nothing.
  static constexpr std::uint64_t deep = 16;

  [[nodiscard]] bool is_filled(std::uint64_t position) const noexcept {
    return high_half(cells_[position & mask_].load(std::memory_order_relaxed)) == lap_of(position);
  }

  [[nodiscard]] std::uint32_t lap_of(std::uint64_t position) const noexcept {
    return static_cast<std::uint32_t>(position >> shift_) + 1;
  }

  // Puts `index` into the first of the `stride` cells from `tail` on that this lap has not filled; false if there is
  // none.
  [[nodiscard]] bool fill_first(std::uint64_t tail, std::uint32_t index) noexcept {
    for (std::uint64_t position = tail; position != tail + stride; ++position) {
      const std::uint32_t lap = lap_of(position);
      Cell& cell = cells_[position & mask_];
      Policy::probe("ring.push.cell");
      // [ring.filled] acquire: helping passes it on. seq_cst, for an acquire of a seq_cst store is not enough to come
      // after it in the total order (it does not strongly happen before): [park.publish] of who pushes behind it.
      std::uint64_t seen = cell.load(std::memory_order_seq_cst);
      if (high_half(seen) != lap - 1) continue;
      Policy::probe("ring.push.fill");
      // [ring.filled] release, read by the acquire in pop(): whoever sees this lap also sees what was written before
      // the push, the payload first of all. seq_cst: also [park.publish]; the failure, by a fill, is a load as above.
      if (cell.compare_exchange_strong(seen, pack(lap, index), std::memory_order_seq_cst, std::memory_order_seq_cst)) {
        if (position + 1 == tail + stride) advance(tail, "ring.push.advance");
        return true;
      }
      hint<Policy>(stand_back);  // two that take turns at each cell of a line send it to and fro at each
    }
    return false;
  }

  // All cells from `tail` on are filled, `stride` of them.
  void advance(std::uint64_t tail, const char* site) noexcept {
    Policy::probe(site);
    // [ring.helped] release: the next producer must see the cells as filled. A failure means somebody helped.
    tail_.compare_exchange_strong(tail, tail + stride, std::memory_order_release, std::memory_order_relaxed);
  }

  Cell* const cells_;
  const std::uint64_t mask_;
  const unsigned shift_;
  alignas(cache_line) Position head_{0};
  alignas(cache_line) Position tail_{0};
};

}  // namespace windlass::detail
