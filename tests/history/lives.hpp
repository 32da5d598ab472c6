#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "note.hpp"

namespace history {

/// All notes of one job, in order.
struct Life {
  JobId id{};
  const Terms* terms = nullptr;  ///< Null if nobody wrote them down.
  std::vector<Note> notes;
  /// For each note: when its thread wrote the note before, of whatever job. What a `started` tells of began after it.
  std::vector<Time> since;
};

[[nodiscard]] constexpr bool is_end(What what) noexcept {
  return what == What::finished || what == What::dead || what == What::dropped;
}

/// Which attempt the `started` at `at` began, as the run's own later notes say; 0 if none does.
[[nodiscard]] inline std::uint32_t attempt_begun(const Life& life, std::size_t at) noexcept {
  for (std::size_t i = at + 1; i < life.notes.size(); ++i) {
    if (life.notes[i].thread != life.notes[at].thread) continue;
    if (life.notes[i].what == What::started || life.notes[i].attempt != 0) return life.notes[i].attempt;
  }
  return 0;
}

/// A run takes its lease before the note of its start is made, and its thread may be stopped between the two for any
/// time. A start that was noted after the loss of that lease, by a thread that has noted nothing since before the loss,
/// moves to the place before that.
inline void put_late_starts_in_place(Life& life) {
  for (std::size_t at = 0; at < life.notes.size(); ++at) {
    if (life.notes[at].what != What::started) continue;
    std::uint32_t left = attempt_begun(life, at);
    for (std::size_t i = 0; i < at && left > 0; ++i) {
      const What what = life.notes[i].what;
      if (what != What::failed && what != What::lease_expired) continue;
      if (--left > 0 || what == What::failed || life.since[at] >= life.notes[i].at) continue;
      const auto from = static_cast<std::ptrdiff_t>(i);
      const auto to = static_cast<std::ptrdiff_t>(at);
      std::rotate(life.notes.begin() + from, life.notes.begin() + to, life.notes.begin() + to + 1);
      std::rotate(life.since.begin() + from, life.since.begin() + to, life.since.begin() + to + 1);
    }
  }
}

/// The history, job by job, in the order in which they came.
[[nodiscard]] inline std::vector<Life> lives_of(const History& history) {
  std::vector<Life> lives;
  std::unordered_map<JobId, std::size_t> places;
  std::unordered_map<std::uint32_t, Time> last;
  for (const Note& note : history.notes) {
    const auto [place, is_new] = places.try_emplace(note.id, lives.size());
    if (is_new) lives.emplace_back().id = note.id;
    Life& life = lives[place->second];
    const auto before = last.try_emplace(note.thread, Time{}).first;
    if (note.what == What::terms) {
      life.terms = &history.terms[note.number];
    } else {
      life.notes.push_back(note);
      life.since.push_back(before->second);
    }
    before->second = note.at;
  }
  for (Life& life : lives) put_late_starts_in_place(life);
  return lives;
}

/// Follows a life note by note and knows whether a run has the job, and which attempt that is.
class Follower {
 public:
  /// What `note` changes; call it after looking at the state before.
  void follow(const Note& note) noexcept {
    switch (note.what) {
      case What::started:
        is_leased_ = true;
        break;
      case What::failed:
      case What::lease_expired:
        ++lost_attempts_;
        is_leased_ = false;
        break;
      case What::finished:
      case What::dead:
      case What::dropped:
        is_over_ = true;
        is_leased_ = false;
        break;
      case What::returning:  // no event tells of these
        if (is_current(note) && (note.outcome == windlass::OutcomeKind::snooze || gives_way(note))) is_leased_ = false;
        break;
      default:
        break;
    }
  }

  /// The attempt of the run that has the job, or that would be the next to have it.
  [[nodiscard]] std::uint32_t attempt() const noexcept { return lost_attempts_ + 1; }
  [[nodiscard]] bool is_leased() const noexcept { return is_leased_; }
  [[nodiscard]] bool is_over() const noexcept { return is_over_; }
  /// Whether the run that wrote `note` has the job.
  [[nodiscard]] bool is_current(const Note& note) const noexcept { return is_leased_ && note.attempt == attempt(); }
  /// Whether the job is over, or a newer run than the one that wrote `note` has it.
  [[nodiscard]] bool is_stale(const Note& note) const noexcept {
    return is_over_ || (is_leased_ && note.attempt < attempt());
  }

 private:
  static bool gives_way(const Note& note) noexcept { return note.outcome == windlass::OutcomeKind::yield; }

  std::uint32_t lost_attempts_ = 0;
  bool is_leased_ = false;
  bool is_over_ = false;
};

}  // namespace history
