#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "clock.hpp"
#include "function.hpp"
#include "job_id.hpp"
#include "text.hpp"

namespace windlass {

/// Why a job became a dead letter.
enum class DeadReason : std::uint8_t {
  /// It failed `max_failures` times, it was `retry_for` old when a run of it failed, hung or snoozed, or the policy
  /// said never after a failure.
  failures_exhausted,
  deliveries_exhausted,  ///< Its failures and hangs together reached `max_deliveries`.
  hung,                  ///< It lost its lease `max_hangs` times, or `on_hung` or, after that, the policy gave it up.
  rejected,              ///< Its handler said `dead`; with `at_most_once`, `snooze` or `yield`.
  abandoned,             ///< It was left when the queue shut down.
  failed_after_commit,   ///< It did not end well after `try_commit`: some effects may have happened.
};

/// The enumerator's name.
[[nodiscard]] constexpr std::string_view to_string(DeadReason reason) noexcept {
  switch (reason) {
    case DeadReason::failures_exhausted:
      return "failures_exhausted";
    case DeadReason::deliveries_exhausted:
      return "deliveries_exhausted";
    case DeadReason::hung:
      return "hung";
    case DeadReason::rejected:
      return "rejected";
    case DeadReason::abandoned:
      return "abandoned";
    case DeadReason::failed_after_commit:
      return "failed_after_commit";
  }
  return "unknown";
}

/// A job that will not run again, with its payload and its history.
template <class Payload>
struct DeadLetter {
  JobId id{};                           ///< What enqueue returned for it.
  std::optional<Payload> payload{};     ///< Empty if `is_held`, or if the type can be neither moved nor copied; a copy
                                        ///< if a hung run still reads the job's own.
  DeadReason reason{};                  ///< Why it is here.
  ReasonText first_error{};             ///< What the first failed attempt said.
  ReasonText last_error{};              ///< What the last failed attempt said.
  std::uint32_t failures = 0;           ///< Failed attempts.
  std::uint32_t hangs = 0;              ///< Leases lost.
  std::uint32_t deliveries = 0;         ///< Failures and hangs together.
  std::uint8_t priority = 0;            ///< Its lane.
  std::optional<Time> enqueued_at{};    ///< If that was stamped (delay, at or retry_for given).
  std::optional<Time> first_failure{};  ///< If it ever failed.
  Time died_at{};                       ///< When it became a dead letter.
  /// The payload is still being read by a hung run. A second letter with this id and the payload follows when that
  /// run has returned.
  bool is_held = false;
  bool is_completion = false;  ///< This is that second letter.
};

/// Takes dead letters: a DeadLetterBox by address, or any callable `void(DeadLetter<Payload>&&)`.
///
/// Called with no lock held by whichever thread ends the job (a worker, or whoever pumps, reserves, waits for idleness,
/// settles a `Lease`, calls `retry_kept`, shuts the queue down or destroys it), several at once. If it throws, the job
/// is kept until `retry_kept`; the queue's destructor offers it a last time, then destroys it. A DeadLetterBox that is
/// full drops its oldest letter: `evicted()`.
template <class Payload>
class DeadLetterSink {
  template <class Given>
  static constexpr bool is_box = requires(Given box, DeadLetter<Payload> letter) {
    { box->accept(std::move(letter)) } -> std::same_as<bool>;
  };

 public:
  /// No sink: dead jobs are counted and destroyed.
  DeadLetterSink() noexcept = default;

  /// The letters go into `*box`, which must outlive the queue; null is no sink.
  template <class Box>
  requires requires(Box box, DeadLetter<Payload> letter) {
    { box.accept(std::move(letter)) } -> std::same_as<bool>;
  }
  DeadLetterSink(Box* box) {
    if (box != nullptr) take_ = [box](DeadLetter<Payload>&& letter) { return box->accept(std::move(letter)); };
  }

  /// The letters go to `sink`, moved or copied in here.
  template <class Sink>
  requires(std::is_invocable_r_v<void, std::decay_t<Sink>&, DeadLetter<Payload>>) DeadLetterSink(Sink&& sink)
      : take_([inner = std::forward<Sink>(sink)](DeadLetter<Payload>&& letter) mutable {
          inner(std::move(letter));
          return true;
        }) {}

  /// Anything else is refused in one sentence; so std::is_constructible says yes to it.
  template <class Wrong>
  requires(!is_box<std::decay_t<Wrong>> && !std::is_same_v<std::remove_cvref_t<Wrong>, DeadLetterSink> &&
           !std::is_invocable_r_v<void, std::decay_t<Wrong>&, DeadLetter<Payload>>) DeadLetterSink(Wrong&&) {
    static_assert(is_box<std::decay_t<Wrong>>,
                  "windlass: dead_letters takes the address of a DeadLetterBox<Payload> or a callable "
                  "void(DeadLetter<Payload>&&), where Payload is the queue's");
  }

  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(take_); }

  /// Hands `letter` over; false if it was not taken. Throws what the sink throws.
  bool operator()(DeadLetter<Payload>&& letter) const { return take_(std::move(letter)); }

 private:
  Function<bool(DeadLetter<Payload>&&)> take_;
};

}  // namespace windlass
