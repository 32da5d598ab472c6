#pragma once

#include <ucontext.h>

#include <cstddef>
#include <memory>

namespace interleave {

/// A stack of its own that runs when it is switched to. Never unwound: a schedule that failed is left where it stands
/// (the functions under test are noexcept), and what its frames own is lost.
class Fiber {
 public:
  Fiber() = default;
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// The next switch to this fiber calls `entry`, which must not return.
  void prepare(void (*entry)()) {
    if (stack_ == nullptr) stack_.reset(new std::byte[stack_size]);
    getcontext(&context_);
    context_.uc_stack.ss_sp = stack_.get();
    context_.uc_stack.ss_size = stack_size;
    context_.uc_link = nullptr;
    makecontext(&context_, entry, 0);
  }

  /// Leaves this fiber, the running one, for `other`.
  void switch_to(Fiber& other) { swapcontext(&context_, &other.context_); }

 private:
  static constexpr std::size_t stack_size = 256 * 1024;

  ucontext_t context_{};
  std::unique_ptr<std::byte[]> stack_;
};

}  // namespace interleave
