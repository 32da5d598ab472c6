/* The life of a slot, by the transition table in include/windlass/README.md, whose rows are named where they are made.
 * See README.md; run by ./check, which sets what is set here by default. */

#ifndef MISTAKE
#define MISTAKE none
#endif
#ifndef SLOTS
#define SLOTS 1
#endif
#ifndef JOBS
#define JOBS 1
#endif
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef MAX_DELIVERIES
#define MAX_DELIVERIES 2
#endif
#ifndef MAX_FAILURES
#define MAX_FAILURES 2
#endif
#ifndef MAX_HANGS
#define MAX_HANGS 2
#endif
/* What happens at most so often, or (0, 1) not at all. */
#ifndef SNOOZES
#define SNOOZES 0
#endif
#ifndef EXTENSIONS
#define EXTENSIONS 0
#endif
#ifndef SINK_FAILURES
#define SINK_FAILURES 0
#endif
#ifndef COMMITS
#define COMMITS 0
#endif
#ifndef CANCELS
#define CANCELS 0
#endif
#ifndef DELAYS
#define DELAYS 1
#endif
#ifndef SHUTDOWN
#define SHUTDOWN 0
#endif
#ifndef HANGS
#define HANGS 0
#endif

#define LAST (SLOTS - 1)
#define THREADS (WORKERS + 1) /* the last one is the substitute */
#define is_substitute(thread) (thread == WORKERS)
#define SWEEPER THREADS /* who ends leftovers after a shutdown: no thread of the queue */
#define is_sweeper(thread) (thread == SWEEPER)

#include "mistakes.pml"
#include "slot.pml"
#include "moves.pml"
#include "worker.pml"
#include "others.pml"

#define in_places(s) (slot[s].in_free + slot[s].in_lane + slot[s].in_errands + slot[s].in_planner)
#define is_nowhere(s) (slot[s].state == stalled || slot[s].state == kept)

/* At every moment. */
#define is_placed(s) \
  (in_places(s) + is_nowhere(s) <= 1 && \
   slot[s].in_planner == (slot[s].state == waiting) && \
   (!slot[s].in_free || (slot[s].state == free && slot[s].in_hand == 0)) && \
   (!slot[s].in_lane || slot[s].state == ready || slot[s].state == done) && \
   (!slot[s].in_errands || slot[s].state == expired || slot[s].state == done) && \
   (slot[s].state != ready || slot[s].in_lane || slot[s].in_hand > 0))
#define is_held(s) \
  (slot[s].holders == (slot[s].state != free) * (in_places(s) + is_nowhere(s) + slot[s].in_hand))

active proctype monitor() {
  if
  :: atomic { !is_placed(0) || !is_placed(LAST) -> require(false, "a number is in one place") }
  :: atomic { !is_held(0) || !is_held(LAST) -> require(false, "there is a hold for each place and each run") }
  :: all_over
  fi
}

init {
  atomic {
    byte i;
    for (i : 0 .. WORKERS) { run worker(i) }
    run producer();
    run timekeeper();
#if CANCELS
    run canceller();
#endif
#if SINK_FAILURES
    run retrier();
#endif
#if SHUTDOWN
    run worker(SWEEPER);
    run closer();
#endif
    i = 0
  }
}

#if HANGS
ltl every_job_ends { <> all_counted }
#endif
