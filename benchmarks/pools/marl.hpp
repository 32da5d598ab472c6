#pragma once

#include <marl/scheduler.h>

#include <cstdint>
#include <utility>

namespace pools {

/// marl's scheduler. Tasks are fibers there.
class Marl {
 public:
  static constexpr const char* name = "marl_scheduler";
  Marl(std::uint32_t workers, std::uint32_t /*jobs*/)
      : scheduler_(marl::Scheduler::Config().setWorkerThreadCount(static_cast<int>(workers))) {}
  template <class F>
  void enqueue(F function) {
    scheduler_.enqueue(marl::Task(std::move(function)));
  }

 private:
  marl::Scheduler scheduler_;
};

}  // namespace pools
