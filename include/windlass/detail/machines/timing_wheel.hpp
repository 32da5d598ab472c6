#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace windlass::detail {

/// One entry of a TimingWheel; all zero means not linked. Numbers are stored plus one: zero is "none".
struct WheelNode {
  std::uint32_t next = 0;
  std::uint32_t prev = 0;
  std::uint32_t bucket = 0;  // where it is linked, plus one
  std::uint64_t due = 0;     // tick

  [[nodiscard]] constexpr bool linked() const noexcept { return bucket != 0; }
};

/// A hierarchical timing wheel after Varghese and Lauck, "Hashed and Hierarchical Timing Wheels" (SOSP 1987), with
/// levels of 64 buckets and, as in tokio, a bit per bucket so that empty time is skipped, not ticked through. Ten
/// levels reach 2^60 ticks, further than 64-bit nanoseconds do in ticks of 16 ns or more: no deadline is out of reach.
///
/// Knows ticks, not clocks: whoever calls says what the tick is. Nodes are named by their index in an array that
/// the caller owns. Not thread-safe: the planner's lock covers it. Insert and remove are O(1); taking one due node
/// is O(1) amortised over its life (it moves down at most nine times).
class TimingWheel {
 public:
  static constexpr std::uint64_t never = ~std::uint64_t{0};

  explicit TimingWheel(WheelNode* nodes) noexcept : nodes_(nodes) {}

  /// Links `node`, which is not linked, to come due at tick `due`; a past tick comes due with the next take_due().
  void insert(std::uint32_t node, std::uint64_t due) noexcept {
    nodes_[node].due = due;
    ++size_;
    link(node);
  }

  /// Unlinks `node`, which is linked.
  void remove(std::uint32_t node) noexcept {
    --size_;
    unlink(node);
  }

  /// Takes one node that is due at `now`, earliest tick first and FIFO within a tick, or returns false.
  /// `now` never goes back.
  [[nodiscard]] bool take_due(std::uint64_t now, std::uint32_t& node) noexcept {
    if (now > reach) now = reach;  // the hand has no digits beyond
    for (;;) {
      const Bucket next = first();
      if (next.start > now) {
        // Nothing lies between: moving the hand over empty buckets re-links nothing.
        if (now > hand_) hand_ = now;
        return false;
      }
      if (next.start > hand_) hand_ = next.start;
      const std::uint32_t head = heads_[next.index] - 1;
      if (next.index < per_level) {
        node = head;
        remove(head);
        return true;
      }
      cascade(next.index);
    }
  }

  /// The tick at which the next node is due; `never` if there is none. Earlier only if a node was removed that shared
  /// a bucket with it: take_due() sorts that out then.
  [[nodiscard]] std::uint64_t next_due() const noexcept {
    const Bucket next = first();
    return next.start == never ? never : earliest_[next.index];
  }

  /// How many nodes are linked.
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }

 private:
  static constexpr unsigned bits = 6;
  static constexpr unsigned levels = 10;
  static constexpr std::uint32_t per_level = 1U << bits;
  static constexpr std::uint64_t reach = (std::uint64_t{1} << (bits * levels)) - 1;

  struct Bucket {
    std::uint64_t start = never;
    std::uint32_t index = 0;
  };

  // Invariant: a node of level L differs from the hand in digit L (base 64) and in no higher digit, or is due and in
  // level 0 at the hand's own digit. So every bucket of level L lies ahead of all of level L-1 and earlier.
  void link(std::uint32_t node) noexcept {
    std::uint64_t due = nodes_[node].due;
    if (due < hand_) due = hand_;
    if (due > reach) due = reach;
    const std::uint64_t differs = (due ^ hand_) | (per_level - 1);
    const unsigned level = (63U - static_cast<unsigned>(std::countl_zero(differs))) / bits;
    const auto digit = static_cast<std::uint32_t>((due >> (level * bits)) & (per_level - 1));
    const std::uint32_t index = level * per_level + digit;
    if (heads_[index] == 0 || due < earliest_[index]) earliest_[index] = due;
    append(node, index);
    occupied_[level] |= std::uint64_t{1} << digit;
  }

  void append(std::uint32_t node, std::uint32_t index) noexcept {
    WheelNode& entry = nodes_[node];
    entry.bucket = index + 1;
    entry.next = 0;
    entry.prev = tails_[index];
    (entry.prev == 0 ? heads_[index] : nodes_[entry.prev - 1].next) = node + 1;
    tails_[index] = node + 1;
  }

  void unlink(std::uint32_t node) noexcept {
    WheelNode& entry = nodes_[node];
    const std::uint32_t index = entry.bucket - 1;
    (entry.prev == 0 ? heads_[index] : nodes_[entry.prev - 1].next) = entry.next;
    (entry.next == 0 ? tails_[index] : nodes_[entry.next - 1].prev) = entry.prev;
    if (heads_[index] == 0) occupied_[index / per_level] &= ~(std::uint64_t{1} << (index % per_level));
    entry.next = entry.prev = entry.bucket = 0;
  }

  // The first occupied bucket at or after the hand. No level can hold a bucket behind it.
  [[nodiscard]] Bucket first() const noexcept {
    for (unsigned level = 0; level < levels; ++level) {
      if (occupied_[level] == 0) continue;
      const auto digit = static_cast<std::uint32_t>(std::countr_zero(occupied_[level]));
      const unsigned shift = level * bits;
      const std::uint64_t above = hand_ >> shift >> bits << bits;
      return {(above | digit) << shift, level * per_level + digit};
    }
    return {};
  }

  void cascade(std::uint32_t index) noexcept {
    while (heads_[index] != 0) {
      const std::uint32_t node = heads_[index] - 1;
      unlink(node);
      link(node);
    }
  }

  WheelNode* const nodes_;
  std::uint64_t hand_ = 0;
  std::uint32_t size_ = 0;
  std::array<std::uint64_t, levels> occupied_{};
  std::array<std::uint64_t, levels * per_level> earliest_{};  // of the nodes of a bucket since it was last empty
  std::array<std::uint32_t, levels * per_level> heads_{};
  std::array<std::uint32_t, levels * per_level> tails_{};
};

}  // namespace windlass::detail
