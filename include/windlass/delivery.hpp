#pragma once

#include <cstdint>

#include "clock.hpp"
#include "detail/job/queue_base.hpp"
#include "job_id.hpp"
#include "stop.hpp"

namespace windlass {

/// One handing of a job to a handler; what the handler uses to talk to its queue while it runs.
///
/// Belongs to the handler's call: do not keep it, and use it on the handler's own thread.
class Delivery {
 public:
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  /// The job; the same for every delivery of it. Unique in this process only: after a restart other jobs get the same
  /// ids, so a key for an outside service belongs in the payload.
  [[nodiscard]] JobId id() const noexcept { return run_.id; }

  /// 1 for the first attempt; failures and hangs before this run, plus one.
  [[nodiscard]] std::uint32_t attempt() const noexcept { return run_.attempt; }

  /// Set when this run shall stop: cancelled, lease lost, shutdown, max_runtime. Valid until the handler returns.
  [[nodiscard]] StopToken stop_token() const noexcept { return {&run_.line.stop, run_.round}; }

  /// Keeps the lease for at least `by` from now, never shorter than before. False if the lease is lost already or
  /// max_runtime is over; true means that the job was not taken away. Reads the clock.
  bool extend(Duration by) { return run_.queue.extend(run_, by); }

  /// Says "still alive": the lease starts anew, unless it is lost or max_runtime is over. One store.
  void heartbeat() noexcept {
    run_.line.beats.store(run_.line.beats.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  /// True at most once per job, over all its runs: from then on nobody takes the job away and it never runs again.
  /// Effects after it happen at most once. False if the lease was lost or the job cancelled: return without effect;
  /// what is returned then counts for nothing.
  [[nodiscard]] bool try_commit() { return run_.queue.try_commit(run_); }

  /// Sleeps for `by`; false as soon as a stop is requested. Does not extend the lease: before a sleep that may outlast
  /// it, call `extend` for a little longer than that. In virtual time the clock moves on by `by`.
  bool sleep_for(Duration by) { return run_.queue.sleep(run_, by); }

  /// For the queue only.
  explicit Delivery(detail::Run& run) noexcept : run_(run) {}

 private:
  detail::Run& run_;
};

}  // namespace windlass
