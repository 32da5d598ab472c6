#pragma once

#include <cstdint>
#include <taskflow/taskflow.hpp>
#include <utility>

namespace pools {

/// Taskflow's executor, without a graph.
class Taskflow {
 public:
  static constexpr const char* name = "taskflow_executor";
  Taskflow(std::uint32_t workers, std::uint32_t /*jobs*/) : executor_(workers) {}
  template <class F>
  void enqueue(F function) {
    executor_.silent_async(std::move(function));
  }

 private:
  tf::Executor executor_;
};

}  // namespace pools
