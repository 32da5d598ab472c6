/* Everybody else who touches a job: producer, timekeeper, canceller, and who offers kept letters again. */

proctype producer() {
  byte s, j;
  do
  :: j < JOBS ->
    if
    :: atomic { phase == open && slot[0].in_free -> s = 0; slot[s].in_free = 0; slot[s].in_hand++ }
#if SLOTS > 1
    :: atomic { phase == open && slot[1].in_free -> s = 1; slot[s].in_free = 0; slot[s].in_hand++ }
#endif
    :: atomic { phase != open -> job[j].counted = 1; job[j].endings = 1; j++ }; goto next /* refused: closed */
    fi;
    atomic { /* the payload, and the birth stamp before the word */
      require(slot[s].state == free && slot[s].payloads == 0 && slot[s].holders == 0, "a free slot is empty");
      slot[s].payloads = 1;
      slot[s].emptied = 0; slot[s].owes_letter = 0;
      slot[s].job = j;
      slot[s].birth = slot[s].stamp
    };
    if /* row 1 */
    :: atomic { slot[s].holders = 1; slot[s].state = ready }; atomic { push_lane(s) }
    :: atomic { DELAYS -> slot[s].holders = 1; slot[s].state = waiting; slot[s].in_planner = 1; slot[s].in_hand-- }
    fi;
    atomic { job[j].slot = s; job[j].birth = slot[s].birth; job[j].is_known = 1; s = 0; j++ };
next:
    skip
  :: else -> break
  od
}

#define is_new(w) (line[w].stamp != 0 && line[w].tried != line[w].stamp)
#define any_line (is_new(0) || is_new(1) || is_new(THREADS - 1))

/* Expires leases whenever it likes, the one that it has seen in a line; makes ready what waits. */
proctype timekeeper() {
  byte w, s, seen, j;
  bit reached;
  do
  :: phase < stopping && any_line ->
    atomic {
      if
      :: is_new(0) -> w = 0
      :: is_new(1) -> w = 1
      :: is_new(THREADS - 1) -> w = THREADS - 1
      :: else -> goto again
      fi;
      s = line[w].slot; seen = line[w].stamp; line[w].tried = seen
    };
    atomic {
      j = slot[s].job;
      if
      :: (slot[s].state == leased || (slot[s].state == committing && MISTAKE == commit_taken)) &&
         (slot[s].stamp == seen || MISTAKE == expiry_unfenced) ->
        if
        :: slot[s].cancel -> /* row 6 */
          slot[s].state = done; end_job(s);
          require(job[j].counted == 0, "a job is counted once"); job[j].counted++
        :: !slot[s].cancel && phase == open -> /* row 6 */
          slot[s].state = expired; reached = 1; slot[s].in_hand++;
          if :: MISTAKE == expiry_without_hold :: else -> slot[s].holders++ fi
        :: !slot[s].cancel && phase != open -> /* row 6b */
          slot[s].state = stalled; slot[s].holders++
        fi
      :: else
      fi
    };
    if
    :: atomic { reached -> push_errand(s) }
    :: !reached
    fi;
    atomic { w = 0; s = 0; seen = 0; j = 0; reached = 0; if :: MISTAKE == no_substitute :: else -> substitute_wanted = 1 fi };
again:
    skip
  :: phase < stopping && any_planned ->
    atomic { /* due */
      if
      :: slot[0].in_planner -> s = 0
      :: slot[LAST].in_planner -> s = LAST
      :: else -> goto again2
      fi;
      require(slot[s].state == waiting, "waiting means linked in the planner");
      slot[s].state = ready; slot[s].in_planner = 0; slot[s].in_hand++
    };
    if
    :: atomic { MISTAKE != wake_forgotten -> push_lane(s); s = 0 }
    :: atomic { MISTAKE == wake_forgotten -> s = 0 }
    fi;
again2:
    skip
  :: atomic { phase >= stopping -> threads_left-- } break
  :: all_over -> break
  od
}
#if CANCELS
#define same_word (slot[s].state == state && slot[s].cancel == cancel && slot[s].holders == holders && slot[s].stamp == stamp)

/* cancel_job() of the first job, at any moment: reads the word, then the birth stamp, then does its CAS. */
proctype canceller() {
  byte s, holders, stamp;
  bit cancel, counts;
  mtype state, follows;

  job[0].is_known || job[0].counted == 1;
  if :: !job[0].is_known -> goto finished :: else fi;
  s = job[0].slot;
start:
  atomic { state = slot[s].state; cancel = slot[s].cancel; holders = slot[s].holders; stamp = slot[s].stamp };
  if
  :: state == free || (slot[s].birth != job[0].birth && MISTAKE != birth_overlooked) -> goto finished
  :: else
  fi;
  if
  :: atomic { !same_word } goto start
  :: atomic { same_word && state == ready && holders == 1 -> /* row 9a' */
      slot[s].state = done; end_job(s); counts = 1; slot[s].in_hand++;
      if :: MISTAKE == tombstone_without_hold :: else -> slot[s].holders++ fi;
      answer(s) };
    atomic { destroy_payload(s) }
  :: atomic { same_word && state == ready && holders > 1 -> /* row 9a' */
      slot[s].state = done; end_job(s); job[0].counted++; goto finished }
  :: atomic { same_word && state == waiting -> /* row 9a */
      slot[s].state = done; end_job(s); counts = 1;
      if :: MISTAKE == unlinked_late :: else -> slot[s].in_planner = 0 fi;
      slot[s].in_hand++;
      if :: holders == 1 -> answer(s) :: else fi };
    atomic { slot[s].in_planner = 0 }
  :: atomic { same_word && state == stalled -> /* row 9c */
      slot[s].state = done; slot[s].holders--; end_job(s); job[0].counted++; goto finished }
  :: atomic { same_word && (state == leased || state == expired) -> slot[s].cancel = 1; goto finished }
  :: atomic { same_word && state == settling ->
      slot[s].cancel = 1; if :: holders == 1 -> answer(s) :: else fi; goto finished }
  :: same_word && (state == committing || state == done || state == dead || state == kept) -> goto finished
  fi;
  atomic { drop_hold(s, 0, follows) };
  if
  :: follows == to_free -> free_slot(s)
  :: else
  fi;
  atomic { count_job(0, counts) };
finished:
  skip
}
#endif
#if SINK_FAILURES
/* retry_kept(), row 5a. */
proctype retrier() {
  byte s;
  bit taken;
  mtype follows;
  do
  :: any_kept ->
    atomic {
      if
      :: slot[0].state == kept -> s = 0
      :: slot[LAST].state == kept -> s = LAST
      fi;
      slot[s].state = dead; slot[s].in_hand++ /* row 5a */
    };
    atomic { offer_letter(s, taken) };
    if
    :: atomic { !taken -> keep(s) }
    :: taken ->
      atomic { drop_hold(s, 0, follows) };
      if
      :: follows == to_free -> free_slot(s)
      :: else
      fi
    fi;
    atomic { s = 0; taken = 0; follows = 0 }
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
