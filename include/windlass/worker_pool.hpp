#pragma once

#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <string_view>
#include <utility>

#include "detail/job/fork.hpp"
#include "detail/threads/crew.hpp"
#include "options.hpp"
#include "result.hpp"
#include "text.hpp"
#include "traits.hpp"

namespace windlass {

/// Workers that several queues share, each with its weight. Queues come and go while it runs: up to 64 at a time, by
/// `QueueOptions::pool`. Must outlive them. Neither copyable nor movable.
class WorkerPool {
 public:
  /// Starts the threads. Throws ConfigError, or std::system_error if a thread cannot be started.
  explicit WorkerPool(WorkerPoolOptions options = {})
      : max_workers_(options.max_workers.value_or(options.workers)),
        crew_(std::make_unique<detail::Crew>(crew_options(std::move(options)))) {
    crew_->start();
  }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Joins the threads. All queues must be gone, those that were shut down, too: if one is left, prints both names and
  /// terminates. After a fork() the child's copy is abandoned.
  ~WorkerPool() {
    if (is_forked()) {
      (void)crew_.release();
      return;
    }
    const std::string_view queue = crew_->first_queue();
    if (queue.data() == nullptr) return;
    std::fprintf(stderr, "windlass: pool '%.*s' is destroyed before its queue '%.*s'\n",
                 static_cast<int>(crew_->name().size()), crew_->name().data(), static_cast<int>(queue.size()),
                 queue.data());
    std::terminate();
  }

  /// From now on `workers` threads work, 1 to `max_workers`. Fewer: the surplus stand by as soon as they have finished
  /// their jobs. Throws ConfigError, or std::system_error if a thread cannot be started. Any thread.
  void resize(std::uint32_t workers) {
    if (workers == 0 || workers > max_workers_) {
      detail::throw_config("workers", "must be 1 to max_workers", {"pool", crew_->name()});
    }
    if (!is_forked()) crew_->resize(workers);
  }

  /// Workers whose run lost its lease and has not returned.
  [[nodiscard]] std::uint32_t hung() const noexcept { return crew_->hung(); }

  /// Workers beyond the number asked for, that stand in for hung ones.
  [[nodiscard]] std::uint32_t substitutes() const noexcept { return crew_->substitutes(); }

  /// True if a substitute was needed and could not be started.
  [[nodiscard]] bool is_degraded() const noexcept { return crew_->is_degraded(); }

 private:
  template <class Payload, class Traits>
  friend class JobQueue;

  [[nodiscard]] bool is_forked() const noexcept {
    return detail::fork_generation.load(std::memory_order_relaxed) != generation_;
  }

  static detail::CrewOptions crew_options(WorkerPoolOptions&& options) {
    const ReasonText name{options.name};  // cut, if it is the name that is too long
    if (const ConfigIssue issue = (check)(options)) detail::throw_config(issue.field, issue.why, {"pool", name.view()});
    detail::CrewOptions crew;
    crew.name = name;
    crew.workers = options.workers;
    crew.max_workers = options.max_workers.value_or(options.workers);
    crew.max_substitutes = options.max_substitutes.value_or(crew.max_workers);
    crew.on_worker_start = std::move(options.on_worker_start);
    crew.on_worker_stop = std::move(options.on_worker_stop);
    crew.now = [] { return SystemClocks{}.now(); };
    crew.is_shared = true;
    return crew;
  }

  const std::uint32_t generation_ = detail::watch_for_fork();
  const std::uint32_t max_workers_;
  std::unique_ptr<detail::Crew> crew_;
};

}  // namespace windlass
