#pragma once

/// Everything a host needs, except windlass/testing.hpp.

#if !defined(__cpp_impl_three_way_comparison)  // which C++20 is the first to have
#error "windlass needs C++20: compile with -std=c++20, or link the CMake target windlass::windlass"
#else
#include "callable.hpp"
#include "dead_letter_box.hpp"
#include "delivery.hpp"
#include "job_queue.hpp"
#include "lease.hpp"
#include "options.hpp"
#include "outcome.hpp"
#include "result.hpp"
#include "retry.hpp"
#include "stats.hpp"
#include "stop.hpp"
#include "traits.hpp"
#include "version.hpp"
#include "worker_pool.hpp"

#endif
