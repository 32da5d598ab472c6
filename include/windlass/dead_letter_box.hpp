#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "dead_letter.hpp"
#include "result.hpp"

namespace windlass {

/// Keeps the newest dead letters in memory that is allocated once. Must outlive the queues that use it; several may.
///
/// A payload whose move may throw gets twice the memory, so that one that fails to move in costs no other its place.
/// Every call is safe from any thread. Payloads are moved and destroyed, and callbacks called, with no lock held.
template <class Payload>
class DeadLetterBox {
 public:
  /// Room for `capacity` letters, at least 1; when full, the oldest makes room and is counted as evicted.
  explicit DeadLetterBox(std::size_t capacity = 1024) : entries_(capacity) {
    if (capacity < 1) detail::throw_config("capacity", "must be at least 1");
  }
  DeadLetterBox(const DeadLetterBox&) = delete;
  DeadLetterBox& operator=(const DeadLetterBox&) = delete;

  /// Letters in the box. O(1).
  [[nodiscard]] std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return size_;
  }

  /// Letters that made room for newer ones.
  [[nodiscard]] std::uint64_t evicted() const {
    const std::lock_guard lock(mutex_);
    return evicted_;
  }

  /// Takes up to `limit` letters out, oldest first, and calls `use(DeadLetter<Payload>&&)` for each. A letter whose
  /// payload a hung run still holds stays, and so do letters that come meanwhile. Returns how many. What `use` throws
  /// comes out, and that letter is gone; what moving a payload throws comes out too, and that letter stays.
  template <class Use>
  std::size_t take(std::size_t limit, Use use) {
    const std::uint64_t last = newest();
    std::size_t taken = 0;
    for (std::uint64_t after = 0; taken < limit; ++taken) {
      Entry* entry = claim(State::in_hand, [&](const Entry& e) {
        return e.state == State::full && !e.letter()->is_held && e.age > after && e.age <= last;
      });
      if (entry == nullptr) break;
      after = entry->age;
      std::optional<Hold> hold(std::in_place, *this, *entry, State::full);  // if the payload's move throws
      DeadLetter<Payload> letter(std::move(*entry->letter()));              // not by return: that may move it again
      entry->letter().reset();
      hold->then = State::empty;
      hold.reset();
      use(std::move(letter));
    }
    return taken;
  }

  /// Calls `look(const DeadLetter<Payload>&)` for up to `limit` letters, oldest first; they stay. A letter is out of
  /// the others' sight while it is looked at. Letters that come meanwhile are left out.
  template <class Look>
  std::size_t inspect(std::size_t limit, Look look) {
    const std::uint64_t last = newest();
    std::size_t seen = 0;
    for (std::uint64_t after = 0; seen < limit; ++seen) {
      Entry* entry = claim(State::looked_at,
                           [&](const Entry& e) { return e.state == State::full && e.age > after && e.age <= last; });
      if (entry == nullptr) break;
      after = entry->age;
      const Hold hold{*this, *entry, State::full};
      look(std::as_const(*entry->letter()));
    }
    return seen;
  }

  /// Destroys all letters but those that come meanwhile; returns how many.
  std::size_t purge() {
    const std::uint64_t last = newest();
    std::size_t purged = 0;
    while (Entry* entry =
               claim(State::in_hand, [&](const Entry& e) { return e.state == State::full && e.age <= last; })) {
      const Hold hold{*this, *entry, State::empty};
      entry->letter().reset();
      ++purged;
    }
    return purged;
  }

  /// For the queue: takes `letter`, or returns false if every place, or the place of the letter that this one
  /// completes, is in other hands at this moment. Throws what moving the payload throws; the box is as before then.
  bool accept(DeadLetter<Payload>&& letter) {
    if (letter.is_completion) return complete(std::move(letter));
    // One look: between two, an entry that was full could be given back empty, and the letter be refused for nothing.
    Entry* entry =
        claim(State::in_hand, [](const Entry& e) { return e.state == State::empty || e.state == State::full; });
    if (entry == nullptr) return false;
    Hold hold{*this, *entry, entry->letter() ? State::full : State::empty};  // if the payload's move throws
    const bool evicts = entry->letter().has_value();
    entry->put(std::move(letter));
    {
      const std::lock_guard lock(mutex_);
      if (evicts) ++evicted_;
      entry->age = ++newest_;
    }
    hold.then = State::full;
    return true;
  }

 private:
  enum class State : std::uint8_t { empty, full, looked_at, in_hand };
  // Two rooms where a move may throw: a new letter is in before the old one is out.
  static constexpr std::size_t rooms = std::is_nothrow_move_constructible_v<DeadLetter<Payload>> ? 1 : 2;
  struct Entry {
    std::array<std::optional<DeadLetter<Payload>>, rooms> room{};
    std::size_t lived_in = 0;
    std::uint64_t age = 0;  // grows with each letter; 0 = empty, which comes before the oldest
    State state = State::empty;

    std::optional<DeadLetter<Payload>>& letter() { return room[lived_in]; }
    const std::optional<DeadLetter<Payload>>& letter() const { return room[lived_in]; }

    // Puts `fresh` in the place of the letter that is here, if one is; that one stays if the move throws.
    void put(DeadLetter<Payload>&& fresh) {
      const std::size_t next = (lived_in + 1) % rooms;
      room[next].emplace(std::move(fresh));
      if (next != lived_in) room[lived_in].reset();
      lived_in = next;
    }
  };

  // Gives a claimed entry back, however its scope is left.
  struct Hold {
    DeadLetterBox& box;
    Entry& entry;
    State then;

    Hold(DeadLetterBox& its_box, Entry& its_entry, State after) : box(its_box), entry(its_entry), then(after) {}
    ~Hold() { box.release(entry, then); }
  };

  // Invariant: only the thread that moved an entry to `in_hand` touches its letter, and nobody changes one that is
  // `looked_at`. An `empty` entry has no letter.
  template <class Wanted>
  Entry* claim(State as, Wanted wanted) {
    const std::lock_guard lock(mutex_);
    Entry* oldest = nullptr;
    for (Entry& entry : entries_) {
      if (wanted(std::as_const(entry)) && (oldest == nullptr || entry.age < oldest->age)) oldest = &entry;
    }
    if (oldest != nullptr) {
      if (oldest->state == State::full) --size_;
      oldest->state = as;
    }
    return oldest;
  }

  void release(Entry& entry, State state) {
    const std::lock_guard lock(mutex_);
    entry.state = state;
    if (state == State::full) ++size_;
    if (state == State::empty) entry.age = 0;
  }

  [[nodiscard]] std::uint64_t newest() const {
    const std::lock_guard lock(mutex_);
    return newest_;
  }

  bool complete(DeadLetter<Payload>&& letter) {
    bool is_looked_at = false;
    Entry* entry = claim(State::in_hand, [&](const Entry& e) {
      if (e.state != State::full && e.state != State::looked_at) return false;
      if (!e.letter()->is_held || e.letter()->id != letter.id) return false;
      if (e.state == State::looked_at) is_looked_at = true;
      return e.state == State::full;
    });
    if (entry == nullptr) return !is_looked_at;  // evicted or purged: the payload goes with `letter`
    const Hold hold{*this, *entry, State::full};
    if (letter.payload) entry->letter()->payload.emplace(std::move(*letter.payload));
    entry->letter()->is_held = false;
    return true;
  }

  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
  std::size_t size_ = 0;
  std::uint64_t evicted_ = 0;
  std::uint64_t newest_ = 0;
};

}  // namespace windlass
