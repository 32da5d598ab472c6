#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "clock.hpp"
#include "dead_letter.hpp"
#include "function.hpp"
#include "job_id.hpp"
#include "retry.hpp"
#include "text.hpp"

namespace windlass {

class WorkerPool;

/// The three default lanes. With another lane count in the traits, cast the lane's number; 0 is served first.
enum class Priority : std::uint8_t { high = 0, normal = 1, low = 2 };

/// What happens to a job whose run lost its lease.
enum class OnHung : std::uint8_t {
  redeliver,  ///< Another run may start while the hung one is still inside.
  wait,       ///< The next run starts when the hung one has returned.
  give_up,    ///< The job becomes a dead letter.
};

/// What `on_hung` is told.
struct HungInfo {
  JobId id{};                    ///< The job.
  std::uint32_t hangs = 0;       ///< Leases it lost, this one included.
  std::uint32_t deliveries = 0;  ///< Failures and hangs together.
  bool shutting_down = false;    ///< The queue waits for this run before it can go: no counts, the answer is ignored.
};

/// What the worker hooks are told.
struct WorkerInfo {
  std::string_view name;       ///< The thread's name: "mail-0", "mail-s0" for a substitute.
  std::uint32_t index = 0;     ///< Its number among the workers or among the substitutes.
  bool is_substitute = false;  ///< Started because a handler hung.
};

/// What becomes of jobs that are left when the time to finish them is over.
enum class Leftover : std::uint8_t {
  run,          ///< Run what is due within the grace; what is left then becomes a dead letter, `abandoned`.
  dead_letter,  ///< Start nothing more; what is left becomes a dead letter, `abandoned`.
  hand_back,    ///< Start nothing more; the payloads go to `ShutdownOptions::hand_back`.
  discard,      ///< Start nothing more; what is left is counted and destroyed.
};

/// How a queue works; given once, at construction. Durations of a wrong sign, zero counts and the like throw a
/// ConfigError that names the field; nothing is clamped.
template <class Payload>
struct QueueOptions {
  /// Names the queue in thread names and messages; copied, at most 95 bytes.
  std::string_view name = "queue";
  /// How many jobs the queue holds, whatever their state; exact. 1 to 2^31 - 1. See `JobQueue::capacity`.
  std::uint32_t capacity = 4096;
  /// Threads of this queue's own, at most 1024, besides one that keeps time. 0: none ever, the host pumps. Unset means
  /// 1; must be unset with `pool`.
  std::optional<std::uint32_t> workers{};
  /// Runs the handlers on a pool shared with other queues, 64 at most; must outlive the queue. Only with the default
  /// clock. Null: own workers.
  WorkerPool* pool = nullptr;
  /// Share of a shared pool's attention, relative to its other queues; 1 to 1000.
  std::uint32_t weight = 1;
  /// Start paused: nothing runs until `resume`.
  bool paused = false;
  /// How long a run may go without returning, extending or a heartbeat before the job is taken from it: never sooner,
  /// and at most 1/8 and two ticks later while the timekeeper gets to run. Zero: for ever. At least one tick (1 ms).
  /// While jobs run it is looked at every sixteenth of the shortest lease or max_runtime that the queue, its pool or
  /// one of their jobs ever had, 1 ms to 1 s.
  Duration lease = std::chrono::seconds{30};
  /// Total time of one run or pulled lease, after which it is asked to stop and its lease is not renewed. Zero: no
  /// limit. At least one tick.
  Duration max_runtime{};
  /// The handler runs this often if it always fails. At least 1.
  std::uint32_t max_failures = 5;
  /// Deliveries that end in failure or hang, together. At least 1. Unset: 10, or max_failures + max_hangs if that is
  /// more, a job's own max_failures included.
  std::optional<std::uint32_t> max_deliveries{};
  /// A job that has lost this many leases is dead: `hung`. At least 1.
  std::uint32_t max_hangs = 2;
  /// Extra workers that stand in for hung ones; each starts when it is needed, or, in a build without exceptions, with
  /// the queue. At most 900. Unset: as many as workers; must be unset with `pool`.
  std::optional<std::uint32_t> max_substitutes{};
  /// When to try again.
  RetryPolicy retry = ExponentialBackoff{};
  /// A job that is this old, counted from its enqueue, when a run of it ends in failure, hang or snooze is not run
  /// again: it becomes a dead letter, `failures_exhausted` even if it snoozed. Looked at only then: a run that is
  /// planned comes, however old the job is by that time. Zero: no limit. Stamps every job (one clock read at enqueue).
  Duration retry_for{};
  /// What the destructor gives running and due jobs before it asks them to stop.
  Duration shutdown_grace = std::chrono::seconds{5};
  /// What the destructor does with the rest; not `hand_back`, for which `shutdown` is there.
  Leftover leftover = Leftover::run;
  /// Decides about a job whose lease expired. Unset: `redeliver` for payloads and for callables marked
  /// `concurrent`, `wait` for other callables. Called with no lock held by a worker, or by whoever pumps, reserves,
  /// waits or settles on a queue without workers; several at once. If it throws, the same holds as if it were unset.
  Function<OnHung(const HungInfo&)> on_hung{};
  /// Called by the thread that makes a job ready or plans an earlier timer, once, then not again until a call that runs
  /// jobs rearms it; no lock held. Nobody calls it when a timer comes due: sleep until `next_due()` at most. What it
  /// throws is counted in `user_errors`. Only with `workers = 0`.
  Function<void()> on_ready{};
  /// Called on each worker thread before its first job. Must be unset with `pool`, which has its own.
  Function<void(const WorkerInfo&)> on_worker_start{};
  /// Called on each worker thread after its last job. Must be unset with `pool`.
  Function<void(const WorkerInfo&)> on_worker_stop{};
  /// Where the jobs live; at least `required_bytes(options)`, outlives the queue. It is cleared at construction, which
  /// touches all of it. In huge pages a queue that is often deep is faster. Empty: one allocation, of which what is
  /// never used takes no memory.
  std::span<std::byte> memory{};
  /// Seeds jitter; the same seed gives the same delays in virtual time. The same in every process unless it is set: set
  /// it where many processes retry against one service.
  std::uint64_t seed = 0x77696e646c617373U;
  /// Takes jobs that will not run again. Unset: they are counted and destroyed.
  DeadLetterSink<Payload> dead_letters{};
};

/// How a shutdown goes.
template <class Payload>
struct ShutdownOptions {
  /// How long running jobs, and with `Leftover::run` due ones, may take before they are asked to stop.
  Duration grace = std::chrono::seconds{5};
  /// What becomes of the rest.
  Leftover leftover = Leftover::run;
  /// With `Leftover::hand_back`: takes each job that is left, on the thread that shuts down, settles it, was about to
  /// reserve it or had just enqueued it, which may be after shutdown() returned; no lock held. If it throws, the job
  /// becomes a dead letter, `abandoned`.
  Function<void(JobId, Payload&&)> hand_back{};
};

/// How much one `pump` may do.
struct PumpOptions {
  /// No job is started once this much time has passed. Unset: until nothing is ready.
  std::optional<Duration> budget{};
  /// At most so many jobs.
  std::size_t max_jobs = static_cast<std::size_t>(-1);
};

/// What one `pump` did.
struct PumpResult {
  std::size_t ran = 0;     ///< Jobs run.
  std::uint64_t left = 0;  ///< Jobs still in the lanes, more or less, those of a paused queue and cancelled ones
                           ///< included; `on_ready` is not called for these.
  Duration overrun{};      ///< How much the last job went over the budget.
};

/// A shared pool's options; see QueueOptions for the common fields.
struct WorkerPoolOptions {
  /// Names the threads; copied, at most 95 bytes.
  std::string_view name = "pool";
  /// Threads to begin with; 1 to 1024.
  std::uint32_t workers = 1;
  /// How far `resize` may go, at most 1024. Unset: as many as workers.
  std::optional<std::uint32_t> max_workers{};
  /// Extra workers that stand in for hung ones, at most 900. Unset: as many as max_workers.
  std::optional<std::uint32_t> max_substitutes{};
  /// Called on each worker thread before its first job.
  Function<void(const WorkerInfo&)> on_worker_start{};
  /// Called on each worker thread after its last job.
  Function<void(const WorkerInfo&)> on_worker_stop{};
};

/// Overrides for one job.
struct EnqueueOptions {
  /// Not before now plus this, on the queue's clock.
  Duration delay{};
  /// Not before this wall-clock time; setting the clock re-plans. Not together with `delay`.
  std::optional<std::chrono::system_clock::time_point> at{};
  /// Which lane; unset means the middle one.
  std::optional<Priority> priority{};
  /// Instead of the queue's `lease`; zero means none.
  std::optional<Duration> lease{};
  /// Instead of the queue's `max_runtime`; zero means none.
  std::optional<Duration> max_runtime{};
  /// Instead of the queue's `max_failures`.
  std::optional<std::uint32_t> max_failures{};
  /// Instead of the queue's `retry_for`; zero means none.
  std::optional<Duration> retry_for{};

  /// True if nothing is overridden but the priority: the fast road.
  [[nodiscard]] bool is_default() const noexcept {
    return delay == Duration{} && !at && !lease && !max_runtime && !max_failures && !retry_for;
  }
};

/// No overrides; what enqueue calls use when they are given none.
inline constexpr EnqueueOptions no_overrides{};

/// A setting that cannot work: which field, and why. `field` is null if all is well.
struct ConfigIssue {
  const char* field = nullptr;
  const char* why = "";

  [[nodiscard]] explicit operator bool() const noexcept { return field != nullptr; }
};

/// Looks `options` over and returns the first issue; what a queue's constructor throws. No side effects. In
/// parentheses, for some engines have a macro of that name: there it is called `(windlass::check)(options)`.
template <class Payload>
[[nodiscard]] ConfigIssue(check)(const QueueOptions<Payload>& options, Duration tick = std::chrono::milliseconds{1}) {
  if (options.name.size() > ReasonText::max_size) return {"name", "must be at most 95 bytes"};
  if (options.capacity == 0 || options.capacity >= (1U << 31U)) return {"capacity", "must be 1 to 2^31 - 1"};
  if (options.pool != nullptr && options.workers) return {"workers", "must be unset when a pool is given"};
  if (options.pool != nullptr && options.max_substitutes) return {"max_substitutes", "belongs to the pool"};
  if (options.pool != nullptr && options.on_worker_start) return {"on_worker_start", "belongs to the pool"};
  if (options.pool != nullptr && options.on_worker_stop) return {"on_worker_stop", "belongs to the pool"};
  if (options.workers.value_or(1) > 1024) return {"workers", "must be at most 1024"};
  if (options.on_ready && options.workers.value_or(1) != 0) return {"on_ready", "is for queues with workers = 0"};
  if (options.weight == 0 || options.weight > 1000) return {"weight", "must be 1 to 1000"};
  if (Duration{} > options.lease) return {"lease", "must not be negative"};
  if (options.lease != Duration{} && tick > options.lease) return {"lease", "is shorter than a tick"};
  if (Duration{} > options.max_runtime) return {"max_runtime", "must not be negative"};
  if (options.max_runtime != Duration{} && tick > options.max_runtime) return {"max_runtime", "is shorter than a tick"};
  if (options.max_failures == 0) return {"max_failures", "must be at least 1"};
  if (options.max_deliveries.value_or(1) == 0) return {"max_deliveries", "must be at least 1"};
  if (options.max_hangs == 0) return {"max_hangs", "must be at least 1"};
  if (options.max_substitutes.value_or(0) > 900) return {"max_substitutes", "must be at most 900"};
  if (!options.retry) return {"retry", "must hold a policy"};
  if (options.retry.flaw() != nullptr) return {"retry", options.retry.flaw()};
  if (Duration{} > options.retry_for) return {"retry_for", "must not be negative"};
  if (Duration{} > options.shutdown_grace) return {"shutdown_grace", "must not be negative"};
  if (options.leftover == Leftover::hand_back) return {"leftover", "a destructor has nobody to hand jobs back to"};
  return {};
}

/// Looks `options` over and returns the first issue; what a pool's constructor throws. No side effects.
[[nodiscard]] inline ConfigIssue(check)(const WorkerPoolOptions& options) {
  if (options.name.size() > ReasonText::max_size) return {"name", "must be at most 95 bytes"};
  if (options.workers == 0 || options.workers > 1024) return {"workers", "must be 1 to 1024"};
  if (options.max_workers && (*options.max_workers < options.workers || *options.max_workers > 1024)) {
    return {"max_workers", "must be at least workers and at most 1024"};
  }
  if (options.max_substitutes.value_or(0) > 900) return {"max_substitutes", "must be at most 900"};
  return {};
}

namespace detail {

/// The lane that `options` ask for by `priority`, which is set. Not inlined, as `check` below is not.
[[nodiscard, gnu::noinline]] inline std::uint8_t lane_of(const EnqueueOptions& options) {
  return static_cast<std::uint8_t>(*options.priority);
}

}  // namespace detail

/// The field of `options` that has an impossible value, or null. `lanes` is the queue's lane count.
/// Not inlined: g++ 12 would take the empty optionals of a temporary for uninitialised memory, and warn every caller.
[[nodiscard, gnu::noinline]] inline const char*(check)(const EnqueueOptions& options, std::uint32_t lanes,
                                                       Duration tick) {
  if (Duration{} > options.delay) return "delay";
  if (options.at && options.delay != Duration{}) return "at";
  if (options.priority && static_cast<std::uint32_t>(*options.priority) >= lanes) return "priority";
  if (options.lease && *options.lease != Duration{} && *options.lease < tick) return "lease";
  if (options.max_runtime && *options.max_runtime != Duration{} && *options.max_runtime < tick) return "max_runtime";
  if (options.max_failures && *options.max_failures == 0) return "max_failures";
  if (options.retry_for && *options.retry_for < Duration{}) return "retry_for";
  return nullptr;
}

}  // namespace windlass
