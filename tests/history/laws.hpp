#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lives.hpp"
#include "note.hpp"

// The laws of a queue, each a function of its own: nothing if the life, or the history, keeps it, else what is wrong.
// A history is complete if nobody wrote after it was read and nothing was missed.
namespace history {

using Verdict = std::optional<std::string>;

/// A job begins with `enqueued`, once, and has one end at most; count() says that it has one.
[[nodiscard]] inline Verdict ends_once(const Life& life) {
  const auto has = [&](What what) {
    return std::count_if(life.notes.begin(), life.notes.end(), [&](const Note& note) { return note.what == what; });
  };
  if (has(What::enqueued) != 1) return "was enqueued " + std::to_string(has(What::enqueued)) + " times";
  const auto ends = has(What::finished) + has(What::dead) + has(What::dropped);
  if (ends > 1) return "ended " + std::to_string(ends) + " times";
  const auto first = std::find_if(life.notes.begin(), life.notes.end(), [](const Note& note) {
    return note.what <= What::parked;  // an event
  });
  if (first->what != What::enqueued) return std::string(to_string(first->what)) + " before it was enqueued";
  return std::nullopt;
}

/// Nothing starts, fails, commits or is lost after the end; a stale run may still return.
[[nodiscard]] inline Verdict over_is_over(const Life& life) {
  Follower state;
  for (const Note& note : life.notes) {
    const bool is_news = note.what == What::started || note.what == What::failed ||
                         note.what == What::retry_scheduled || note.what == What::lease_expired ||
                         note.what == What::committed;
    if (state.is_over() && is_news) return std::string(to_string(note.what)) + " after its end";
    state.follow(note);
  }
  return std::nullopt;
}

/// No more attempts, lost leases and deliveries than were set, and no run that none of them asked for.
[[nodiscard]] inline Verdict limits_hold(const Life& life) {
  if (life.terms == nullptr) return std::nullopt;
  std::uint32_t failures = 0;
  std::uint32_t hangs = 0;
  for (const Note& note : life.notes) {
    failures += note.what == What::failed ? 1 : 0;
    hangs += note.what == What::lease_expired ? 1 : 0;
  }
  if (failures > life.terms->max_failures) return "failed " + std::to_string(failures) + " times";
  if (hangs > life.terms->max_hangs) return "lost " + std::to_string(hangs) + " leases";
  if (failures + hangs > life.terms->max_deliveries) return std::to_string(failures + hangs) + " deliveries";
  return std::nullopt;
}

/// No run starts before it is due: not before the job's time, its backoff, or the delay that its last run asked for.
[[nodiscard]] inline Verdict starts_when_due(const Life& life) {
  if (life.terms == nullptr) return std::nullopt;
  Time due = life.terms->due;
  Time snoozed{};
  Duration asked = life.terms->backoff;
  Follower state;
  for (const Note& note : life.notes) {
    const Time first = std::max(due, snoozed);
    if (note.what == What::started && note.at < first) {
      return "started " + std::to_string((first - note.at).count()) + " ns early";
    }
    if (note.what == What::returning && state.is_current(note)) {
      const bool says = note.outcome != windlass::OutcomeKind::retry;
      asked = says ? note.by : life.terms->backoff;
      if (note.outcome == windlass::OutcomeKind::snooze) snoozed = note.at + note.by;
    }
    if (note.what == What::failed) due = std::max(due, note.at + asked);
    if (note.what == What::lease_expired) {
      due = std::max(due, note.at + life.terms->backoff);
      snoozed = Time{};  // it was lost when it said so
    }
    state.follow(note);
  }
  return std::nullopt;
}

/// No lease is lost before it is over, and none that has no end.
[[nodiscard]] inline Verdict leases_last(const Life& life) {
  if (life.terms == nullptr) return std::nullopt;
  const Duration lease = life.terms->lease;
  Time until{};
  std::optional<Time> asked;
  Duration by{};
  Follower state;
  for (std::size_t i = 0; i < life.notes.size(); ++i) {
    const Note& note = life.notes[i];
    if (note.what == What::started) until = life.since[i] + lease;
    if (note.what == What::extending && state.is_current(note)) {
      asked = note.at;
      by = note.by;
    }
    if (note.what == What::extended && state.is_current(note) && asked) until = std::max(until, *asked + by);
    if (note.what == What::lease_expired) {
      if (lease == Duration{}) return "lost a lease that has no end";
      if (note.at < until) return "lost its lease " + std::to_string((until - note.at).count()) + " ns early";
    }
    state.follow(note);
  }
  return std::nullopt;
}

/// A run starts only if no other has the job.
[[nodiscard]] inline Verdict one_lease_at_a_time(const Life& life) {
  Follower state;
  for (const Note& note : life.notes) {
    if (note.what == What::started && state.is_leased()) return "a run started while another had the job";
    const bool has_run = state.is_leased() || state.is_over() || state.attempt() > 1;
    if (note.what == What::finished && !has_run) return "done without a run";
    if (note.what == What::returning && note.attempt > state.attempt()) return "an attempt that never started";
    state.follow(note);
  }
  return std::nullopt;
}

/// What a run returns that has lost its job to a newer one, or after the end, is refused and changes nothing.
[[nodiscard]] inline Verdict stale_counts_for_nothing(const Life& life) {
  std::unordered_map<std::uint32_t, bool> is_stale;  // by thread, from `returning` to the queue's word on it
  Follower state;
  for (const Note& note : life.notes) {
    bool& stale = is_stale[note.thread];
    switch (note.what) {
      case What::returning:
        stale = state.is_stale(note);
        break;
      case What::stale_settle:
      case What::refused:
        stale = false;
        break;
      case What::started:
        if (stale) return "a stale run returned and was not refused";
        break;
      case What::finished:
      case What::failed:
      case What::retry_scheduled:
      case What::settled:
        if (stale) return std::string(to_string(note.what)) + " by a stale run";
        break;
      default:
        break;
    }
    state.follow(note);
  }
  return std::nullopt;
}

/// try_commit() is granted once; then the job neither runs again nor is lost, and its effect happens once, by that run.
[[nodiscard]] inline Verdict effects_happen_once(const Life& life) {
  const Note* commit = nullptr;
  std::size_t effects = 0;
  Follower state;
  for (const Note& note : life.notes) {
    if (note.what == What::committed) {
      if (commit != nullptr) return "committed twice";
      if (!state.is_current(note)) return "a commit of a run that did not have the job";
      commit = &note;
    }
    if (note.what == What::effect) {
      if (commit == nullptr || commit->attempt != note.attempt) return "an effect without a commit";
      ++effects;
    }
    const bool goes_on =
        note.what == What::started || note.what == What::lease_expired || note.what == What::retry_scheduled;
    if (commit != nullptr && goes_on) return std::string(to_string(note.what)) + " after a commit";
    state.follow(note);
  }
  if (commit != nullptr && effects != 1) return "committed, with " + std::to_string(effects) + " effects";
  return std::nullopt;
}

/// Once cancel() has said `cancelled`, no run starts, and the job ends without success and without a letter.
[[nodiscard]] inline Verdict cancelled_is_cancelled(const Life& life) {
  bool cancelled = false;
  for (const Note& note : life.notes) cancelled = cancelled || note.what == What::cancelled;
  bool told = false;
  for (const Note& note : life.notes) {
    told = told || note.what == What::cancelled;
    if (told && note.what == What::started) return "started after it was cancelled";
    if (cancelled && (note.what == What::finished || note.what == What::dead)) {
      return std::string(to_string(note.what)) + ", though it was cancelled";
    }
  }
  return std::nullopt;
}

/// Only the dead have a letter, one, that tells of all failures; only what was dropped is handed back, once.
[[nodiscard]] inline Verdict letters_tell_the_truth(const Life& life) {
  const auto count = [&](What what) {
    return std::count_if(life.notes.begin(), life.notes.end(), [&](const Note& note) { return note.what == what; });
  };
  if (count(What::letter) > count(What::dead)) return "more letters than deaths";
  if (count(What::handed_back) > count(What::dropped)) return "handed back, and not dropped";
  for (const Note& note : life.notes) {
    if (note.what == What::letter && note.number != count(What::failed)) {
      return "its letter tells of " + std::to_string(note.number) + " failures, of " +
             std::to_string(count(What::failed));
    }
  }
  return std::nullopt;
}

/// stats() says what the events say, and accepted = done + dead + cancelled + discarded + returned + present.
[[nodiscard]] inline Verdict numbers_add_up(const History& history) {
  std::array<std::uint64_t, static_cast<std::size_t>(What::handed_back) + 1> counts{};
  for (const Note& note : history.notes) ++counts[static_cast<std::size_t>(note.what)];
  const auto seen = [&](What what) { return counts[static_cast<std::size_t>(what)]; };
  const windlass::Stats& stats = history.stats;
  const auto differ = [](std::string_view what, std::uint64_t says, std::uint64_t is) {
    return std::string(what) + ": stats say " + std::to_string(says) + ", events " + std::to_string(is);
  };
  if (stats.accepted != seen(What::enqueued)) return differ("accepted", stats.accepted, seen(What::enqueued));
  if (stats.done != seen(What::finished)) return differ("done", stats.done, seen(What::finished));
  if (stats.dead != seen(What::dead)) return differ("dead", stats.dead, seen(What::dead));
  const std::uint64_t dropped = stats.cancelled + stats.discarded + stats.returned;
  if (dropped != seen(What::dropped)) return differ("dropped", dropped, seen(What::dropped));
  if (stats.failures != seen(What::failed)) return differ("failures", stats.failures, seen(What::failed));
  if (stats.retries != seen(What::retry_scheduled))
    return differ("retries", stats.retries, seen(What::retry_scheduled));
  if (stats.expiries < seen(What::lease_expired)) return differ("expiries", stats.expiries, seen(What::lease_expired));
  if (stats.returned != seen(What::handed_back)) return differ("returned", stats.returned, seen(What::handed_back));
  const std::uint64_t refused = seen(What::stale_settle);  // `lost` may be for want of time, which is not counted
  if (stats.stale_settles < refused || stats.stale_settles > refused + seen(What::lost)) {
    return differ("stale settles", stats.stale_settles, refused);
  }
  const std::uint64_t sum = stats.done + stats.dead + dropped + stats.present;
  if (stats.accepted != sum) return differ("the equation", stats.accepted, sum);
  return std::nullopt;
}

}  // namespace history
