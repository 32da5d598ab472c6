#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "windlass/clock.hpp"
#include "windlass/job_id.hpp"
#include "windlass/outcome.hpp"
#include "windlass/stats.hpp"

/// What happened in a queue, note by note, and the laws that every such history keeps.
namespace history {

using windlass::Duration;
using windlass::JobId;
using windlass::Time;

/// What a note says. The first ten are windlass::Event, told by the observer; callers and handlers write the others.
enum class What : std::uint8_t {
  enqueued,
  started,
  finished,
  failed,
  retry_scheduled,
  lease_expired,
  stale_settle,
  dead,
  dropped,
  parked,
  terms,        ///< What the job was given; Note::terms says where. Written when enqueue returned, or before.
  returning,    ///< A handler is about to return Note::outcome, or a pulled lease is about to be settled with it.
  settled,      ///< A settle of a pulled lease was accepted.
  refused,      ///< A settle of a pulled lease was refused.
  extending,    ///< extend(by), heartbeat as extend(0): about to be called.
  extended,     ///< It was granted.
  committed,    ///< try_commit() was true.
  lost,         ///< try_commit() or extend() was false because the lease was lost or the job cancelled.
  effect,       ///< The handler did what it had committed to.
  cancelled,    ///< cancel() answered `cancelled`.
  letter,       ///< The sink took the job's dead letter, not a completion; Note::number is its failures.
  handed_back,  ///< `hand_back` got the job.
};

[[nodiscard]] constexpr std::string_view to_string(What what) noexcept {
  constexpr std::string_view names[] = {
      "enqueued",  "started", "finished", "failed",    "retry_scheduled", "lease_expired", "stale_settle", "dead",
      "dropped",   "parked",  "terms",    "returning", "settled",         "refused",       "extending",    "extended",
      "committed", "lost",    "effect",   "cancelled", "letter",          "handed_back"};
  return names[static_cast<std::size_t>(what)];
}

/// What a job was given: the limits and times that bind its runs.
struct Terms {
  Time due{};                          ///< Not to start before.
  Duration lease{};                    ///< Zero: none.
  Duration backoff{};                  ///< At least so long after a failure that says `retry`, and after a hang.
  std::uint32_t max_failures = ~0U;    ///< Failed attempts at most.
  std::uint32_t max_hangs = ~0U;       ///< Lost leases at most.
  std::uint32_t max_deliveries = ~0U;  ///< Both together at most.
};

/// One thing that happened. Its place in the history is when the note was made: before what it announces, or after
/// what it tells of.
struct Note {
  What what{};
  windlass::OutcomeKind outcome{};  ///< returning
  std::uint32_t thread = 0;         ///< Who wrote it; from 1.
  JobId id{};
  Time at{};                  ///< On the queue's clock.
  std::uint32_t attempt = 0;  ///< Of the run, if a handler or the owner of a pulled lease wrote it.
  std::uint32_t number = 0;   ///< terms: index in History::terms; letter: failures.
  Duration by{};              ///< extending: how long; returning: the outcome's delay.
};

/// A whole run of one queue, and what its queue said of itself when it was over.
struct History {
  std::vector<Note> notes;
  std::vector<Terms> terms;
  windlass::Stats stats{};
};

}  // namespace history
