#pragma once

#include <tbb/global_control.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <cstdint>
#include <utility>

namespace pools {

/// oneTBB, by task_arena::enqueue: jobs run on its workers only, as in the other pools.
class TbbArena {
 public:
  static constexpr const char* name = "tbb_task_arena";
  TbbArena(std::uint32_t workers, std::uint32_t /*jobs*/)
      : allowed_(tbb::global_control::max_allowed_parallelism, workers + 1),  // its default is one less than the cores
        arena_(static_cast<int>(workers), 0) {}
  template <class F>
  void enqueue(F function) {
    arena_.enqueue(std::move(function));
  }

 private:
  tbb::global_control allowed_;
  tbb::task_arena arena_;
};

/// oneTBB, by task_group::run: each producer has tasks of its own, which the workers steal. The producer does not wait
/// for the group, for that would make it one more worker.
class TbbGroup {
 public:
  static constexpr const char* name = "tbb_task_group";
  TbbGroup(std::uint32_t workers, std::uint32_t /*jobs*/)
      : allowed_(tbb::global_control::max_allowed_parallelism, workers + 1) {}
  ~TbbGroup() { group_.wait(); }
  template <class F>
  void enqueue(F function) {
    group_.run(std::move(function));
  }

 private:
  tbb::global_control allowed_;
  tbb::task_group group_;
};

}  // namespace pools
