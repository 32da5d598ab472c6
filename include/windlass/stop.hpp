#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <version>

#if defined(__cpp_lib_jthread)
#include <stop_token>
#endif

namespace windlass {

/// Why something was asked to stop.
enum class StopReason : std::uint8_t {
  none,         ///< It was not.
  user,         ///< Somebody asked: `cancel`, or `StopSource::request_stop`.
  lease_lost,   ///< The lease expired, or a pulled one is over; another run may have the job.
  shutdown,     ///< The queue is shutting down.
  max_runtime,  ///< The run, or the pulled lease, took longer than `max_runtime`.
};

/// The enumerator's name.
[[nodiscard]] constexpr std::string_view to_string(StopReason reason) noexcept {
  switch (reason) {
    case StopReason::none:
      return "none";
    case StopReason::user:
      return "user";
    case StopReason::lease_lost:
      return "lease_lost";
    case StopReason::shutdown:
      return "shutdown";
    case StopReason::max_runtime:
      return "max_runtime";
  }
  return "unknown";
}

namespace detail {

/// The word behind stop tokens, `{round:56 | reason:8}`, and who waits for it. A round is one run of a handler on its
/// worker, or one pulled lease of its slot, so that stopping one never stops the next. A template for tests that bring
/// their own threads.
template <class Word = std::atomic<std::uint64_t>, class Mutex = std::mutex, class Condition = std::condition_variable>
class BasicStopState {
 public:
  /// A waiting call: registered while it lives, it is notified when a stop is requested.
  class Waiter {
   public:
    /// `state` may be null: then nothing ever notifies. The caller must not hold `mutex`.
    Waiter(BasicStopState* state, Mutex& mutex, Condition& wake) : state_(state), mutex_(mutex), wake_(wake) {
      if (state_ == nullptr) return;
      const std::lock_guard lock(state_->mutex_);
      next_ = state_->waiters_;
      if (next_ != nullptr) next_->previous_ = &next_;
      previous_ = &state_->waiters_;
      state_->waiters_ = this;
    }
    ~Waiter() {
      if (state_ == nullptr) return;
      const std::lock_guard lock(state_->mutex_);
      *previous_ = next_;
      if (next_ != nullptr) next_->previous_ = previous_;
    }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

   private:
    friend BasicStopState;
    BasicStopState* state_;
    Mutex& mutex_;
    Condition& wake_;
    Waiter* next_ = nullptr;
    Waiter** previous_ = nullptr;
  };

  /// Starts a new round that nobody has asked to stop; returns its number. One thread at a time.
  std::uint64_t begin_round() noexcept {
    const std::uint64_t round = (word_.load(std::memory_order_relaxed) >> 8U) + 1;
    word_.store(round << 8U, std::memory_order_release);  // [line.ended] [pull.round] release, pairs with round()
    return round;
  }

  [[nodiscard]] std::uint64_t round() const noexcept { return word_.load(std::memory_order_acquire) >> 8U; }

  /// Asks `round` to stop, unless it is over or was asked before. Any thread; takes two locks, one after the other.
  bool request(std::uint64_t round, StopReason reason) noexcept {
    std::uint64_t seen = round << 8U;
    // [stop.asked] release: who learns that it shall stop sees what was done before it was asked.
    if (!word_.compare_exchange_strong(seen, seen | static_cast<std::uint8_t>(reason), std::memory_order_release,
                                       std::memory_order_relaxed)) {
      return false;
    }
    const std::lock_guard lock(mutex_);
    for (Waiter* waiter = waiters_; waiter != nullptr; waiter = waiter->next_) {
      { const std::lock_guard theirs(waiter->mutex_); }  // it is either before its look at the word, or asleep
      waiter->wake_.notify_all();
    }
    return true;
  }

  /// Why `round` was asked to stop; `once_over` if a newer round has begun. Lock-free.
  [[nodiscard]] StopReason reason(std::uint64_t round, StopReason once_over = StopReason::none) const noexcept {
    const std::uint64_t word = word_.load(std::memory_order_acquire);  // [stop.asked] acquire, pairs with request()
    return word >> 8U == round ? static_cast<StopReason>(word & 0xffU) : once_over;
  }

 private:
  Word word_{0};
  Mutex mutex_;
  Waiter* waiters_ = nullptr;
};

using StopState = BasicStopState<>;

}  // namespace detail

/// Tells whether somebody wants this to stop. A small value, to be copied freely.
///
/// One from a Delivery is valid until that delivery's handler returns. One from a Lease is valid as long as the queue
/// lives, and says `lease_lost` once the lease is over; it must not be used, nor a call wait on it, when the queue is
/// gone. One from a StopSource is valid as long as the source lives. A default one is never stopped. Any thread;
/// lock-free.
class StopToken {
 public:
  StopToken() noexcept = default;

  /// True once a stop was requested, for ever.
  [[nodiscard]] bool stop_requested() const noexcept { return reason() != StopReason::none; }

  /// Why, or `none`.
  [[nodiscard]] StopReason reason() const noexcept {
    return state_ == nullptr ? once_over_ : state_->reason(round_, once_over_);
  }

  /// For windlass's own waiting calls. `once_over` is the reason when `round` is over; without a state it is from the
  /// beginning.
  StopToken(detail::StopState* state, std::uint64_t round, StopReason once_over = StopReason::none) noexcept
      : state_(state), round_(round), once_over_(once_over) {}
  [[nodiscard]] detail::StopState* state() const noexcept { return state_; }

 private:
  detail::StopState* state_ = nullptr;
  std::uint64_t round_ = 0;
  StopReason once_over_ = StopReason::none;
};

/// Lets one thread tell others to stop waiting. Must outlive its tokens. Neither copyable nor movable.
class StopSource {
 public:
  StopSource() : round_(state_.begin_round()) {}

#if defined(__cpp_lib_jthread)
  /// The same, but a stop that is requested of `token` is requested here, too, at once. So the calls of windlass accept
  /// it: `queue.run(StopSource{token}.token())` follows the token until it returns. Only where the library has it.
  explicit StopSource(std::stop_token token) : round_(state_.begin_round()) {
    follows_.emplace(std::move(token), Request{this});
  }
#endif

  StopSource(const StopSource&) = delete;
  StopSource& operator=(const StopSource&) = delete;

  /// Sets the tokens and wakes every call that waits on one. True for the first request. Any thread.
  bool request_stop() noexcept { return state_.request(round_, StopReason::user); }

  /// A token of this source.
  [[nodiscard]] StopToken token() noexcept { return {&state_, round_}; }

 private:
  detail::StopState state_;
  std::uint64_t round_;

#if defined(__cpp_lib_jthread)
  struct Request {
    StopSource* source;
    void operator()() const noexcept { source->request_stop(); }
  };
  std::optional<std::stop_callback<Request>> follows_;  // the last to be made and the first to go
#endif
};

}  // namespace windlass
