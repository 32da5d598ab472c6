#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "detail/job/handler.hpp"
#include "detail/job/traits_checks.hpp"
#include "detail/threads/engine.hpp"
#include "lease.hpp"
#include "worker_pool.hpp"

namespace windlass {

/// A queue of jobs that lives in its host, together with the workers that run them: at-least-once delivery with
/// leases, retries, dead letters, delays and priorities.
///
/// `JobQueue<Payload>` takes a handler; `JobQueue<>` takes callables, which are their own handlers. Any number of
/// threads may call anything at any time, handlers and callbacks included, but for the destructor: then only calls that
/// wait already may be under way, a shutdown() among them; they are told to leave, and it comes to its end. windlass
/// allocates nothing after construction, but for a substitute thread. Neither copyable nor movable.
template <class Payload = Callable<48>, class Traits = DefaultTraits>
class JobQueue {
  static_assert(Traits::tick > Duration{}, "windlass: Traits::tick must be above zero");
  static_assert(detail::are_lanes_served(Traits::lanes),
                "windlass: with LaneOrder::weighted each weight of Traits::lanes that is in use must be at least 1");
  static_assert(
      detail::is_observer_v<typename Traits::Observer>,
      "windlass: Traits::Observer must be default-constructible and have void operator()(const Observation&)");

  static constexpr bool takes_callables = detail::is_callable_v<Payload>;
  using Engine = detail::Engine<Payload, Traits>;

 public:
  using Options = QueueOptions<Payload>;
  using Clock = typename Traits::Clock;
  using Lease = windlass::Lease<Payload, Traits>;
  using Reserved = ReserveResult<Payload, Traits>;

  /// Starts a queue whose jobs are handled by `handler`, called as `handler(const Payload&)` or
  /// `handler(const Payload&, Delivery&)`, by several workers at once, returning void or an Outcome. Throws
  /// ConfigError, std::system_error if a thread cannot be started, std::bad_alloc.
  template <class Handler>
  requires(!takes_callables && !std::is_same_v<std::remove_cvref_t<Handler>, Options>) explicit JobQueue(
      Handler handler, Options options = {}, Clock clock = {})
      : engine_(make(detail::adapt_handler<Payload, Traits::at_most_once>(std::move(handler)), std::move(options),
                     std::move(clock))) {}

  /// Starts a queue of callables; or, with `workers = 0`, one of payloads that are pulled with `reserve`. Throws as
  /// above.
  explicit JobQueue(Options options = {}, Clock clock = {}) : engine_(make({}, std::move(options), std::move(clock))) {}

  JobQueue(const JobQueue&) = delete;
  JobQueue& operator=(const JobQueue&) = delete;

  /// Shuts down with `shutdown_grace` and `leftover`, then waits for every handler to return, however long that takes.
  /// From one of its own handlers or callbacks it prints its name and terminates. After a fork() the child's copy is
  /// abandoned, payloads included.
  ~JobQueue() {
    if (engine_->is_forked()) {
      (void)engine_.release();
      return;
    }
    if (engine_->is_inside()) {
      std::fprintf(stderr, "windlass: queue '%.*s' is destroyed by its own handler or callback\n",
                   static_cast<int>(name().size()), name().data());
      std::terminate();
    }
    engine_->shutdown(core().options.shutdown_grace, core().options.leftover, {});
    engine_->gate->shut();  // before `engine_` goes, not when: a call that leaves may still read it
  }

  /// Bytes that `QueueOptions::memory` must have for these options.
  [[nodiscard]] static std::size_t required_bytes(const Options& options) noexcept {
    return detail::JobStore<Payload, Traits>::required_bytes(options.capacity);
  }

  /// Hands `payload` to the queue and returns without waiting for it to run.
  ///
  /// Refuses with `full`, `closed` or `invalid_options` and leaves `payload` unmoved. Throws only what constructing
  /// the payload throws, and then nothing was enqueued. Lock-free unless there is a delay, a worker to wake or a
  /// call that waits: each is a short lock or two, and a wake one system call.
  EnqueueResult try_enqueue(Payload&& payload,
                            const EnqueueOptions& options = no_overrides) requires(!takes_callables) {
    return try_emplace_with(options, std::move(payload));
  }
  EnqueueResult try_enqueue(const Payload& payload,
                            const EnqueueOptions& options = no_overrides) requires(!takes_callables) {
    return try_emplace_with(options, payload);
  }
  /// The same for any function object that fits: called as `f()` or `f(Delivery&)`, returning void or an Outcome.
  template <class F>
  requires takes_callables EnqueueResult try_enqueue(F&& function, const EnqueueOptions& options = no_overrides) {
    return try_emplace_with(options, std::forward<F>(function));
  }

  /// The same, but waits for room. Answers `would_deadlock` instead where the wait might never end: in a handler or
  /// callback of its own crew (this queue or any queue on its pool), even if other workers could make room (were all to
  /// wait, none would), and on the thread that pumped last; before anybody has pumped a queue without workers, who will
  /// is not known: use try_enqueue there. `closed` also if that happens while it waits.
  EnqueueResult enqueue(Payload&& payload, const EnqueueOptions& options = no_overrides) requires(!takes_callables) {
    return emplace_with(options, std::move(payload));
  }
  EnqueueResult enqueue(const Payload& payload,
                        const EnqueueOptions& options = no_overrides) requires(!takes_callables) {
    return emplace_with(options, payload);
  }
  template <class F>
  requires takes_callables EnqueueResult enqueue(F&& function, const EnqueueOptions& options = no_overrides) {
    return emplace_with(options, std::forward<F>(function));
  }

  /// The same, but waits at most `limit` (`timed_out`) and until `stop` is requested (`stopped`).
  EnqueueResult enqueue_for(Payload&& payload, Duration limit, const EnqueueOptions& options = no_overrides,
                            StopToken stop = {}) requires(!takes_callables) {
    return admit(options, limit, stop, std::move(payload));
  }
  EnqueueResult enqueue_for(const Payload& payload, Duration limit, const EnqueueOptions& options = no_overrides,
                            StopToken stop = {}) requires(!takes_callables) {
    return admit(options, limit, stop, payload);
  }
  template <class F>
  requires takes_callables EnqueueResult enqueue_for(F&& function, Duration limit,
                                                     const EnqueueOptions& options = no_overrides,
                                                     StopToken stop = {}) {
    return admit(options, limit, stop, std::forward<F>(function));
  }

  /// Constructs the payload in its slot from `arguments`, which are untouched on refusal; never waits.
  template <class... Arguments>
  EnqueueResult try_emplace(Arguments&&... arguments) {
    return try_emplace_with(no_overrides, std::forward<Arguments>(arguments)...);
  }
  /// The same with options.
  template <class... Arguments>
  EnqueueResult try_emplace_with(const EnqueueOptions& options, Arguments&&... arguments) {
    if (engine_->is_forked()) return EnqueueResult::refused(EnqueueError::closed);
    return core().admit(options, [&](void* place) { ::new (place) Payload(std::forward<Arguments>(arguments)...); });
  }
  /// Constructs the payload in its slot from `arguments`; waits for room as `enqueue` does.
  template <class... Arguments>
  EnqueueResult emplace(Arguments&&... arguments) {
    return emplace_with(no_overrides, std::forward<Arguments>(arguments)...);
  }
  /// The same with options.
  template <class... Arguments>
  EnqueueResult emplace_with(const EnqueueOptions& options, Arguments&&... arguments) {
    return admit(options, std::nullopt, {}, std::forward<Arguments>(arguments)...);
  }

  /// Enqueues payloads from [first, last) in order until one is refused; never waits. Moves only from move iterators,
  /// and only what was accepted. If a payload's constructor throws, what came before stays enqueued.
  template <class Iterator>
  BulkResult<Iterator> try_enqueue_bulk(Iterator first, Iterator last, const EnqueueOptions& options = no_overrides) {
    return bulk(first, last,
                [&](auto&& payload) { return try_emplace_with(options, std::forward<decltype(payload)>(payload)); });
  }
  /// The same, but waits for room for each, as `enqueue` does.
  template <class Iterator>
  BulkResult<Iterator> enqueue_bulk(Iterator first, Iterator last, const EnqueueOptions& options = no_overrides) {
    return bulk(first, last,
                [&](auto&& payload) { return emplace_with(options, std::forward<decltype(payload)>(payload)); });
  }

  /// Ends a job that is queued, and asks a running one to stop; it will not run again. See CancelResult. Lock-free
  /// for a ready job. The payload of one that was ready is destroyed at once, but its slot stays taken until its turn
  /// in its lane comes, which it does not while the queue is paused: `Stats::tombstones`.
  CancelResult cancel(JobId id) {
    if (engine_->is_forked()) return CancelResult::not_found;
    const detail::Frame frame(engine_->crew, core().number);
    return detail::cancel_job(core(), id);
  }

  /// Takes a ready job to be worked by the caller; never waits. Else says `timed_out` if none is ready or the queue is
  /// paused, `closed` if none ever will be: it is closed and empty, or shut down. One short lock if the job has a
  /// lease.
  Reserved try_reserve() {
    if (engine_->is_forked()) return WaitError::closed;
    engine_->keep_house();
    if (auto lease = Lease::pull(engine_->gate, core())) return std::move(*lease);
    return engine_->is_finished() ? WaitError::closed : WaitError::timed_out;
  }
  /// The same, but waits until there is one. Else says `stopped` if `stop` was requested, `closed` as above, and
  /// `would_deadlock` where `enqueue` would.
  Reserved reserve(StopToken stop = {}) { return reserve_until({}, stop); }
  /// The same, but waits at most `limit`: `timed_out`.
  Reserved reserve_for(Duration limit, StopToken stop = {}) { return reserve_until(engine_->deadline_in(limit), stop); }

  /// Runs one ready job on the caller; false if there was none. With `workers = 0` also does what is due. At most
  /// four threads are in `run_one`, `poll`, `pump` or `run` at once, counted over all queues of a pool; a fifth finds
  /// nothing.
  bool run_one() { return pump({.budget = std::nullopt, .max_jobs = 1}).ran == 1; }

  /// Runs the jobs on the caller that are ready now; those that they enqueue are for the next call. Returns how many.
  /// Four threads at most: see `run_one`.
  std::size_t poll() { return engine_->is_forked() ? 0 : engine_->poll(); }

  /// The same until nothing is ready or `options` say stop. With a budget, reads the clock once a job.
  PumpResult pump(PumpOptions options = {}) { return engine_->is_forked() ? PumpResult{} : engine_->pump(options); }

  /// When to pump next: now if there is something for a handler to run, else the earliest timer (of a delay, a retry, a
  /// pulled lease), if there is one. Jobs that are ready to be pulled do not count; `try_reserve` knows of them.
  [[nodiscard]] std::optional<Time> next_due() const noexcept {
    if (core().has_work()) return core().clock.now();
    const Time due = core().planner.next_due();
    return due == (Time::max)() ? std::nullopt : std::optional<Time>{due};
  }

  /// Lends the calling thread as one more worker, until `stop` is requested or the queue is closed and empty. Returns
  /// early if it looks for work and finds four others at it (see `run_one`): ask `stop` before you lend it again.
  void run(StopToken stop) {
    if (engine_->is_forked()) return;
    const detail::Gate::Visit visit(*engine_->gate);
    if (visit) engine_->run(stop);
  }

  /// No further job starts, but one that a worker is just taking; running and pulled ones go on. A job enqueued while
  /// the queue is paused waits for `resume`, and wakes no worker.
  void pause() noexcept { core().is_paused.store(true); }
  /// Undoes `pause`; wakes at once.
  void resume() {
    core().is_paused.store(false);  // [pause.look] before the look at the lanes
    if (!engine_->is_forked() && core().has_ready()) core().announce_all();
  }
  [[nodiscard]] bool is_paused() const noexcept { return core().is_paused.load(); }

  /// Refuses new jobs from now on; those that are here are still run.
  void close() {
    if (!engine_->is_forked()) engine_->close();
  }
  [[nodiscard]] bool is_closed() const noexcept { return engine_->is_forked() || core().is_closed.load(); }

  /// Waits at most `limit` until nothing is ready or running; delayed jobs may remain. With `workers = 0` runs the
  /// jobs. Else says `timed_out`; `would_deadlock` in a handler or callback of its own crew, see `enqueue`; `closed`
  /// only if the queue is being destroyed, or was shut down while a lease is still out. Does not resume a paused queue:
  /// what is ready stays so, and it times out.
  WaitResult wait_idle_for(Duration limit) {
    return wait_running(limit, [this] { return core().counters.is_idle(); });
  }

  /// Closes, then waits at most `limit` until nothing is left, delayed and retrying jobs included. Says the same as
  /// wait_idle_for, and has closed the queue in any case.
  WaitResult drain_for(Duration limit) {
    close();
    return wait_running(limit, [this] { return core().counters.is_drained(); });
  }

  /// Ends the queue: closes it, runs what fits the grace, asks the rest to stop, waits for them, and deals with what is
  /// left. Afterwards only counters, kept letters and leases that are out remain. Not limited by the grace: a handler
  /// that does not listen is waited for. A call beside another waits until that one has ended, a later one does
  /// nothing, and one from a handler or callback of its own crew only closes: jobs may still be `present`. Returns what
  /// became of every job. Throws ConfigError for a negative grace, or for `Leftover::hand_back` without a `hand_back`.
  Report shutdown(ShutdownOptions<Payload> options = {}) {
    if (options.grace < Duration{}) detail::throw_config("grace", "must not be negative", {"queue", name()});
    if (options.leftover == Leftover::hand_back && !options.hand_back) {
      detail::throw_config("hand_back", "must be given for Leftover::hand_back", {"queue", name()});
    }
    const detail::Gate::Visit visit(*engine_->gate);  // a destructor on another thread waits until we have reported
    if (detail::Frame::is_inside(engine_->crew)) {
      close();
    } else if (visit) {
      engine_->shutdown(options.grace, options.leftover, std::move(options.hand_back));
    }
    return detail::report_of(core());
  }

  /// A snapshot of all counters; no lock. O(shards), and up to 128 places of each lane for `oldest_wait`.
  [[nodiscard]] Stats stats() const {
    Stats stats = detail::stats_of(core());
    stats.hung = engine_->crew.hung();
    stats.substitutes = engine_->crew.substitutes();
    stats.is_degraded = engine_->crew.is_degraded();
    stats.user_errors += engine_->crew.hook_errors();
    return stats;
  }

  /// Jobs that are not over, in whatever state; exact when no call is in progress. Zero does not mean that there is
  /// room: see `capacity`.
  [[nodiscard]] std::uint64_t size_approx() const noexcept { return detail::report_of(core()).present; }

  /// How many jobs fit; exactly the number asked for. A job that is over may hold its slot a while: a cancelled one in
  /// its lane (`Stats::tombstones`), a letter that the sink would not take (`Stats::kept`), a run that hangs. So an
  /// enqueue may say `full` while `size_approx` is zero.
  [[nodiscard]] std::uint32_t capacity() const noexcept { return core().options.capacity; }

  /// The name given.
  [[nodiscard]] std::string_view name() const noexcept { return core().name(); }

  /// Offers the dead letters again that the sink would not take; returns how many it took. O(slots ever used).
  std::uint32_t retry_kept() {
    if (engine_->is_forked()) return 0;
    const detail::Frame frame(engine_->crew, core().number);
    return core().retry_kept();
  }

  /// The observer (trait `Observer`).
  [[nodiscard]] typename Traits::Observer& observer() noexcept { return core().observer; }

 protected:
  /// For clocks that are moved by hand: does what is due, as a timekeeper would; or learns that so much time was slept.
  void keep_time_as_timekeeper(Duration slept) {
    slept > Duration{} ? engine_->crew.slept(slept) : static_cast<void>(engine_->crew.round(core().clock.now()));
  }

  /// Whether anybody is in a run or holds a lease: then time that passes in one jump is a standstill.
  [[nodiscard]] bool has_leases_out() const noexcept {
    return engine_->crew.has_pumps() || core().pulled_out.load() != 0;
  }

 private:
  using Core = typename Engine::Core;

  static std::unique_ptr<Engine> make(typename Core::Handler handler, Options&& options, Clock clock) {
    const ReasonText name{options.name};  // cut, if it is the name that is too long
    const detail::Owner owner{"queue", name.view()};
    if (const ConfigIssue issue = (check)(options, Traits::tick)) detail::throw_config(issue.field, issue.why, owner);
    const bool is_pumped = options.pool == nullptr && options.workers.value_or(1) == 0;
    if (!takes_callables && !handler && !is_pumped) {
      static constexpr const char* why =
          std::is_invocable_v<Payload&> || std::is_invocable_v<Payload&, Delivery&>
              ? "must be 0 for a queue without a handler; payloads that are callables need one, or use JobQueue<>"
              : "must be 0 for a queue without a handler: its jobs are pulled";
      detail::throw_config("workers", why, owner);
    }
    if (options.pool != nullptr && !std::is_same_v<Clock, SystemClocks>) {
      detail::throw_config("pool", "keeps the machine's time and cannot serve a queue with another clock", owner);
    }
    if (options.pool != nullptr && options.pool->is_forked()) {
      detail::throw_config("pool", "was made before a fork()", owner);
    }
    if (!options.memory.empty() && options.memory.size() < required_bytes(options)) {
      detail::throw_config("memory", "is smaller than required_bytes(options)", owner);
    }
    detail::Crew* const shared = options.pool == nullptr ? nullptr : options.pool->crew_.get();
    return std::make_unique<Engine>(std::move(handler), std::move(options), shared, std::move(clock));
  }

  template <class... Arguments>
  EnqueueResult admit(const EnqueueOptions& options, std::optional<Duration> limit, StopToken stop,
                      Arguments&&... arguments) {
    const auto construct = [&](void* place) { ::new (place) Payload(std::forward<Arguments>(arguments)...); };
    if (engine_->is_forked()) return EnqueueResult::refused(EnqueueError::closed);
    const EnqueueResult at_once = core().admit(options, construct);
    if (at_once.error() != EnqueueError::full) return at_once;
    const detail::Gate::Visit visit(*engine_->gate);
    if (!visit) return EnqueueResult::refused(EnqueueError::closed);
    return engine_->enqueue(options, engine_->deadline_in(limit), stop, construct);
  }

  template <class Iterator, class Enqueue>
  static BulkResult<Iterator> bulk(Iterator first, Iterator last, Enqueue enqueue) {
    std::size_t accepted = 0;
    for (; first != last; ++first, ++accepted) {
      const EnqueueResult result = enqueue(*first);
      if (!result) return {accepted, std::move(first), result.error(), result.field().data()};
    }
    return {accepted, std::move(first), EnqueueError::none};
  }

  Reserved reserve_until(const typename Engine::Deadline& deadline, StopToken stop) {
    if (engine_->is_forked()) return WaitError::closed;
    const detail::Gate::Visit visit(*engine_->gate);
    if (!visit) return WaitError::closed;
    for (;;) {
      engine_->keep_house();
      if (auto lease = Lease::pull(engine_->gate, core())) return std::move(*lease);
      const WaitError error = engine_->wait_to_reserve(deadline, stop);
      if (error != WaitError::none) return error;
    }
  }

  template <class Ready>
  WaitResult wait_running(Duration limit, Ready ready) {
    if (engine_->is_forked()) return WaitResult::failed(WaitError::closed);
    const detail::Gate::Visit visit(*engine_->gate);
    if (!visit) return WaitResult::failed(WaitError::closed);
    if (detail::Frame::is_inside(engine_->crew)) return WaitResult::failed(WaitError::would_deadlock);
    bool was_ready = false;  // at one moment is enough: others may enqueue again at once
    const auto ends = [&] {
      was_ready = was_ready || ready();
      return was_ready || core().phase.load() == detail::Phase::over;
    };
    const WaitError error = engine_->wait_running(ends, engine_->deadline_in(limit));
    if (error != WaitError::none) return WaitResult::failed(error);
    return was_ready ? WaitResult::done() : WaitResult::failed(WaitError::closed);
  }

  [[nodiscard]] Core& core() const noexcept { return engine_->core; }

  std::unique_ptr<Engine> engine_;
};

}  // namespace windlass

#include "detail/job_queue_deduction.hpp"
