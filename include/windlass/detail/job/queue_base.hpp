#pragma once

#include <cstdint>
#include <exception>
#include <string_view>

#include "../machines/linked_list.hpp"
#include "run_line.hpp"
#include "windlass/job_id.hpp"

namespace windlass::detail {

class QueueBase;

/// How try_commit() went in a delivery.
enum class Commit : std::uint8_t {
  none,     // it was not asked
  made,     // nobody takes the job away any more
  refused,  // the handler was told to leave no effect: its success means nothing
};

/// One run of a handler, as its own thread sees it.
struct Run {
  QueueBase& queue;
  RunLine& line;
  JobId id;
  std::uint32_t slot;
  std::uint32_t attempt;
  std::uint64_t stamp;  // of the lease; an extend renews it
  std::uint64_t round;  // of the line's stop state
  Commit commit = Commit::none;
  std::exception_ptr exception{};  // what the handler threw
};

/// What a thread that came to run something did.
enum class Ran : std::uint8_t {
  nothing,  // nothing was ready
  errand,   // the consequences of something earlier
  job,      // one run
  no_seat,  // too many threads pump at once
};

/// What threads and runs need of a queue whose payload type they do not know.
class QueueBase {
 public:
  /// Runs one errand or one ready job on the caller, who publishes it in `line`.
  virtual Ran run_next(RunLine& line) = 0;

  /// The thread of `line` will not call run_next() again at once: whoever waits for idleness is told of what it ended.
  virtual void tell_done(RunLine& line) noexcept = 0;

  /// Whether run_next() would find something. seq_cst looks only, no lock: [park.look].
  [[nodiscard]] virtual bool has_work() const noexcept = 0;

  /// Makes ready what is due at `now`; returns when there is more to do, or Time::max().
  virtual Time tick(Time now) = 0;

  /// Takes the job away from the run that bears `low_stamp`. False if that run does not have it any more.
  virtual bool expire(std::uint32_t slot, std::uint32_t low_stamp) = 0;

  /// Row "renew": the run's lease lasts at least `by` from now. False if it lost the lease or may not renew.
  virtual bool extend(Run& run, Duration by) = 0;

  /// Row 8 for `run`.
  virtual bool try_commit(Run& run) = 0;

  /// A thread is about to run something that may hang, and there is no timekeeper: whoever waits keeps time.
  virtual void pump_begins() = 0;

  /// That thread has left, and somebody else may run what is left.
  virtual void pump_ends() = 0;

  /// A worker found nothing and is about to sleep.
  virtual void worker_parked() = 0;

  /// Waits in the handler of `run` until `by` has passed or its stop is requested; true if it slept to the end.
  virtual bool sleep(Run& run, Duration by) = 0;

  [[nodiscard]] virtual std::string_view name() const noexcept = 0;

  std::uint32_t place = 0;     // among the queues of its crew, which sets it before it serves this one
  Links<QueueBase> in_crew{};  // the crew's own

 protected:
  ~QueueBase() = default;
};

/// What a queue needs of whoever runs its jobs.
class Host {
 public:
  /// How many lines serve this queue and no other; their indices are below that.
  [[nodiscard]] virtual std::uint32_t lines() const noexcept = 0;

  /// Something became ready (published with seq_cst before this call).
  virtual void wake() noexcept = 0;

  /// The worker of `line`, a searcher, has taken a job: others may be wanted for what is left.
  virtual void end_search(RunLine& line) noexcept = 0;

  /// A deadline was set that is earlier than any before.
  virtual void plan_changed() noexcept = 0;

  /// A job with this lease, or this max_runtime, may start soon: the watch looks as often as it needs. True if that is
  /// more often than before: then those who keep time must be told.
  virtual bool lease_in_use(Duration lease) noexcept = 0;

  /// A pulled lease went out, or came back: as long as one is out, stalls are looked for.
  virtual void pulled_lease_out() noexcept = 0;
  virtual void pulled_lease_back() noexcept = 0;

  /// Asks the run of `slot` that bears `low_stamp` to stop. False if no line shows that run.
  virtual bool stop_run(const QueueBase& queue, std::uint32_t slot, std::uint32_t low_stamp,
                        StopReason why) noexcept = 0;

  /// Lease time: the clock's time less the stalls that the timekeeper saw.
  [[nodiscard]] virtual Time lease_time(Time now) const noexcept = 0;

  /// Whether nobody but callers of the queue runs jobs and keeps time.
  [[nodiscard]] virtual bool is_pumped() const noexcept = 0;

 protected:
  ~Host() = default;
};

}  // namespace windlass::detail
