#include <array>
#include <set>
#include <utility>

#include "catch.hpp"
#include "windlass/detail/job/slot_word.hpp"

using windlass::detail::State;

namespace {

constexpr std::array all_states{State::free,     State::ready,      State::waiting, State::leased,
                                State::settling, State::committing, State::expired, State::stalled,
                                State::done,     State::dead,       State::kept};

bool is_allowed(State from, State to) {
  const std::set<std::pair<State, State>> moves{
      {State::free, State::ready},        {State::free, State::waiting},      // 1
      {State::ready, State::leased},                                          // 2
      {State::leased, State::done},       {State::leased, State::settling},   // 3, 3a, 6 if cancelled
      {State::settling, State::ready},    {State::settling, State::waiting},  // 4
      {State::settling, State::dead},     {State::settling, State::done},     // 4
      {State::dead, State::free},         {State::dead, State::kept},         // 10, 5
      {State::kept, State::dead},                                             // 5a
      {State::leased, State::expired},    {State::leased, State::stalled},    // 6, 6b
      {State::expired, State::settling},  {State::settling, State::stalled},  // 6a, 6b
      {State::leased, State::committing},                                     // 8
      {State::committing, State::done},   {State::committing, State::dead},   // 8a
      {State::waiting, State::done},      {State::ready, State::done},        // 9a, 9a', 9b
      {State::expired, State::done},      {State::stalled, State::done},      // 9b, 9c
      {State::ready, State::dead},        {State::waiting, State::dead},      // 9d
      {State::stalled, State::dead},      {State::ready, State::stalled},     // 9d, 6b
      {State::done, State::free},                                             // 10
      {State::stalled, State::settling},                                      // 12
      {State::leased, State::leased},     {State::waiting, State::ready},     // renewed; 7
  };
  return moves.contains({from, to});
}

}  // namespace

TEST_CASE("can_move allows the moves of the transition table and no others", "[word]") {
  for (const State from : all_states) {
    for (const State to : all_states) {
      INFO(static_cast<int>(from) << " -> " << static_cast<int>(to));
      CHECK(can_move(from, to) == is_allowed(from, to));
    }
  }
}
