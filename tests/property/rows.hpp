#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "windlass/detail/job/slot_word.hpp"
#include "windlass/detail/machines/atomics.hpp"

namespace property {

/// Which rows of the transition table the control words took, read off the words themselves: the atomics policy sees
/// every change of one. Rows that look alike in the word are told apart by what this thread is about.
class Rows {
 public:
  static constexpr std::array<std::string_view, 22> names{"1",  "2",  "3",  "3a", "4",  "5",    "5a",  "6",
                                                          "6a", "6b", "7",  "8",  "8a", "9a",   "9a'", "9b",
                                                          "9c", "9d", "10", "11", "12", "renew"};

  /// While it lives, this thread cancels, or ends what a shutdown left over.
  enum class Business : std::uint8_t { usual, cancel, shutdown };
  class About {
   public:
    explicit About(Business business) : before_(business_) { business_ = business; }
    About(const About&) = delete;
    About& operator=(const About&) = delete;
    ~About() { business_ = before_; }

   private:
    const Business before_;
  };

  static std::uint64_t hits(std::size_t row) noexcept { return hits_[row].load(std::memory_order_relaxed); }

  /// A control word went from `before` to `after`.
  static void note(std::uint64_t before, std::uint64_t after) noexcept {
    const std::string_view row = row_of({before}, {after});
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (names[i] == row) hits_[i].fetch_add(1, std::memory_order_relaxed);
    }
  }

 private:
  using View = windlass::detail::SlotView;
  using State = windlass::detail::State;

  static std::string_view row_of(View before, View after) noexcept {
    const State to = after.state();
    if (before.state() == to) {
      if (before.stamp() != after.stamp()) return "renew";
      return after.holders() < before.holders() ? "11" : "";  // the rest marks a cancel
    }
    switch (before.state()) {
      case State::free:
        return "1";
      case State::ready:
        if (to == State::leased) return "2";
        if (to == State::stalled) return "6b";
        return left(to, "9a'");
      case State::waiting:
        if (to == State::ready) return "7";
        return left(to, "9a");
      case State::leased:
        if (to == State::done) return after.cancel() ? "" : "3";
        if (to == State::settling) return "3a";
        if (to == State::expired) return "6";
        return to == State::committing ? "8" : "6b";
      case State::settling:
        return to == State::stalled ? "6b" : "4";
      case State::committing:
        return "8a";
      case State::expired:
        return to == State::settling ? "6a" : "9b";
      case State::stalled:
        if (to == State::settling) return "12";
        return left(to, "9c");
      case State::done:
        return "10";
      case State::dead:
        return to == State::kept ? "5" : "10";
      case State::kept:
        return "5a";
    }
    return "";
  }

  static std::string_view left(State to, std::string_view if_cancelled) noexcept {
    if (business_ == Business::shutdown || to == State::dead) return "9d";
    return business_ == Business::cancel ? if_cancelled : "9b";
  }

  static inline thread_local Business business_ = Business::usual;
  static inline std::array<std::atomic<std::uint64_t>, names.size()> hits_{};
};

/// Atomics that tell Rows of every change of a control word; its sites are probed just before the access.
struct CountedAtomics {
  enum class Next : std::uint8_t { other, swap, store };
  static inline thread_local Next next = Next::other;

  template <class T>
  struct Atomic : std::atomic<T> {
    using std::atomic<T>::atomic;
    using std::atomic<T>::compare_exchange_weak, std::atomic<T>::store;

    bool compare_exchange_weak(T& seen, T wanted, std::memory_order good, std::memory_order bad) noexcept {
      const T before = seen;
      const bool changed = std::atomic<T>::compare_exchange_weak(seen, wanted, good, bad);
      if constexpr (std::is_same_v<T, std::uint64_t>) {
        if (next == Next::swap && changed) Rows::note(before, wanted);
        next = Next::other;
      }
      return changed;
    }
    void store(T wanted, std::memory_order order) noexcept {
      if constexpr (std::is_same_v<T, std::uint64_t>) {
        if (next == Next::store) Rows::note(std::atomic<T>::load(std::memory_order_relaxed), wanted);
        next = Next::other;
      }
      std::atomic<T>::store(wanted, order);
    }
  };

  static void probe(const char* site) noexcept {
    const std::string_view name = site;
    next = name == "word.swap" ? Next::swap : name == "word.store" ? Next::store : Next::other;
  }
};

}  // namespace property
