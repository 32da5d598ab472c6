#pragma once

#include <condition_variable>
#include <mutex>

namespace windlass::detail {

/// The mutex and condition variable that go with an atomics policy: the standard ones, unless the policy names its own
/// (`Mutex` and `Condition`), as one does whose threads are not the machine's.
template <class Policy>
struct Locks {
  using Mutex = std::mutex;
  using Condition = std::condition_variable;
};

template <class Policy>
requires requires {
  typename Policy::Mutex;
  typename Policy::Condition;
}
struct Locks<Policy> {
  using Mutex = typename Policy::Mutex;
  using Condition = typename Policy::Condition;
};

}  // namespace windlass::detail
