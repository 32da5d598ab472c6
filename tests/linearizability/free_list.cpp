// FreeList is a bag of slots. Below 64 slots it moves no chains, and "none" means none. From there on "none" is exact
// only when no other call is in progress; in a race it may miss a chain for each thread that is inside.

#include "windlass/detail/machines/free_list.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "catch.hpp"
#include "engine/dawdle.hpp"
#include "engine/tally.hpp"
#include "engine/team.hpp"
#include "specs/bag.hpp"

using linearizability::Bag;
using linearizability::Dawdle;
using linearizability::DawdlingAtomics;
using linearizability::Entry;
using linearizability::History;
using linearizability::Log;
using linearizability::seed;
using linearizability::Stamp;
using linearizability::Stamps;
using linearizability::Tally;
using linearizability::Team;
using windlass::detail::FreeList;
using windlass::detail::no_slot;
using windlass::detail::Rng;

namespace {

// Two magazines, so that chains are short: 2 slots of 16.
struct TwoShards : DawdlingAtomics {
  static constexpr std::size_t shards = 2;
  static std::size_t my_shard() noexcept { return shard; }
  static inline thread_local std::size_t shard = 0;
};

template <class List>
class RecordedList {
 public:
  RecordedList(List& list, Stamps& stamps, Log<Bag::Op>& log) : list_(list), stamps_(stamps), log_(log) {}

  bool take() {
    const Stamp begun = stamps_.begin();
    const std::uint32_t slot = list_.take().slot;
    log_.push_back({{Bag::Call::take, slot}, begun, stamps_.end()});
    if (slot != no_slot) own_.push_back(slot);
    return slot != no_slot;
  }
  void give() {
    const Stamp begun = stamps_.begin();
    const std::uint32_t slot = own_.back();
    list_.give(slot);
    log_.push_back({{Bag::Call::give, slot}, begun, stamps_.end()});
    own_.pop_back();
  }
  [[nodiscard]] bool has_any() const noexcept { return !own_.empty(); }

 private:
  List& list_;
  Stamps& stamps_;
  Log<Bag::Op>& log_;
  std::vector<std::uint32_t> own_;
};

// The caller takes all slots and gives some back, the team takes and gives at random, then the caller takes the rest:
// none may be lost.
template <class List>
History<Bag::Op> record_list(Team& team, List& list, std::uint32_t slots, std::uint32_t given, std::uint64_t draw) {
  Stamps stamps;
  History<Bag::Op> history(team.size() + 1);
  for (Log<Bag::Op>& log : history) log.reserve(4 * slots + 16);
  const Dawdle dawdle(~draw);
  RecordedList caller(list, stamps, history.back());
  for (std::uint32_t i = 0; i < slots; ++i) caller.take();
  for (std::uint32_t i = 0; i < given; ++i) caller.give();

  team.run([&](std::size_t thread) {
    TwoShards::shard = thread % TwoShards::shards;
    const Dawdle dawdles(draw + thread);
    Rng draws(~(draw + thread));
    RecordedList recorded(list, stamps, history[thread]);
    for (int step = 0; step < 14; ++step) {
      if (recorded.has_any() && draws.next() % 2 == 0) {
        recorded.give();
      } else {
        recorded.take();
      }
    }
    while (recorded.has_any()) recorded.give();
  });

  for (std::uint32_t left = slots + 1; left > 0 && caller.take(); --left) {
  }
  return history;
}

// A take that found none may have missed `chain` slots for each thread that was inside meanwhile.
void allow_misses(History<Bag::Op>& history, std::uint32_t chain) {
  for (std::size_t thread = 0; thread < history.size(); ++thread) {
    for (Entry<Bag::Op>& entry : history[thread]) {
      const std::size_t beside = linearizability::threads_meeting(history, thread, entry.begun, entry.ended);
      entry.op.overlooks = chain * static_cast<std::uint32_t>(beside);
    }
  }
}

// `chain` is 0 if there are none.
template <class Policy>
void expect_bag(const char* what, std::uint32_t slots, std::uint32_t most_given, std::uint32_t chain) {
  Team team(4);
  Tally<Bag> tally(what);
  std::size_t none = 0;
  for (std::uint64_t number = 0; number < 400 && tally.rejected() == 0; ++number) {
    const std::uint64_t draw = Rng(seed() + number).next();
    std::vector<typename FreeList<Policy>::Link> links(slots);
    FreeList<Policy> list(links.data(), slots);
    History<Bag::Op> history = record_list(team, list, slots, 1 + static_cast<std::uint32_t>(draw) % most_given, draw);
    allow_misses(history, chain);
    tally.add(history, {(std::uint64_t{1} << slots) - 1});
    for (std::size_t thread = 0; thread < team.size(); ++thread) {
      none += static_cast<std::size_t>(std::count_if(history[thread].begin(), history[thread].end(),
                                                     [](const auto& entry) { return entry.op.slot == no_slot; }));
    }
  }
  tally.print();
  INFO(tally.first_rejected());
  CHECK(tally.rejected() == 0);
  CHECK(tally.overlap() >= 0.5);
  CHECK(none >= 400);
}

}  // namespace

TEST_CASE("free list: of fewer than 64 slots every history is linearizable and none means none", "[free]") {
  expect_bag<DawdlingAtomics>("free list without chains", 5, 5, 0);
}

TEST_CASE("free list: with chains none misses at most a chain for each thread inside", "[free]") {
  expect_bag<TwoShards>("free list with chains", 16, 6, 2);
}
