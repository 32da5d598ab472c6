// Every two moves of the control word that can meet, from every state in which they can: whatever comes of it must be
// what one after the other would have done, in one of the two orders. And the word must have gone only where the
// transition table lets it go.

#include <cstdint>
#include <string>
#include <string_view>

#include "../interleave.hpp"
#include "catch.hpp"
#include "slot_word_moves.hpp"

namespace {

using interleave::check;
using interleave::make;
using interleave::Move;
using interleave::reach;
using interleave::Run;
using windlass::detail::can_move;
using windlass::detail::SlotView;
using windlass::detail::State;
using Plain = windlass::detail::SlotWord<>;
using Modelled = windlass::detail::SlotWord<interleave::Atomics>;

bool is_stale(Move move) { return move >= Move::stale_finish; }
bool owns_settling(Move move) { return move == Move::settle_ready || move == Move::settle_done || move == Move::stall; }
bool owns_slot(Move move) { return move == Move::enqueue || move == Move::free || move == Move::keep; }

// Whether somebody may make this move when the word is in `from`.
bool is_possible(Move move, State from, std::uint32_t holders) {
  const bool is_over = from == State::done || from == State::dead;
  if (is_stale(move)) return holders >= 2;  // there was a lease before
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
    const SlotView before{memory.value(1, i - 1)};
    const SlotView after{memory.value(1, i)};
    const State from = before.state();
    const State to = after.state();
    check(from == to || can_move(from, to), "a move that is not in the table");
    const bool is_new = from != to && (to == State::leased || to == State::free);
    check(after.stamp() >= before.stamp() + (is_new ? 1U : 0U), "a lease or a free slot without a stamp of its own");
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
  const std::string name = std::string(interleave::move_names[static_cast<std::size_t>(a)]) + " x " +
                           std::string(interleave::move_names[static_cast<std::size_t>(b)]) + ", " +
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
    check((!is_stale(a) || out.a == 0) && (!is_stale(b) || out.b == 0), "a stale stamp was good for something");
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
