#pragma once

#include <cstdint>
#include <string_view>

#include "job_id.hpp"

namespace windlass {

/// What an observer can see.
enum class Event : std::uint8_t {
  enqueued,         ///< A job was accepted.
  started,          ///< A run began.
  finished,         ///< A run succeeded, and its job is over.
  failed,           ///< An attempt failed: by its outcome, an exception, or a dropped lease.
  retry_scheduled,  ///< The job will run again after a failure or a hang.
  lease_expired,    ///< A run lost its lease; seen when its consequences are worked out, not by the timekeeper.
  stale_settle,     ///< The outcome of a run that had lost its lease was ignored.
  dead,             ///< The job became a dead letter; before the sink is called.
  dropped,          ///< The job ended without success and without a dead letter: cancelled, discarded, handed back.
  parked,           ///< A worker found nothing to do and goes to sleep; names no job.
};

/// One event, as an observer is told of it. `queue` is valid during the call.
struct Observation {
  Event event;             ///< What happened.
  JobId id;                ///< To which job.
  std::string_view queue;  ///< In which queue.
};

/// The default `Traits::Observer`: no instructions at all.
///
/// An observer is a default-constructible class with `void operator()(const Observation&)`, kept in the queue
/// (`JobQueue::observer`). It is called by whichever thread makes the event happen, several at once, never under a
/// lock. What it throws is contained and counted in `Stats::user_errors`.
struct NoObserver {};

}  // namespace windlass
