#pragma once

#include <type_traits>

#include "windlass/job_queue.hpp"

namespace windlass {

namespace detail {

/// The payload of a JobQueue that was given a handler and no template argument: a handler does not tell.
template <class Handler>
struct UnnamedPayload {};

template <class T>
inline constexpr bool is_queue_options_v = false;
template <class Payload>
inline constexpr bool is_queue_options_v<QueueOptions<Payload>> = true;

}  // namespace detail

template <class Handler>
requires(!detail::is_queue_options_v<Handler>) JobQueue(Handler, QueueOptions<detail::UnnamedPayload<Handler>> = {})
->JobQueue<detail::UnnamedPayload<Handler>>;

/// What `JobQueue queue{handler}` comes to: one sentence.
template <class Handler>
class JobQueue<detail::UnnamedPayload<Handler>, DefaultTraits> {
  static_assert(!std::is_same_v<Handler, Handler>,
                "windlass: a handler does not say what its payload is; name it: JobQueue<Payload>");

 public:
  explicit JobQueue(Handler, QueueOptions<detail::UnnamedPayload<Handler>> = {}) {}
};

}  // namespace windlass
