#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "job_parts.hpp"

namespace windlass::detail {

/// The end of a job: its dead letter, its payload, its slot. Calls the sink with no lock held; a sink that fails
/// loses nothing.
template <class Payload, class Traits>
class JobBurial : public JobParts<Payload, Traits> {
  using Parts = JobParts<Payload, Traits>;

 public:
  using Parts::clock, Parts::counters, Parts::options, Parts::store;
  using Parts::Parts;

  /// Offers the dead letter of `slot` to the sink; false if it was not taken. The caller owns a `dead` job. The
  /// payload is moved out if nobody else holds it, else copied if it can be, else it follows when the hung run returns.
  bool offer(std::uint32_t slot) {
    if (!options.dead_letters) return true;
    auto& hot = store.hot(slot);
    if (hot.owes_letter) {
      if (!offer_rest(slot)) return false;
      hot.owes_letter = false;
      return true;
    }
    DeadLetter<Payload> letter;
    describe(slot, letter);
    const bool is_ours = hot.word.read().holders() == 1;
    letter.is_held = !is_ours && !std::is_copy_constructible_v<Payload>;
    if (!hand_over(slot, letter, is_ours ? Hand::move : Hand::copy)) return false;
    hot.owes_letter = letter.is_held;
    return true;
  }

  /// Row 10. The caller has the last hold of an ended job.
  void free_slot(std::uint32_t slot) {
    auto& hot = store.hot(slot);
    if (hot.owes_letter && !offer_rest(slot)) return keep(slot);
    destroy_payload(slot);
    hot.word.free();
    store.free.give(slot);
    this->room.notify_one();
  }

  /// Destroys the payload of `slot`, where a job lives, unless that was done already.
  void destroy_payload(std::uint32_t slot) {
    auto& hot = store.hot(slot);
    if (hot.emptied) return;
    hot.emptied = true;
    this->contain([&] { std::destroy_at(&hot.payload()); });
  }

  /// Row 5: the sink would not take the letter; it stays on the last-resort list.
  void keep(std::uint32_t slot) {
    counters.add(Count::kept);
    store.hot(slot).word.keep();
  }

  /// Row 5a: offers every kept letter again; returns how many the sink took. O(slots ever used).
  std::uint32_t retry_kept() {
    std::uint32_t taken = 0;
    for (std::uint32_t slot = 0; slot < store.free.used(); ++slot) {
      auto& word = store.hot(slot).word;
      if (word.read().state() != State::kept || !word.unkeep()) continue;
      counters.add(Count::unkept);
      if (!offer(slot)) {
        keep(slot);
        continue;
      }
      if (word.drop() == Parts::Word::AfterDrop::free) free_slot(slot);
      ++taken;
    }
    return taken;
  }

 private:
  enum class Hand : std::uint8_t { move, copy, nothing };

  // The second letter of a job whose payload a hung run held. Nobody else holds it any more.
  bool offer_rest(std::uint32_t slot) {
    DeadLetter<Payload> letter;
    describe(slot, letter);
    letter.is_completion = true;
    return hand_over(slot, letter, Hand::move);
  }

  // Calls the sink. If it fails, the payload is back in its slot, as the sink left it.
  bool hand_over(std::uint32_t slot, DeadLetter<Payload>& letter, [[maybe_unused]] Hand hand) {
    auto& hot = store.hot(slot);
    [[maybe_unused]] bool moved = false;
    bool taken = false;
    const bool calm = this->contain([&] {
      if (hot.emptied) hand = Hand::nothing;
      if constexpr (std::is_move_constructible_v<Payload>) {
        if (hand == Hand::move) {
          letter.payload.emplace(std::move(hot.payload()));
          moved = true;
        }
      }
      if constexpr (std::is_copy_constructible_v<Payload>) {
        if (hand == Hand::copy) letter.payload.emplace(std::as_const(hot.payload()));
      }
      taken = options.dead_letters(std::move(letter));
    });
    if (calm && taken) return true;
    counters.add(Count::sink_failures);
    if constexpr (std::is_move_constructible_v<Payload>) {
      if (moved && letter.payload) {
        hot.emptied = true;
        this->contain([&] { std::destroy_at(&hot.payload()); });
        hot.emptied =
            !this->contain([&] { ::new (static_cast<void*>(hot.place)) Payload(std::move(*letter.payload)); });
      }
    }
    return false;
  }

  // Not by return: a letter of a payload that cannot be moved cannot be either.
  void describe(std::uint32_t slot, DeadLetter<Payload>& letter) {
    ColdSlot& cold = store.cold(slot);
    if (!cold.died_at) cold.died_at = clock.now();
    letter.id = this->id_of(slot);
    letter.reason = cold.dead_reason;
    if (cold.has_errors) {
      letter.first_error = store.errors(slot).first;
      letter.last_error = store.errors(slot).last;
    }
    letter.failures = cold.failures;
    letter.hangs = cold.hangs;
    letter.deliveries = cold.deliveries;
    letter.priority = store.hot(slot).lane;
    letter.enqueued_at = cold.enqueued_at;
    letter.first_failure = cold.first_failure;
    letter.died_at = *cold.died_at;
  }
};

}  // namespace windlass::detail
