#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "dead_letter.hpp"
#include "detail/machines/linked_list.hpp"
#include "detail/machines/replaceable.hpp"
#include "job_id.hpp"
#include "result.hpp"

namespace windlass {

/// Keeps the newest dead letters in memory that is allocated once. Must outlive the queues that use it; several may.
///
/// A payload whose move may throw gets twice the memory, so that one that fails to move in costs no other its place.
/// Every call is safe from any thread. Payloads are moved and destroyed, and callbacks called, with no lock held.
/// "O(1)" does not count the letters that other calls have in their hands at that moment: each is one step more.
template <class Payload>
class DeadLetterBox {
 public:
  /// Room for `capacity` letters; when full, the oldest makes room and is counted as evicted. Throws ConfigError for 0,
  /// and std::bad_alloc. O(capacity).
  explicit DeadLetterBox(std::size_t capacity = 1024) : entries_(capacity) {
    if (capacity < 1) detail::throw_config("capacity", "must be at least 1");
    for (Entry& entry : entries_) free_.append(entry);
  }
  DeadLetterBox(const DeadLetterBox&) = delete;
  DeadLetterBox& operator=(const DeadLetterBox&) = delete;

  /// Letters in the box. O(1).
  [[nodiscard]] std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return size_;
  }

  /// Letters that made room for newer ones. O(1).
  [[nodiscard]] std::uint64_t evicted() const {
    const std::lock_guard lock(mutex_);
    return evicted_;
  }

  /// Takes up to `limit` letters out, oldest first, and calls `use(DeadLetter<Payload>&&)` for each. A letter whose
  /// payload a hung run still holds stays, and so do letters that come meanwhile. Returns how many. What `use` throws
  /// comes out, and that letter is gone; what moving a payload throws comes out too, and that letter stays.
  /// O(1) for each letter, and a step for each older one that came back or was completed since this call passed it.
  template <class Use>
  std::size_t take(std::size_t limit, Use use) {
    const std::uint64_t last = newest();
    std::size_t taken = 0;
    for (std::uint64_t after = 0; taken < limit; ++taken) {
      Hold hold{*this, claim_oldest(whole_, State::in_hand, after, last)};
      if (hold.entry == nullptr) break;
      after = hold.entry->age;
      DeadLetter<Payload> letter(std::move(*hold.entry->letter));  // not by return: that may move it again
      hold.vacate();
      use(std::move(letter));
    }
    return taken;
  }

  /// Calls `look(const DeadLetter<Payload>&)` for up to `limit` letters, oldest first; they stay. A letter is out of
  /// the others' sight while it is looked at. Letters that come meanwhile are left out. Returns how many. What `look`
  /// throws comes out, and all letters stay. O(1) for each letter.
  template <class Look>
  std::size_t inspect(std::size_t limit, Look look) {
    const std::uint64_t last = newest();
    std::size_t seen = 0;
    for (Hold hold{*this}; seen < limit && hold.move_on(last); ++seen) look(std::as_const(*hold.entry->letter));
    return seen;
  }

  /// Destroys all letters but those that come meanwhile; returns how many. O(1) for each letter.
  std::size_t purge() {
    const std::uint64_t last = newest();
    for (std::size_t purged = 0;; ++purged) {
      Hold hold{*this, claim_oldest(letters_, State::going, 0, last)};
      if (hold.entry == nullptr) return purged;
      hold.vacate();
    }
  }

  /// For the queue: takes `letter`, or returns false if every place, or the place of the letter that this one
  /// completes, is in other hands at this moment. Throws what moving the payload throws, and then the box is as it was.
  /// O(1); for a letter that completes another, O(letters in the box).
  bool accept(DeadLetter<Payload>&& letter) {
    if (letter.is_completion) return complete(std::move(letter));
    Hold hold{*this, claim_place()};
    if (hold.entry == nullptr) return false;
    const std::optional<JobId> awaits = letter.is_held ? std::optional(letter.id) : std::nullopt;
    hold.entry->letter.put(std::move(letter));
    const std::lock_guard lock(mutex_);
    if (hold.entry->age != 0) {
      unlink(*hold.entry);
      ++evicted_;
    }
    hold.entry->age = ++newest_;
    hold.entry->awaits = awaits;
    letters_.append(*hold.entry);
    if (!awaits) whole_.append(*hold.entry);
    give_back(*std::exchange(hold.entry, nullptr));
    return true;
  }

 private:
  using Letter = detail::Replaceable<DeadLetter<Payload>>;

  enum class State : std::uint8_t {
    here,     // in nobody's hands
    in_hand,  // one call has it, which may give it back as it was
    going,    // the same, but the letter that is here now will be gone
  };

  struct Entry {
    Letter letter{};
    detail::Links<Entry> by_age{};  // in `free_` or `letters_`
    detail::Links<Entry> whole{};   // in `whole_`
    std::uint64_t age = 0;          // grows with each letter; 0 = in no list of letters
    std::optional<JobId> awaits{};  // whose payload a hung run holds
    State state = State::here;
  };

  // An entry in this call's hands, or none; it goes back to its place however the scope is left.
  struct Hold {
    DeadLetterBox& box;
    Entry* entry = nullptr;

    ~Hold() {
      if (entry == nullptr) return;
      const std::lock_guard lock(box.mutex_);
      box.give_back(*entry);
    }

    // Destroys the letter and frees its place.
    void vacate() {
      entry->letter.reset();
      const std::lock_guard lock(box.mutex_);
      box.unlink(*entry);
      box.give_back(*std::exchange(entry, nullptr));
    }

    // Gives the letter back and claims the next one, the oldest if there was none. One look: nothing comes between.
    bool move_on(std::uint64_t last) {
      const std::lock_guard lock(box.mutex_);
      Entry* const next = entry == nullptr ? box.letters_.first() : box.letters_.next(*entry);
      if (entry != nullptr) box.give_back(*entry);
      entry = box.claim(box.letters_, next, State::in_hand, 0, last);
      return entry != nullptr;
    }
  };

  // Invariant: an entry is in `free_`, or in `letters_` by age (and, unless it awaits its payload, in `whole_`, too),
  // or in no list and in the hands of the call that will fill it. One in other hands keeps its place in the lists.
  // The mutex guards all of an entry but its letter, which belongs to the call that has it in hand.

  // Claims the first letter of `list`, from `entry` on, that is here and whose age is in (after, last]; under the lock.
  template <class List>
  Entry* claim(const List& list, Entry* entry, State as, std::uint64_t after, std::uint64_t last) {
    while (entry != nullptr && (entry->state != State::here || entry->age <= after)) entry = list.next(*entry);
    return entry == nullptr || entry->age > last ? nullptr : take_in_hand(*entry, as);
  }

  template <class List>
  Entry* claim_oldest(const List& list, State as, std::uint64_t after, std::uint64_t last) {
    const std::lock_guard lock(mutex_);
    return claim(list, list.first(), as, after, last);
  }

  // One look: between two, an entry with a letter could be given back empty, and a letter be refused for nothing.
  Entry* claim_place() {
    const std::lock_guard lock(mutex_);
    if (Entry* const entry = free_.first()) {
      free_.erase(*entry);
      return entry;
    }
    return claim(letters_, letters_.first(), Letter::put_may_throw ? State::in_hand : State::going, 0, newest_);
  }

  // Under the lock.
  Entry* take_in_hand(Entry& entry, State as) {
    entry.state = as;
    --size_;
    return &entry;
  }

  // Under the lock.
  void give_back(Entry& entry) {
    entry.state = State::here;
    if (entry.age == 0) return free_.prepend(entry);
    ++size_;
  }

  // Under the lock.
  void unlink(Entry& entry) {
    letters_.erase(entry);
    if (!entry.awaits) whole_.erase(entry);
    entry.age = 0;
  }

  [[nodiscard]] std::uint64_t newest() const {
    const std::lock_guard lock(mutex_);
    return newest_;
  }

  bool complete(DeadLetter<Payload>&& letter) {
    Hold hold{*this};
    {
      const std::lock_guard lock(mutex_);
      Entry* entry = letters_.first();
      while (entry != nullptr && (entry->awaits != letter.id || entry->state == State::going)) {
        entry = letters_.next(*entry);
      }
      if (entry == nullptr) return true;  // evicted or purged: the payload goes with `letter`
      if (entry->state != State::here) return false;
      hold.entry = take_in_hand(*entry, State::in_hand);
    }
    if (letter.payload) hold.entry->letter->payload.emplace(std::move(*letter.payload));
    hold.entry->letter->is_held = false;
    const std::lock_guard lock(mutex_);
    hold.entry->awaits.reset();
    Entry* older = letters_.before(*hold.entry);
    while (older != nullptr && older->awaits) older = letters_.before(*older);
    whole_.insert_after(older, *hold.entry);
    give_back(*std::exchange(hold.entry, nullptr));
    return true;
  }

  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
  detail::LinkedList<Entry, &Entry::by_age> free_;
  detail::LinkedList<Entry, &Entry::by_age> letters_;
  detail::LinkedList<Entry, &Entry::whole> whole_;
  std::size_t size_ = 0;  // letters in nobody's hands
  std::uint64_t evicted_ = 0;
  std::uint64_t newest_ = 0;
};

}  // namespace windlass
