#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "dead_letter.hpp"
#include "result.hpp"

namespace windlass {

/// Keeps the newest dead letters in memory that is allocated once. Must outlive the queues that use it; several may.
///
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
  /// payload a hung run still holds stays. Returns how many. What `use` throws comes out; that letter is gone.
  template <class Use>
  std::size_t take(std::size_t limit, Use use) {
    std::size_t taken = 0;
    for (std::uint64_t after = 0; taken < limit; ++taken) {
      Entry* entry = claim([&](const Entry& e) { return e.state == State::full && !e.letter.is_held && e.age > after; });
      if (entry == nullptr) break;
      after = entry->age;
      DeadLetter<Payload> letter = std::move(entry->letter);
      release(*entry, State::empty);
      use(std::move(letter));
    }
    return taken;
  }

  /// Calls `look(const DeadLetter<Payload>&)` for up to `limit` letters, oldest first; they stay. A letter is out of
  /// the others' sight while it is looked at.
  template <class Look>
  std::size_t inspect(std::size_t limit, Look look) {
    std::size_t seen = 0;
    for (std::uint64_t after = 0; seen < limit; ++seen) {
      Entry* entry = claim([&](const Entry& e) { return e.state == State::full && e.age > after; });
      if (entry == nullptr) break;
      after = entry->age;
      struct Return {
        DeadLetterBox& box;
        Entry& entry;
        ~Return() { box.release(entry, State::full); }
      } back{*this, *entry};
      look(std::as_const(entry->letter));
    }
    return seen;
  }

  /// Destroys all letters; returns how many.
  std::size_t purge() {
    std::size_t purged = 0;
    while (Entry* entry = claim([](const Entry& e) { return e.state == State::full; })) {
      entry->letter = DeadLetter<Payload>{};
      release(*entry, State::empty);
      ++purged;
    }
    return purged;
  }

  /// For the queue: takes `letter`, or returns false if every place is in other hands at this moment.
  bool accept(DeadLetter<Payload>&& letter) {
    if (letter.is_completion) return complete(std::move(letter));
    Entry* entry = claim([](const Entry& e) { return e.state == State::empty; });
    if (entry == nullptr) {
      entry = claim([](const Entry& e) { return e.state == State::full; });
      if (entry == nullptr) return false;
      const std::lock_guard lock(mutex_);
      ++evicted_;
    }
    fill(*entry, std::move(letter));
    return true;
  }

 private:
  enum class State : std::uint8_t { empty, full, in_hand };
  struct Entry {
    DeadLetter<Payload> letter{};
    std::uint64_t age = 0;  // grows with each letter; 0 = never used
    State state = State::empty;
  };

  // Invariant: only the thread that moved an entry to `in_hand` touches its letter.
  template <class Wanted>
  Entry* claim(Wanted wanted) {
    const std::lock_guard lock(mutex_);
    Entry* oldest = nullptr;
    for (Entry& entry : entries_) {
      if (wanted(std::as_const(entry)) && (oldest == nullptr || entry.age < oldest->age)) oldest = &entry;
    }
    if (oldest != nullptr) {
      if (oldest->state == State::full) --size_;
      oldest->state = State::in_hand;
    }
    return oldest;
  }

  void release(Entry& entry, State state) {
    const std::lock_guard lock(mutex_);
    entry.state = state;
    if (state == State::full) ++size_;
  }

  void fill(Entry& entry, DeadLetter<Payload>&& letter) {
    struct Undo {
      DeadLetterBox& box;
      Entry& entry;
      State state;
      ~Undo() { box.release(entry, state); }
    } undo{*this, entry, State::empty};  // if a payload's move throws
    entry.letter = std::move(letter);
    {
      const std::lock_guard lock(mutex_);
      entry.age = ++newest_;
    }
    undo.state = State::full;
  }

  bool complete(DeadLetter<Payload>&& letter) {
    Entry* entry = claim([&](const Entry& e) { return e.state == State::full && e.letter.is_held && e.letter.id == letter.id; });
    if (entry == nullptr) return true;  // evicted or purged: the payload goes with `letter`
    entry->letter.payload = std::move(letter.payload);
    entry->letter.is_held = false;
    release(*entry, State::full);
    return true;
  }

  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
  std::size_t size_ = 0;
  std::uint64_t evicted_ = 0;
  std::uint64_t newest_ = 0;
};

}  // namespace windlass
