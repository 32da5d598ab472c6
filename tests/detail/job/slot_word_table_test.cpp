#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "windlass/detail/job/slot_word.hpp"

using windlass::detail::low_half;
using windlass::detail::SlotView;
using windlass::detail::State;
using windlass::detail::StdAtomics;
using Word = windlass::detail::SlotWord<StdAtomics>;
using AfterDrop = Word::AfterDrop;
using Planner = Word::Planner;

// Every function of the control word, from every state, against the transition table written once more.

namespace {

constexpr std::uint64_t mine = 0x1'0000'0007;  // the stamp of the run that acts
constexpr std::array all_states{State::free,     State::ready,      State::waiting, State::leased,
                                State::settling, State::committing, State::expired, State::stalled,
                                State::done,     State::dead,       State::kept};

// A word is one atomic: that is how a test gets it into a state of its choice.
void set(Word& word, SlotView view) {
  static_assert(std::is_standard_layout_v<Word> && sizeof(Word) == sizeof(std::atomic<std::uint64_t>));
  reinterpret_cast<std::atomic<std::uint64_t>&>(word).store(view.bits);
}

SlotView with(SlotView seen, State state, std::uint32_t holders) {
  return SlotView::of(state, seen.cancel(), holders, seen.stamp());
}
SlotView with(SlotView seen, State state) { return with(seen, state, seen.holders()); }

struct Row {
  std::string name;
  std::function<bool(Word&)> act;                            // whether it says that it did something
  std::function<std::optional<SlotView>(SlotView)> becomes;  // what the table says; nothing: it is refused
  std::set<State> only{};                                    // callers own the word in one of these; empty: any state
};

// `from -> to` by the run that bears the stamp `mine`.
auto by_stamp(State from, State to) {
  return [=](SlotView seen) -> std::optional<SlotView> {
    if (seen.state() != from || seen.stamp() != mine) return std::nullopt;
    return with(seen, to);
  };
}
auto plainly(State from, State to) {
  return [=](SlotView seen) -> std::optional<SlotView> {
    if (seen.state() != from) return std::nullopt;
    return with(seen, to);
  };
}
auto lost(State to) {
  return [=](SlotView seen) -> std::optional<SlotView> {
    const bool is_it = seen.state() == State::leased && low_half(seen.stamp()) == low_half(mine);
    if (!is_it || seen.holders() == SlotView::max_holders) return std::nullopt;
    return seen.cancel() ? with(seen, State::done) : with(seen, to, seen.holders() + 1);
  };
}
auto late(bool is_locked) {
  return [=](SlotView seen) -> std::optional<SlotView> {
    if (seen.stamp() != mine) return std::nullopt;
    if (seen.state() == State::expired || seen.state() == State::ready) return with(seen, State::done);
    const bool unlinks = seen.state() == State::stalled || (is_locked && seen.state() == State::waiting);
    if (!unlinks) return std::nullopt;
    return with(seen, State::done, seen.holders() - 1);
  };
}

std::vector<Row> rows() {
  std::vector<Row> all{
      {"2 lease", [](Word& w) { return w.lease() != 0; },
       [](SlotView seen) -> std::optional<SlotView> {
         if (seen.state() != State::ready) return std::nullopt;
         return SlotView::of(State::leased, seen.cancel(), seen.holders(), seen.stamp() + 1);
       }},
      {"3 finish", [](Word& w) { return w.finish(mine); }, by_stamp(State::leased, State::done)},
      {"3 finish_alone", [](Word& w) { return w.finish_alone(mine); },
       [](SlotView seen) -> std::optional<SlotView> {
         if (seen.state() != State::leased || seen.stamp() != mine || seen.holders() != 1 || seen.cancel()) return {};
         return with(seen, State::done);
       }},
      {"3a begin_settle", [](Word& w) { return w.begin_settle(mine); }, by_stamp(State::leased, State::settling)},
      {"5 keep", [](Word& w) { return w.keep(), true; }, plainly(State::dead, State::kept), {State::dead}},
      {"5a unkeep", [](Word& w) { return w.unkeep(); }, plainly(State::kept, State::dead)},
      {"6 expire", [](Word& w) { return w.expire(low_half(mine)) != State::free; }, lost(State::expired)},
      {"6b expire", [](Word& w) { return w.expire(low_half(mine), State::stalled) != State::free; },
       lost(State::stalled)},
      {"6a claim_expired", [](Word& w) { return w.claim_expired(); }, plainly(State::expired, State::settling)},
      {"6b stall",
       [](Word& w) { return w.stall(); },
       [](SlotView seen) -> std::optional<SlotView> {
         if (seen.holders() < 2 || seen.cancel()) return std::nullopt;
         return with(seen, State::stalled);
       },
       {State::settling}},
      {"6b stall, ready", [](Word& w) { return w.stall(State::ready); },
       [](SlotView seen) -> std::optional<SlotView> {
         if (seen.state() != State::ready || seen.holders() < 2 || seen.cancel()) return std::nullopt;
         return with(seen, State::stalled);
       }},
      {"renew", [](Word& w) { return w.renew(mine) != 0; },
       [](SlotView seen) -> std::optional<SlotView> {
         if (seen.state() != State::leased || seen.stamp() != mine) return std::nullopt;
         return SlotView::of(State::leased, seen.cancel(), seen.holders(), mine + 1);
       }},
      {"8 commit", [](Word& w) { return w.commit(mine); },
       [](SlotView seen) -> std::optional<SlotView> {
         if (seen.state() != State::leased || seen.stamp() != mine || seen.cancel()) return std::nullopt;
         return with(seen, State::committing);
       }},
      {"8a done", [](Word& w) { return w.finish_committed(mine, State::done); },
       by_stamp(State::committing, State::done)},
      {"8a dead", [](Word& w) { return w.finish_committed(mine, State::dead); },
       by_stamp(State::committing, State::dead)},
      {"9b finish_late", [](Word& w) { return w.finish_late(mine, Planner::unlocked) != State::free; }, late(false)},
      {"9b finish_late, locked", [](Word& w) { return w.finish_late(mine, Planner::locked) != State::free; },
       late(true)},
      {"7 wake", [](Word& w) { return w.wake(); }, plainly(State::waiting, State::ready)},
      {"10 free",
       [](Word& w) { return w.free(), true; },
       [](SlotView seen) -> std::optional<SlotView> { return SlotView::of(State::free, false, 0, seen.stamp() + 1); },
       {State::done, State::dead}},
  };
  for (const State to : {State::ready, State::waiting}) {
    all.push_back({"1 enqueue",
                   [=](Word& w) { return w.enqueue(to), true; },
                   [=](SlotView seen) -> std::optional<SlotView> { return SlotView::of(to, false, 1, seen.stamp()); },
                   {State::free}});
  }
  for (const State to : {State::ready, State::waiting, State::dead, State::done}) {
    all.push_back({"4 settle",
                   [=](Word& w) { return w.settle(to); },
                   [=](SlotView seen) -> std::optional<SlotView> {
                     if (seen.cancel() && to != State::done) return std::nullopt;
                     return with(seen, to);
                   },
                   {State::settling}});
  }
  for (const State from : {State::ready, State::waiting, State::stalled}) {
    for (const State to : {State::dead, State::done}) {
      all.push_back({"9d abandon", [=](Word& w) { return w.abandon(from, to); }, plainly(from, to)});
    }
  }
  return all;
}

// All words in which a row may be tried.
std::vector<SlotView> views_for(const Row& row) {
  std::vector<SlotView> all;
  for (const State state : all_states) {
    if (!row.only.empty() && !row.only.contains(state)) continue;
    for (const bool cancel : {false, true}) {
      for (const std::uint32_t holders : {1U, 2U, 3U, SlotView::max_holders}) {
        for (const std::uint64_t stamp :
             {mine, mine - 1, mine + 1, mine + 0x1'0000, mine + 0x1'0000'0000, SlotView::max_stamp - 1}) {
          all.push_back(SlotView::of(state, cancel, state == State::free ? 0 : holders, stamp));
        }
      }
    }
  }
  return all;
}

}  // namespace

TEST_CASE("each row moves the words that the table says, as it says, and leaves all others alone", "[word]") {
  for (const Row& row : rows()) {
    int moved = 0;
    for (const SlotView before : views_for(row)) {
      const std::optional<SlotView> expected = row.becomes(before);
      Word word;
      set(word, before);
      const bool says = row.act(word);
      const SlotView after = word.read();
      INFO(row.name << " on " << std::hex << before.bits << ": " << after.bits);
      CHECK(says == expected.has_value());
      CHECK(after.bits == expected.value_or(before).bits);
      if (expected) CHECK(can_move(before.state(), after.state()));
      moved += expected ? 1 : 0;
    }
    INFO(row.name);
    CHECK(moved > 0);
  }
}

TEST_CASE("expire and finish_late say which state they reached, or left", "[word]") {
  Word word;
  set(word, SlotView::of(State::leased, false, 1, mine));
  CHECK(word.expire(low_half(mine)) == State::expired);
  set(word, SlotView::of(State::leased, false, 1, mine));
  CHECK(word.expire(low_half(mine), State::stalled) == State::stalled);
  set(word, SlotView::of(State::leased, true, 1, mine));
  CHECK(word.expire(low_half(mine), State::stalled) == State::done);
  for (const State state : {State::ready, State::expired, State::stalled, State::waiting}) {
    set(word, SlotView::of(state, false, 2, mine));
    CHECK(word.finish_late(mine, Planner::locked) == state);
  }
}

TEST_CASE("a dropped hold says what the caller must do: the last one out frees, the last hung one settles", "[word]") {
  for (const State state : all_states) {
    if (state == State::free) continue;
    for (const bool cancel : {false, true}) {
      for (const std::uint32_t holders : {1U, 2U, 3U, SlotView::max_holders}) {
        const SlotView before = SlotView::of(state, cancel, holders, mine);
        Word word;
        set(word, before);
        const AfterDrop next = word.drop();
        INFO("state " << static_cast<int>(state) << ", " << holders << " holders");
        const bool is_over = state == State::done || state == State::dead;
        if (is_over && holders == 1) {
          CHECK(next == AfterDrop::free);
          CHECK(word.read().bits == before.bits);  // kept until free() is written
        } else if (state == State::stalled && holders == 2) {
          CHECK(next == AfterDrop::settle);
          CHECK(word.read().bits == with(before, State::settling, 1).bits);
        } else {
          CHECK(next == AfterDrop::nothing);
          CHECK(word.read().bits == with(before, state, holders - 1).bits);
        }
      }
    }
  }
}

TEST_CASE("a cancel changes only the word that was seen, and shows it if it was another", "[word]") {
  for (const State state : all_states) {
    const SlotView before = SlotView::of(state, false, 2, mine);
    Word word;
    set(word, before);
    SlotView seen = before;
    while (!word.mark_cancelled(seen)) {
    }
    CHECK(word.read().bits == SlotView::of(state, true, 2, mine).bits);
    CHECK_FALSE(word.mark_cancelled(seen));  // `seen` is the word before
    CHECK(seen.bits == word.read().bits);

    set(word, before);
    seen = before;
    while (!word.end_queued(seen, 3)) {
    }
    CHECK(word.read().bits == with(before, State::done, 3).bits);
    seen = before;
    CHECK_FALSE(word.end_queued(seen, 1));
    CHECK(seen.bits == with(before, State::done, 3).bits);
    CHECK(word.read().bits == seen.bits);
  }
}

TEST_CASE("the parts of a word do not touch one another", "[word]") {
  const SlotView full = SlotView::of(State::kept, true, SlotView::max_holders, SlotView::max_stamp);
  CHECK(full.state() == State::kept);
  CHECK(full.cancel());
  CHECK(full.holders() == 2047);
  CHECK(full.stamp() == 0xffff'ffff'ffff);
  CHECK(SlotView::of(State::free, false, 0, 0).bits == 0);
  CHECK(SlotView::of(State::free, true, 0, 0).stamp() == 0);
  CHECK(SlotView::of(State::free, false, 0, SlotView::max_stamp + 1).bits == 0);  // it wraps within its field
}
