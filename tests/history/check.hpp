#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "laws.hpp"
#include "lives.hpp"

namespace history {

struct LawOfLife {
  std::string_view name;
  Verdict (*holds)(const Life&);
};

/// The laws that each job has to keep; numbers_add_up() is the one of the whole.
inline constexpr std::array laws_of_life{
    LawOfLife{"ends_once", ends_once},
    LawOfLife{"over_is_over", over_is_over},
    LawOfLife{"limits_hold", limits_hold},
    LawOfLife{"starts_when_due", starts_when_due},
    LawOfLife{"leases_last", leases_last},
    LawOfLife{"one_lease_at_a_time", one_lease_at_a_time},
    LawOfLife{"stale_counts_for_nothing", stale_counts_for_nothing},
    LawOfLife{"effects_happen_once", effects_happen_once},
    LawOfLife{"cancelled_is_cancelled", cancelled_is_cancelled},
    LawOfLife{"letters_tell_the_truth", letters_tell_the_truth},
};

/// The life, a line a note, for whoever has to find out.
[[nodiscard]] inline std::string tell(const Life& life) {
  std::string text;
  for (const Note& note : life.notes) {
    text += "\n    " + std::to_string(note.at.time_since_epoch().count()) + " ns, thread " +
            std::to_string(note.thread) + ": " + std::string(to_string(note.what));
    if (note.attempt != 0) text += ", attempt " + std::to_string(note.attempt);
    if (note.what == What::returning) text += ", outcome " + std::to_string(static_cast<int>(note.outcome));
    if (note.by != Duration{}) text += ", " + std::to_string(note.by.count()) + " ns";
  }
  return text;
}

/// The laws that some job breaks, each with its name and the life of the first job that does; empty if none is broken.
[[nodiscard]] inline std::string broken_lives(const History& history) {
  std::string text;
  const auto lives = lives_of(history);
  for (const LawOfLife& law : laws_of_life) {
    for (const Life& life : lives) {
      const Verdict wrong = law.holds(life);
      if (!wrong) continue;
      text += std::string(law.name) + ": job " + std::to_string(life.id.slot()) + "/" +
              std::to_string(life.id.stamp()) + " " + *wrong + tell(life) + "\n";
      break;
    }
  }
  return text;
}

/// The same, and whether the numbers add up.
[[nodiscard]] inline std::string broken_laws(const History& history) {
  const Verdict wrong = numbers_add_up(history);
  return (wrong ? "numbers_add_up: " + *wrong + "\n" : "") + broken_lives(history);
}

}  // namespace history
