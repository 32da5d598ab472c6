#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace interleave {

inline constexpr std::size_t max_threads = 8;

/// Of each thread, how many of its seq_cst operations come before something in every order S that is possible.
using Ordered = std::array<std::uint16_t, max_threads>;

/// Which total orders S of the seq_cst operations are tried.
enum class Seq : std::uint8_t {
  as_executed,  ///< The order of execution only: a body may check what it finds against plain variables.
  any,          ///< Every one that C++20 allows, for bodies that learn of other threads by what is under test alone.
};

/// What is known of S, the single total order of all seq_cst operations of a schedule: a graph of what comes before
/// what. S need not be the order in which they are executed; it must only exist, that is, the graph has no cycle.
///
/// [atomics.order]/4 of C++20: what strongly happens before something comes before it in S (`Ordered`), and so does
/// what is coherence-ordered before it (places in a location's history). Beyond `capacity` operations, those to come
/// are taken to be the last ones in S.
class TotalOrder {
 public:
  using Node = std::uint16_t;
  static constexpr std::size_t capacity = 192;

  /// A seq_cst operation on a location. Its place: 2n for the writing of store n, 2n + 1 for a reading of it.
  struct Event {
    std::uint32_t place;
    Node node;
  };
  using History = std::vector<Event>;

  void reset() noexcept {
    count_ = 0;
    for (std::vector<Node>& nodes : of_thread_) nodes.clear();
  }

  [[nodiscard]] bool is_full() const noexcept { return count_ == capacity; }

  /// Whether an operation at `place` that comes after `known` fits into S: nothing at a later place comes before that.
  [[nodiscard]] bool fits(const History& history, std::uint32_t place, const Ordered& known) const noexcept {
    for (const Event& event : history) {
      if (event.place > place && comes_before(event.node, known)) return false;
    }
    return true;
  }

  /// Adds such an operation, of `thread`.
  void add(History& history, std::uint32_t place, std::size_t thread, const Ordered& known) {
    const auto node = static_cast<Node>(count_++);
    Set before;
    Set& after = after_[node];
    after.reset();
    for (std::size_t i = 0; i < max_threads; ++i) {
      if (known[i] != 0) before.set(of_thread_[i][known[i] - 1U]);
    }
    for (const Event& event : history) {
      if (event.place < place) before.set(event.node);
      if (event.place > place) (after |= after_[event.node]).set(event.node);
    }
    for (std::size_t i = 0; i < node; ++i) {
      if (before.test(i) || (after_[i] & before).any()) (after_[i] |= after).set(node);
    }
    history.push_back({place, node});
    of_thread_[thread].push_back(node);
  }

 private:
  using Set = std::bitset<capacity>;

  [[nodiscard]] bool comes_before(Node node, const Ordered& known) const noexcept {
    for (std::size_t i = 0; i < max_threads; ++i) {
      if (known[i] == 0) continue;
      const Node last = of_thread_[i][known[i] - 1U];
      if (last == node || after_[node].test(last)) return true;
    }
    return false;
  }

  std::array<Set, capacity> after_;
  std::array<std::vector<Node>, max_threads> of_thread_;
  std::size_t count_ = 0;
};

}  // namespace interleave
