// Every two moves of the control word that can meet, from every state in which they can: whatever comes of it must be
// what one after the other would have done, in one of the two orders. And the word must have gone only where the
// transition table lets it go.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../interleave.hpp"
#include "catch.hpp"
#include "windlass/detail/job/slot_word.hpp"

namespace {

using interleave::check;
using interleave::Run;
using windlass::detail::can_move;
using windlass::detail::low_half;
using windlass::detail::SlotView;
using windlass::detail::State;
using Plain = windlass::detail::SlotWord<>;
using Modelled = windlass::detail::SlotWord<interleave::Atomics>;

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
  size
};

constexpr std::string_view names[] = {"enqueue",
                                      "lease",
                                      "finish",
                                      "begin_settle",
                                      "settle to ready",
                                      "settle to done",
                                      "expire",
                                      "expire to stalled",
                                      "claim_expired",
                                      "stall",
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
                                      "free"};
static_assert(std::size(names) == static_cast<std::size_t>(Move::size));

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
      return ::cancel(word);
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
    case size:
      break;
  }
  return 0;
}

bool owns_settling(Move move) { return move == Move::settle_ready || move == Move::settle_done || move == Move::stall; }
bool owns_slot(Move move) { return move == Move::enqueue || move == Move::free || move == Move::keep; }

// Whether somebody may make this move when the word is in `from`.
bool is_possible(Move move, State from, std::uint32_t holders) {
  const bool is_over = from == State::done || from == State::dead;
  if (move == Move::enqueue) return from == State::free;
  if (move == Move::free) return is_over && holders == 1;
  if (move == Move::keep) return from == State::dead;
  if (owns_settling(move)) return from == State::settling;
  if (move == Move::drop) return from == State::stalled || is_over ? holders >= 1 : holders >= 2;
  return true;
}

// Whether the two have different owners, and enough holds for both.
bool can_meet(Move a, Move b, State from, std::uint32_t holders) {
  if (!is_possible(a, from, holders) || !is_possible(b, from, holders)) return false;
  if (owns_settling(a) && owns_settling(b)) return false;
  if (owns_slot(a) && (owns_slot(b) || b == Move::drop || b == Move::unkeep)) return false;
  if (owns_slot(b) && (a == Move::drop || a == Move::unkeep)) return false;
  const auto drops = [](Move move) {
    return move == Move::drop || move == Move::finish_late || move == Move::finish_late_waiting || move == Move::cancel
               ? 1U
               : 0U;
  };
  const bool is_over = from == State::done || from == State::dead;
  return a != Move::drop && b != Move::drop ? true : drops(a) + drops(b) < holders + (is_over ? 1U : 0U);
}

struct Outcome {
  std::uint64_t a, b, word;
  bool operator==(const Outcome&) const = default;
};

constexpr State states[] = {State::free,     State::ready,      State::waiting, State::leased,
                            State::settling, State::committing, State::expired, State::stalled,
                            State::done,     State::dead,       State::kept};
constexpr std::string_view state_names[] = {"free",    "ready",   "waiting", "leased", "settling", "committing",
                                            "expired", "stalled", "done",    "dead",   "kept"};

bool can_be(State state, bool is_cancelled, std::uint32_t holders) {
  if (state == State::free) return holders == 0 && !is_cancelled;
  if (holders == 0) return false;
  if ((state == State::expired || state == State::stalled) && holders < 2) return false;
  return !is_cancelled || state == State::leased || state == State::settling || state == State::expired;
}

// The word is the first location of its schedule: number 1.
void check_table() {
  const interleave::Memory& memory = interleave::Execution::now().memory;
  for (std::uint32_t i = 1; i <= memory.newest(1); ++i) {
    const State from = SlotView{memory.value(1, i - 1)}.state();
    const State to = SlotView{memory.value(1, i)}.state();
    check(from == to || can_move(from, to), "a move that is not in the table");
  }
}

void meet(interleave::Sweep& sweep, Move a, Move b, State from, bool is_cancelled, std::uint32_t holders) {
  const auto in_turn = [&](bool a_first) {
    Plain word;
    reach(word, from, is_cancelled, holders);
    const std::uint64_t stamp = word.read().stamp();
    Outcome out{};
    if (a_first) out.a = make(a, word, stamp);
    out.b = make(b, word, stamp);
    if (!a_first) out.a = make(a, word, stamp);
    out.word = word.read().bits;
    return out;
  };
  const Outcome allowed[] = {in_turn(true), in_turn(false)};
  const std::string name = std::string(names[static_cast<std::size_t>(a)]) + " x " +
                           std::string(names[static_cast<std::size_t>(b)]) + ", " +
                           std::string(state_names[static_cast<std::size_t>(from)]) +
                           (is_cancelled ? " and cancelled" : "") + ", holders " + std::to_string(holders);
  sweep.explore(name, [&](Run& run) {
    Modelled word;
    reach(word, from, is_cancelled, holders);
    const std::uint64_t stamp = word.read().stamp();
    Outcome out{};
    run.thread([&] { out.a = make(a, word, stamp); });
    run.thread([&] { out.b = make(b, word, stamp); });
    run.join();
    out.word = word.read().bits;
    check(out == allowed[0] || out == allowed[1], "not what one after the other would have done");
    check_table();
  });
}

}  // namespace

TEST_CASE("slot word: any two moves that meet come out as one after the other", "[word]") {
  interleave::Sweep sweep("slot word: any two moves that meet come out as one after the other");
  for (const State from : states) {
    for (const bool is_cancelled : {false, true}) {
      for (std::uint32_t holders = 0; holders <= 3; ++holders) {
        if (!can_be(from, is_cancelled, holders)) continue;
        for (std::uint8_t a = 0; a < static_cast<std::uint8_t>(Move::size); ++a) {
          for (std::uint8_t b = a; b < static_cast<std::uint8_t>(Move::size); ++b) {
            const auto first = static_cast<Move>(a);
            const auto second = static_cast<Move>(b);
            if (can_meet(first, second, from, holders)) meet(sweep, first, second, from, is_cancelled, holders);
          }
        }
      }
    }
  }
}
