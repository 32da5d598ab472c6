#pragma once

#include <type_traits>

#include "mutex_deque.hpp"
#include "windlass.hpp"
// CMake defines those whose package it has found.
#ifdef WINDLASS_BENCH_MOODYCAMEL
#include "moodycamel.hpp"
#endif
#ifdef WINDLASS_BENCH_ASIO
#include "asio.hpp"
#endif
#ifdef WINDLASS_BENCH_TBB
#include "tbb.hpp"
#endif
#ifdef WINDLASS_BENCH_THREAD_POOL
#include "thread_pool.hpp"
#endif
#ifdef WINDLASS_BENCH_BS
#include "bs_thread_pool.hpp"
#endif
#ifdef WINDLASS_BENCH_TASKFLOW
#include "taskflow.hpp"
#endif
#ifdef WINDLASS_BENCH_DP
#include "dp.hpp"
#endif
#ifdef WINDLASS_BENCH_MARL
#include "marl.hpp"
#endif

/// The pools that are compared. Each is made by `Pool(workers, jobs)`, where `jobs` is the most that are ever queued;
/// any thread may `enqueue` a callable, a job too; all that were enqueued have run when `~Pool` begins.
namespace pools {

/// Calls `visit(std::type_identity<Pool>{})` for windlass, then for each peer.
template <class Visit>
void for_each(Visit visit) {
  visit(std::type_identity<Windlass>{});
#ifdef WINDLASS_BENCH_MOODYCAMEL
  visit(std::type_identity<Moodycamel<16>>{});
  visit(std::type_identity<Moodycamel<1>>{});
#endif
  visit(std::type_identity<MutexDeque<16>>{});
  visit(std::type_identity<MutexDeque<1>>{});
#ifdef WINDLASS_BENCH_ASIO
  visit(std::type_identity<Asio>{});
#endif
#ifdef WINDLASS_BENCH_TBB
  visit(std::type_identity<TbbArena>{});
  visit(std::type_identity<TbbGroup>{});
#endif
#ifdef WINDLASS_BENCH_THREAD_POOL
  visit(std::type_identity<ThreadPool>{});
#endif
#ifdef WINDLASS_BENCH_BS
  visit(std::type_identity<BsThreadPool>{});
#endif
#ifdef WINDLASS_BENCH_TASKFLOW
  visit(std::type_identity<Taskflow>{});
#endif
#ifdef WINDLASS_BENCH_DP
  visit(std::type_identity<Dp>{});
#endif
#ifdef WINDLASS_BENCH_MARL
  visit(std::type_identity<Marl>{});
#endif
}

}  // namespace pools
