/* Everybody else who touches a job: producer, timekeeper, canceller, and who offers kept letters again. */

inline give_id(s, j) {
  if
  :: j == 0 -> first.slot = s; first.birth = slot[s].birth; first.is_known = 1
  :: else
  fi;
  s = 0;
  j++
}

proctype producer() {
  byte s, j;
  do
  :: j < JOBS ->
    atomic { /* a number, the payload, and the birth stamp before the word */
      if
      :: phase != open -> job[j].counted = 1; job[j].endings = 1; j++; goto next /* refused: closed */
      :: phase == open && slot[0].in_free -> s = 0
#if SLOTS > 1
      :: phase == open && !slot[0].in_free && slot[1].in_free -> s = 1
#endif
      fi;
      slot[s].in_free = 0;
      slot[s].in_hand++;
      require(slot[s].state == free && slot[s].payloads == 0 && slot[s].holders == 0, "a free slot is empty");
      slot[s].payloads = 1;
      slot[s].emptied = 0;
      slot[s].job = j;
      slot[s].birth = slot[s].stamp
    };
    if /* row 1 */
    :: atomic { slot[s].holders = 1; slot[s].state = ready };
      atomic { push_lane(s); give_id(s, j) }
    :: atomic { DELAYS -> slot[s].holders = 1; slot[s].state = waiting; slot[s].in_planner = 1; slot[s].in_hand--;
        give_id(s, j) }
    fi;
next:
    skip
  :: else -> break
  od
}

#if HANGS
#define is_shown(w) (phase < stopping && line[w].stamp != line[w].tried)
#define note_tried(w) line[w].tried = line[w].stamp
#else
#define is_shown(w) (phase < stopping && line[w].stamp != 0)
#define note_tried(w) skip
#endif
#define see_line(w) s = line[w].slot; seen = line[w].stamp; note_tried(w)

/* Expires a lease that it has seen in a line, whenever it likes; makes ready what waits. */
proctype timekeeper() {
  byte s, seen, j;

again:
  if
  :: atomic { is_shown(0) -> see_line(0) }
  :: atomic { is_shown(1) -> see_line(1) }
#if THREADS > 2
  :: atomic { is_shown(2) -> see_line(2) }
#endif
  :: atomic { phase < stopping && slot[0].in_planner -> s = 0; goto due }
#if SLOTS > 1
  :: atomic { phase < stopping && slot[1].in_planner -> s = 1; goto due }
#endif
  :: atomic { phase >= stopping -> threads_left-- }; goto finished
  :: all_over -> goto finished
  fi;
  atomic {
    j = slot[s].job;
    if
    :: (slot[s].state == leased || (slot[s].state == committing && MISTAKE == commit_taken)) &&
       slot[s].stamp == seen ->
      if
      :: slot[s].cancel -> /* row 6 */
        slot[s].state = done;
        end_job(s);
        count_ended(j);
        seen = 0
      :: !slot[s].cancel && phase == open -> /* row 6 */
        slot[s].state = expired;
        slot[s].owner = 0;
        slot[s].in_hand++;
        job[j].lost++;
        if :: MISTAKE == expiry_without_hold :: else -> slot[s].holders++ fi
      :: !slot[s].cancel && phase != open -> /* row 6b */
        slot[s].state = stalled;
        slot[s].holders++;
        job[j].lost++;
        seen = 0
      fi
    :: else -> seen = 0
    fi;
    j = 0;
    if :: MISTAKE == no_substitute :: else -> substitute_wanted = 1 fi
  };
  if
  :: atomic { seen != 0 -> push_errand(s); seen = 0; s = 0 }
  :: atomic { seen == 0 -> s = 0 }
  fi;
  goto again;

due:
  atomic { /* `waiting -> ready`, in the section that takes it out of the planner */
    if
    :: slot[s].in_planner ->
      require(slot[s].state == waiting, "waiting means linked in the planner");
      slot[s].state = ready;
      slot[s].in_planner = 0;
      slot[s].in_hand++
    :: else -> s = 0; goto again
    fi
  };
  if
  :: atomic { MISTAKE != wake_forgotten -> push_lane(s); s = 0 }
  :: MISTAKE == wake_forgotten -> s = 0
  fi;
  goto again;

finished:
  skip
}
#if CANCELS
#define same_word \
  (slot[s].state == state && slot[s].cancel == cancel && slot[s].holders == holders && slot[s].stamp == stamp)

/* cancel_job() of the first job, at any moment: reads the word, then the birth stamp, then does its CAS. */
proctype canceller() {
  byte s, holders, stamp;
  bit cancel, counts;
  mtype state, follows;

  first.is_known || job[0].counted == 1;
  s = first.slot;
start:
  atomic { state = slot[s].state; cancel = slot[s].cancel; holders = slot[s].holders; stamp = slot[s].stamp };
  if
  :: !first.is_known || state == free -> goto finished
  :: first.is_known && state != free && slot[s].birth != first.birth && MISTAKE != birth_overlooked -> goto finished
  :: else
  fi;
  atomic {
    if
    :: state == committing || state == done || state == dead || state == kept -> goto finished
    :: else
    fi;
    if
    :: !same_word -> goto start
    :: same_word && state == ready && holders == 1 -> /* row 9a' */
      slot[s].state = done;
      slot[s].in_hand++;
      if :: MISTAKE == tombstone_without_hold :: else -> slot[s].holders++ fi;
      say_cancelled(s)
    :: same_word && state == ready && holders > 1 -> /* row 9a' */
      slot[s].state = done;
      end_job(s);
      count_ended(0);
      goto finished
    :: same_word && state == waiting -> /* row 9a */
      slot[s].state = done;
      if :: MISTAKE == unlinked_late :: else -> slot[s].in_planner = 0 fi;
      slot[s].in_hand++;
      if :: holders == 1 -> say_cancelled(s) :: else fi
    :: same_word && state == stalled -> /* row 9c */
      slot[s].state = done;
      slot[s].holders--;
      end_job(s);
      count_ended(0);
      goto finished
    :: same_word && (state == leased || state == expired) -> slot[s].cancel = 1; goto finished
    :: same_word && state == settling ->
      slot[s].cancel = 1;
      if :: holders == 1 -> say_cancelled(s) :: else fi;
      goto finished
    fi;
    end_job(s);
    counts = 1
  };
  atomic {
    if
    :: state == ready -> destroy_payload(s)
    :: state == waiting -> slot[s].in_planner = 0
    fi
  };
  atomic {
    drop_hold(s, 0, follows);
    if
    :: follows == to_offer -> offer_rest(s)
    :: else
    fi;
    count_job(0, counts)
  };

finished:
  atomic { s = 0; holders = 0; stamp = 0; cancel = 0; state = 0; follows = 0 }
}
#endif

#if SINK_FAILURES
/* retry_kept(), row 5a. */
proctype retrier() {
  byte s;
  bit taken;
  mtype follows;
  do
  :: atomic { any_kept ->
      if
      :: slot[0].state == kept -> s = 0
      :: slot[LAST].state == kept -> s = LAST
      fi;
      slot[s].state = dead;
      slot[s].in_hand++ };
    atomic {
      offer_letter(s, taken);
      if
      :: taken ->
        taken = 0;
        drop_hold(s, 0, follows);
        if
        :: follows == to_offer -> offer_rest(s)
        :: else
        fi
      :: else -> keep(s)
      fi;
      follows = 0;
      s = 0
    }
  :: all_over -> break
  od
}
#endif

#if SHUTDOWN
/* Engine::shutdown(): the grace may end at any moment; then threads are waited for, and what is left over is swept. */
proctype closer() {
  if
  :: phase = draining; phase = stopping
  :: phase = stopping
  fi;
  if
  :: atomic { threads_left == 0 -> phase = over }
  :: all_over
  fi
}
#endif
