#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "windlass/job_id.hpp"

namespace windlass {

/// Why a job was not accepted.
enum class EnqueueError : std::uint8_t {
  none,             ///< It was accepted.
  full,             ///< Every slot is taken.
  closed,           ///< The queue was closed and takes no more jobs.
  timed_out,        ///< No slot became free within the time the caller was willing to wait.
  stopped,          ///< The caller's stop token was triggered while it waited for a slot.
  would_deadlock,   ///< Called where a wait for a slot might never end: see `JobQueue::enqueue`.
  invalid_options,  ///< An option has an impossible value; `EnqueueResult::field` says which.
};

/// The enumerator's name.
[[nodiscard]] constexpr std::string_view to_string(EnqueueError error) noexcept {
  switch (error) {
    case EnqueueError::none:
      return "none";
    case EnqueueError::full:
      return "full";
    case EnqueueError::closed:
      return "closed";
    case EnqueueError::timed_out:
      return "timed_out";
    case EnqueueError::stopped:
      return "stopped";
    case EnqueueError::would_deadlock:
      return "would_deadlock";
    case EnqueueError::invalid_options:
      return "invalid_options";
  }
  return "unknown";
}

/// Thrown by `EnqueueResult::or_throw`; the message names the error and, if one is to blame, the option.
class EnqueueFailure : public std::runtime_error {
 public:
  /// `field` must outlive the exception; a literal does. Empty if no option is to blame.
  explicit EnqueueFailure(EnqueueError error, const char* field = "")
      : std::runtime_error(describe(error, field)), error_(error), field_(field) {}

  /// Why the job was refused; never `none`.
  [[nodiscard]] EnqueueError error() const noexcept { return error_; }

  /// Which option is wrong; empty if none is.
  [[nodiscard]] std::string_view field() const noexcept { return field_; }

 private:
  static std::string describe(EnqueueError error, std::string_view field) {
    std::string text{"windlass: enqueue refused: "};
    text += to_string(error);
    if (!field.empty()) {
      text += ": ";
      text += field;
    }
    return text;
  }

  EnqueueError error_;
  const char* field_;
};

namespace detail {

/// Whose setting an error is about, as its message says it: a queue or pool by its name. Without a name, nobody's.
struct Owner {
  std::string_view kind{};
  std::string_view name{};
};

}  // namespace detail

/// Thrown when a queue or one of its parts is configured with a value that cannot work.
///
/// The message is "windlass: queue 'mail': <field>: <why>"; without a name, "windlass: <field>: <why>".
class ConfigError : public std::invalid_argument {
 public:
  /// `field` must outlive the exception; a literal does.
  ConfigError(const char* field, std::string_view why, detail::Owner owner = {})
      : std::invalid_argument(describe(field, why, owner)), field_(field) {}

  /// The name of the bad field.
  [[nodiscard]] std::string_view field() const noexcept { return field_; }

 private:
  static std::string describe(std::string_view field, std::string_view why, detail::Owner owner) {
    std::string text{"windlass: "};
    if (!owner.name.empty()) text.append(owner.kind).append(" '").append(owner.name).append("': ");
    return text.append(field).append(": ").append(why);
  }

  const char* field_;
};

namespace detail {

/// Throws ConfigError; without exceptions, prints the same message to stderr and aborts.
[[noreturn]] inline void throw_config(const char* field, std::string_view why, Owner owner = {}) {
#if defined(__cpp_exceptions)
  throw ConfigError{field, why, owner};
#else
  std::fprintf(stderr, "%s\n", ConfigError{field, why, owner}.what());
  std::abort();
#endif
}

/// Throws EnqueueFailure; without exceptions, prints the same message to stderr and aborts.
[[noreturn]] inline void throw_enqueue(EnqueueError error, const char* field) {
#if defined(__cpp_exceptions)
  throw EnqueueFailure{error, field};
#else
  std::fprintf(stderr, "%s\n", EnqueueFailure{error, field}.what());
  std::abort();
#endif
}

}  // namespace detail

/// What became of one enqueue: the id of the accepted job, or why there is none.
///
/// A plain value; it refers to nothing but string literals.
class [[nodiscard]] EnqueueResult {
 public:
  /// The queue took the job and named it `id`.
  static constexpr EnqueueResult accepted(JobId id) noexcept { return EnqueueResult{id, EnqueueError::none, ""}; }

  /// The queue did not take the job. `error` is not `none`; `field` is a literal naming the option to blame, if any.
  static constexpr EnqueueResult refused(EnqueueError error, const char* field = "") noexcept {
    return EnqueueResult{JobId{}, error, field};
  }

  /// True if the job was accepted.
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return error_ == EnqueueError::none; }

  /// The accepted job; names no job if refused.
  [[nodiscard]] constexpr JobId id() const noexcept { return id_; }

  /// Why the job was refused; `none` if it was accepted.
  [[nodiscard]] constexpr EnqueueError error() const noexcept { return error_; }

  /// Which option is wrong; empty if none is.
  [[nodiscard]] constexpr std::string_view field() const noexcept { return field_; }

  /// The id of the accepted job, which the caller may ignore. If refused, throws EnqueueFailure; without exceptions,
  /// prints its message to stderr and aborts.
  constexpr JobId or_throw() const {
    if (!*this) detail::throw_enqueue(error_, field_);
    return id_;
  }

 private:
  constexpr EnqueueResult(JobId id, EnqueueError error, const char* field) noexcept
      : id_(id), field_(field), error_(error) {}

  JobId id_;
  const char* field_;
  EnqueueError error_;
};

/// What became of a range of payloads: a first part was accepted, and the rest, if any, is untouched.
///
/// Deliberately no bool: a partial success is neither. Compare `error()` with `none` to ask whether all were accepted.
template <typename Iterator>
class [[nodiscard]] BulkResult {
 public:
  /// The first `accepted` payloads were taken; `first_refused` is the one after them, or the end of the range.
  /// `error` is why it was refused, or `none` at the end of the range; `field` is a literal naming the option to blame,
  /// if any.
  constexpr BulkResult(std::size_t accepted, Iterator first_refused, EnqueueError error,
                       const char* field = "") noexcept(std::is_nothrow_move_constructible_v<Iterator>)
      : accepted_(accepted), first_refused_(std::move(first_refused)), field_(field), error_(error) {}

  /// How many payloads were taken.
  [[nodiscard]] constexpr std::size_t accepted() const noexcept { return accepted_; }

  /// The first payload that was not taken, or the end of the range; from here the range can be offered again.
  [[nodiscard]] constexpr const Iterator& first_refused() const noexcept { return first_refused_; }

  /// Why `first_refused()` was not taken; `none` if all were.
  [[nodiscard]] constexpr EnqueueError error() const noexcept { return error_; }

  /// Which option is wrong; empty if none is.
  [[nodiscard]] constexpr std::string_view field() const noexcept { return field_; }

 private:
  std::size_t accepted_;
  Iterator first_refused_;
  const char* field_;
  EnqueueError error_;
};

/// Why a wait ended before what it waited for.
enum class WaitError : std::uint8_t {
  none,            ///< It did not: the wait is done.
  timed_out,       ///< The time the caller was willing to wait ran out.
  stopped,         ///< The caller's stop token was triggered.
  closed,          ///< The queue was closed, so what the caller waits for can no longer happen.
  would_deadlock,  ///< Called in a handler or callback, or by the thread that pumps: the wait might never end.
};

/// The enumerator's name.
[[nodiscard]] constexpr std::string_view to_string(WaitError error) noexcept {
  switch (error) {
    case WaitError::none:
      return "none";
    case WaitError::timed_out:
      return "timed_out";
    case WaitError::stopped:
      return "stopped";
    case WaitError::closed:
      return "closed";
    case WaitError::would_deadlock:
      return "would_deadlock";
  }
  return "unknown";
}

/// How a wait ended. True only if what was waited for has happened.
class [[nodiscard]] WaitResult {
 public:
  /// What was waited for has happened.
  static constexpr WaitResult done() noexcept { return WaitResult{WaitError::none}; }

  /// The wait ended early. `error` is not `none`.
  static constexpr WaitResult failed(WaitError error) noexcept { return WaitResult{error}; }

  /// True only if what was waited for has happened.
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return error_ == WaitError::none; }

  /// Why the wait ended early; `none` if it did not.
  [[nodiscard]] constexpr WaitError error() const noexcept { return error_; }

 private:
  constexpr explicit WaitResult(WaitError error) noexcept : error_(error) {}

  WaitError error_;
};

/// "done", or the name of the error.
[[nodiscard]] constexpr std::string_view to_string(WaitResult result) noexcept {
  return result ? std::string_view{"done"} : to_string(result.error());
}

/// What a request to cancel a job achieved.
enum class CancelResult : std::uint8_t {
  cancelled,  ///< The job was not running and never will again.
  requested,  ///< The job is running; its handler was asked to stop.
  /// The job was over, and something still held its slot: the place in its lane, a hung run, a sink that would not take
  /// its letter. Else the slot is free at once and the answer is `not_found`: treat the two alike.
  finished,
  not_found,  ///< The id names no job in this queue, mostly because the job is over.
};

/// The enumerator's name.
[[nodiscard]] constexpr std::string_view to_string(CancelResult result) noexcept {
  switch (result) {
    case CancelResult::cancelled:
      return "cancelled";
    case CancelResult::requested:
      return "requested";
    case CancelResult::finished:
      return "finished";
    case CancelResult::not_found:
      return "not_found";
  }
  return "unknown";
}

}  // namespace windlass
