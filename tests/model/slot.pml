/* The slots: control word, places, and what is written down only to state the properties. One atomic { } is one CAS of
 * detail/job/slot_word.hpp, one ring operation, or one hold of the planner's lock. */

mtype = { free, ready, waiting, leased, settling, committing, expired, stalled, done, dead, kept };
mtype = { success, failure, rejected, discarded, snoozed };    /* what a run may return */
mtype = { nothing, to_offer, to_settle };                      /* what follows from a dropped hold */

typedef Slot {
  /* The control word. */
  mtype state = free;
  bit cancel;
  byte holders;
  byte stamp;
  /* The rest of the slot. */
  byte birth;
  bit emptied;
  bit owes_letter;
  byte hangs, failures, deliveries, hang_stamp;
  /* Where its number is. */
  bit in_free = 1;
  bit in_lane, in_errands, in_planner;
  byte in_hand; /* of threads that work on it, or carry it from one place to the next */
  /* Only for the properties. */
  byte job;      /* who lives here */
  byte payloads; /* constructed and not destroyed */
  byte inside;   /* runs that may still read the payload */
  byte newest;   /* the thread with the newest delivery */
  byte owner;    /* of `settling`, and of what may be written because of it: thread + 1 */
};

Slot slot[SLOTS];

typedef Line {
  byte slot;
  byte stamp; /* 0: no run */
#if HANGS
  byte tried; /* the stamp that the watch has dealt with: else it might look at nothing else for ever */
#endif
};

Line line[THREADS];

typedef Job {
  byte endings; /* moves into done or dead */
  byte counted; /* as done, dead, cancelled, ... */
  byte runs;    /* those that count: not the snoozed ones */
  byte lost;    /* leases that were lost */
  bit committed;
  bit answered; /* cancel said `cancelled` */
};

Job job[JOBS];

typedef Id {
  bit is_known;
  byte slot, birth;
};

Id first; /* of the first job, once its enqueue has returned */

/* The queue's phase. */
#define open 0
#define draining 1
#define stopping 2
#define over 3

byte phase = open;
bit substitute_wanted;
byte threads_left = THREADS + 1; /* that a shutdown waits for */
byte snoozes = SNOOZES, sink_failures = SINK_FAILURES, extensions = EXTENSIONS;

/* A property that does not hold is printed by name, and ends the search. */
#define require(condition, name) \
  if :: (condition) :: else -> printf("violated: "); printf(name); printf("\n"); assert(false) fi

#define any_lane (slot[0].in_lane || slot[LAST].in_lane)
#define any_errand (slot[0].in_errands || slot[LAST].in_errands)
#define any_planned (slot[0].in_planner || slot[LAST].in_planner)
#define any_kept (slot[0].state == kept || slot[LAST].state == kept)
#define is_over(s) (slot[s].state == done || slot[s].state == dead)
#define all_counted (job[0].counted == 1 && job[JOBS - 1].counted == 1)
#define all_free (slot[0].in_free && slot[LAST].in_free)
#define all_over (all_counted && all_free)
#define is_delivery(s, my) (slot[s].stamp == my)
