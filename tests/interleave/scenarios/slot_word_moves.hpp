#pragma once

// The moves of the control word, as the slot word scenarios make them; and how to bring a word into any state.

#include <cstdint>
#include <iterator>
#include <string_view>

#include "windlass/detail/job/slot_word.hpp"

namespace interleave {

using windlass::detail::low_half;
using windlass::detail::SlotView;
using windlass::detail::State;

// Brings a new word to `state` with so many holders, along rows of the table. The last lease has stamp `holders`.
template <class Word>
void reach(Word& word, State state, bool is_cancelled, std::uint32_t holders) {
  if (state == State::free) return;
  const bool is_extra = state == State::expired || state == State::stalled;  // the last step adds a holder
  word.enqueue(State::ready);
  const auto lose = [&](State to) { (void)word.expire(low_half(word.read().stamp()), to); };
  for (std::uint32_t i = 1; i < holders - (is_extra ? 1U : 0U); ++i) {  // hung runs
    (void)word.lease();
    lose(State::expired);
    (void)word.claim_expired();
    (void)word.settle(State::ready);
  }
  if (state == State::ready) return;
  const std::uint64_t stamp = word.lease();
  if (state == State::committing) (void)word.commit(stamp);
  if (state == State::done) (void)word.finish(stamp);
  if (state == State::expired) lose(State::expired);
  if (state == State::stalled) lose(State::stalled);
  if (state == State::settling || state == State::waiting || state == State::dead || state == State::kept) {
    (void)word.begin_settle(stamp);
    if (state != State::settling) (void)word.settle(state == State::waiting ? state : State::dead);
    if (state == State::kept) word.keep();
  }
  if (SlotView seen = word.read(); is_cancelled) (void)word.mark_cancelled(seen);
}

// What JobQueue::cancel does to the word. The job's name is not looked at.
template <class Word>
std::uint64_t cancel(Word& word) {
  for (;;) {
    SlotView seen = word.read();
    const std::uint32_t holders = seen.holders();
    bool is_done = true;
    switch (seen.state()) {
      case State::ready:
        is_done = word.end_queued(seen, holders + (holders == 1 ? 1U : 0U));
        break;
      case State::waiting:
        is_done = word.end_queued(seen, holders);
        break;
      case State::stalled:
        is_done = word.end_queued(seen, holders - 1);
        break;
      case State::settling:
      case State::expired:
      case State::leased:
        is_done = word.mark_cancelled(seen);
        break;
      default:
        break;
    }
    if (is_done) return static_cast<std::uint64_t>(seen.state()) + 100 * holders;
  }
}

enum class Move : std::uint8_t {
  enqueue,
  lease,
  finish,
  begin_settle,
  settle_ready,
  settle_done,
  expire,
  expire_to_stalled,
  claim_expired,
  stall,
  stall_ready,
  renew,
  commit,
  finish_committed,
  finish_late,
  finish_late_waiting,
  cancel,
  wake,
  abandon_ready,
  abandon_waiting,
  keep,
  unkeep,
  drop,
  free,
  stale_finish,
  stale_settle,
  stale_expire,
  stale_renew,
  stale_commit,
  stale_finish_late,
  size
};

inline constexpr std::string_view move_names[] = {"enqueue",
                                                  "lease",
                                                  "finish",
                                                  "begin_settle",
                                                  "settle to ready",
                                                  "settle to done",
                                                  "expire",
                                                  "expire to stalled",
                                                  "claim_expired",
                                                  "stall",
                                                  "stall a ready one",
                                                  "renew",
                                                  "commit",
                                                  "finish_committed",
                                                  "finish_late",
                                                  "finish_late of a waiting one",
                                                  "cancel",
                                                  "wake",
                                                  "abandon a ready one",
                                                  "abandon a waiting one",
                                                  "keep",
                                                  "unkeep",
                                                  "drop",
                                                  "free",
                                                  "finish by a stale run",
                                                  "begin_settle by a stale run",
                                                  "expire for a stale run",
                                                  "renew by a stale run",
                                                  "commit by a stale run",
                                                  "finish_late by a staler run"};
static_assert(std::size(move_names) == static_cast<std::size_t>(Move::size));

// `stamp` is that of the last lease.
template <class Word>
std::uint64_t make(Move move, Word& word, std::uint64_t stamp) {
  using enum Move;
  switch (move) {
    case enqueue:
      word.enqueue(State::ready);
      return 0;
    case lease:
      return word.lease();
    case finish:
      return word.finish(stamp) ? 1 : 0;
    case begin_settle:
      return word.begin_settle(stamp) ? 1 : 0;
    case settle_ready:
      return word.settle(State::ready) ? 1 : 0;
    case settle_done:
      return word.settle(State::done) ? 1 : 0;
    case expire:
      return static_cast<std::uint64_t>(word.expire(low_half(stamp)));
    case expire_to_stalled:
      return static_cast<std::uint64_t>(word.expire(low_half(stamp), State::stalled));
    case claim_expired:
      return word.claim_expired() ? 1 : 0;
    case stall:
      return word.stall() ? 1 : 0;
    case stall_ready:
      return word.stall(State::ready) ? 1 : 0;
    case renew:
      return word.renew(stamp);
    case commit:
      return word.commit(stamp) ? 1 : 0;
    case finish_committed:
      return word.finish_committed(stamp, State::done) ? 1 : 0;
    case finish_late:
      return static_cast<std::uint64_t>(word.finish_late(stamp));
    case finish_late_waiting:
      return static_cast<std::uint64_t>(word.finish_late(stamp, Word::Planner::locked));
    case cancel:
      return interleave::cancel(word);
    case wake:
      return word.wake() ? 1 : 0;
    case abandon_ready:
      return word.abandon(State::ready, State::dead) ? 1 : 0;
    case abandon_waiting:
      return word.abandon(State::waiting, State::dead) ? 1 : 0;
    case keep:
      word.keep();
      return 0;
    case unkeep:
      return word.unkeep() ? 1 : 0;
    case drop:
      return static_cast<std::uint64_t>(word.drop());
    case free:
      word.free();
      return 0;
    case stale_finish:
      return make(finish, word, stamp - 1);
    case stale_settle:
      return make(begin_settle, word, stamp - 1);
    case stale_expire:
      return make(expire, word, stamp - 1);
    case stale_renew:
      return make(renew, word, stamp - 1);
    case stale_commit:
      return make(commit, word, stamp - 1);
    case stale_finish_late:
      return make(finish_late, word, stamp - 1);
    case size:
      break;
  }
  return 0;
}

}  // namespace interleave
