#pragma once

// The whole machine that a program runs on, modelled: what queue/headers.cmake puts in place of the standard library's.
#include "atomics.hpp"
#include "locks.hpp"
#include "policy.hpp"
#include "threads.hpp"
