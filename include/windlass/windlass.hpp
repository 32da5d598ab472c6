#pragma once

/// Everything a host needs, except windlass/testing.hpp.

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
