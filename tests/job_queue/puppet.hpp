#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <utility>

#include "windlass/delivery.hpp"
#include "windlass/outcome.hpp"

/// A run that does what the test tells it, on a thread of its own. So a handler hangs while the test moves the clock:
///
///     ManualQueue<int> queue{Puppet::handle, {.lease = 1s}};
///     queue.try_enqueue(1).or_throw();
///     Puppet run(queue);                                  // its handler is inside now
///     queue.clock().advance(2s);                          // and hangs
///     run.tell([](Delivery& d) { return d.extend(1s); });  // on its own thread; false
///     run.end(Outcome::done());                           // returns when the run is over, for the queue too
class Puppet {
 public:
  /// Runs the next ready job of `queue`; returns when its handler is inside. Throws if no job is ready.
  template <class Queue>
  explicit Puppet(Queue& queue)
      : thread_([this, &queue] {
          here = this;
          queue.run_one();
          here = nullptr;
          become(Stage::over);
        }) {
    wait([this] { return stage_ != Stage::coming; }, "a puppet to come to its handler");
    if (stage_ == Stage::inside) return;
    thread_.join();
    throw std::logic_error("no job was ready for the puppet");
  }
  Puppet(const Puppet&) = delete;
  Puppet& operator=(const Puppet&) = delete;
  ~Puppet() { end(); }

  /// Calls `act` inside the handler and hands its result out.
  template <class Act>
  auto tell(Act act) {
    using Result = std::invoke_result_t<Act&, windlass::Delivery&>;
    if constexpr (std::is_void_v<Result>) {
      command([&](windlass::Delivery& delivery) { act(delivery); });
    } else {
      std::optional<Result> result;
      command([&](windlass::Delivery& delivery) { result.emplace(act(delivery)); });
      return std::move(*result);
    }
  }

  /// The run's stop reason, as its handler sees it.
  windlass::StopReason stop_reason() {
    return tell([](windlass::Delivery& delivery) { return delivery.stop_token().reason(); });
  }

  /// The handler returns `outcome`; returns when the run is over. Once.
  void end(windlass::Outcome outcome = windlass::Outcome::done()) {
    if (!thread_.joinable()) return;
    let_go(outcome);
    wait([this] { return stage_ == Stage::over; }, "a puppet's run to end");
    thread_.join();
  }

  /// The same, but does not wait for the end; end() does.
  void let_go(windlass::Outcome outcome = windlass::Outcome::done()) {
    const std::lock_guard lock(mutex_);
    if (!outcome_) outcome_.emplace(outcome);
    changed_.notify_all();
  }

  /// Whether the calling thread is a puppet's.
  static bool is_here() noexcept { return here != nullptr; }

  /// The handler's part.
  static windlass::Outcome act(windlass::Delivery& delivery) { return here->obey(delivery); }

  /// A handler: puppets obey, on other threads every job is done.
  template <class Payload>
  static windlass::Outcome handle_any(const Payload& /*payload*/, windlass::Delivery& delivery) {
    return is_here() ? act(delivery) : windlass::Outcome::done();
  }
  static constexpr auto handle = [](const auto& payload, windlass::Delivery& delivery) {
    return handle_any(payload, delivery);
  };

 private:
  enum class Stage { coming, inside, over };

  windlass::Outcome obey(windlass::Delivery& delivery) {
    become(Stage::inside);
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return command_ != nullptr || outcome_; });
      if (command_ == nullptr) return *outcome_;
      (*command_)(delivery);
      command_ = nullptr;
      changed_.notify_all();
    }
  }

  void command(const std::function<void(windlass::Delivery&)>& act) {
    {
      const std::lock_guard lock(mutex_);
      command_ = &act;
      changed_.notify_all();
    }
    wait([this] { return command_ == nullptr; }, "a puppet to do as it was told");
  }

  void become(Stage stage) {
    const std::lock_guard lock(mutex_);
    stage_ = stage;
    changed_.notify_all();
  }

  // Gives up the whole test program: the puppet's thread cannot be got rid of.
  template <class Condition>
  void wait(Condition condition, const char* what) {
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, std::chrono::seconds{30}, condition)) return;
    std::fprintf(stderr, "waited in vain for %s\n", what);
    std::abort();
  }

  static inline thread_local Puppet* here = nullptr;

  std::mutex mutex_;
  std::condition_variable changed_;
  Stage stage_ = Stage::coming;
  const std::function<void(windlass::Delivery&)>* command_ = nullptr;
  std::optional<windlass::Outcome> outcome_;
  std::thread thread_;
};
