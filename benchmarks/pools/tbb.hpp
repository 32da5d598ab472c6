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

/// oneTBB, by a task_group whose tasks are enqueued in an arena. Not task_group::run: there the producer's own arena
/// would have one worker less than there are cores, and expects the producer to join in.
class TbbGroup {
 public:
  static constexpr const char* name = "tbb_task_group";
  TbbGroup(std::uint32_t workers, std::uint32_t /*jobs*/)
      : allowed_(tbb::global_control::max_allowed_parallelism, workers + 1), arena_(static_cast<int>(workers), 0) {}
  ~TbbGroup() {
    arena_.execute([&] { group_.wait(); });
  }
  template <class F>
  void enqueue(F function) {
    arena_.enqueue(group_.defer(std::move(function)));
  }

 private:
  tbb::global_control allowed_;
  tbb::task_arena arena_;
  tbb::task_group group_;
};

}  // namespace pools
