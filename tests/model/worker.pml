/* A worker, the substitute, and whoever sweeps after a shutdown: job_core.hpp, job_life.hpp, leftovers.hpp. */

/* Row 2. Its line is shown with it: that the timekeeper sees it late is its being slow. */
inline lease(s, my, j, me) {
  j = slot[s].job;
  require(!job[j].committed, "what was committed never runs again");
  require(!job[j].answered, "a job that is said to be cancelled runs no more");
  require(job[j].runs < MAX_DELIVERIES, "max_deliveries is kept");
  require(slot[s].failures < MAX_FAILURES && slot[s].hangs < MAX_HANGS, "max_failures and max_hangs are kept");
  job[j].runs++;
  slot[s].state = leased;
  slot[s].stamp++;
  my = slot[s].stamp;
  slot[s].newest = me;
  slot[s].inside++;
  show_line(me, s, my)
}

/* A success of the run: rows 3 and 9b. */
inline succeed(s, me) {
  is_current(s, me);
  slot[s].state = done;
  end_job(s);
  counts = 1
}

/* Row 5: the caller made the job `dead`, and offers its letter. That it does so at once is no loss: what a run does in
 * between, it may as well do before. */
inline bury(s, j, counts) {
  slot[s].state = dead;
  end_job(s);
  counts = 1;
  offer_letter(s, taken);
  if
  :: taken -> taken = 0
  :: else -> count_job(j, counts); keep(s); taken = 0; tidy(); goto look
  fi
}

proctype worker(byte me) {
  byte s, my, j;
  bit has_committed, was_refused, taken, counts;
  mtype to;

  if
  :: is_substitute(me) -> substitute_wanted || all_over || phase >= stopping
  :: is_sweeper(me) -> phase == over || all_over
  :: else
  fi;

look:
  atomic {
    if
    :: slot[0].in_errands -> s = 0; slot[s].in_errands = 0; slot[s].in_hand++; goto errand
#if SLOTS > 1
    :: slot[1].in_errands -> s = 1; slot[s].in_errands = 0; slot[s].in_hand++; goto errand
#endif
    :: !any_errand && slot[0].in_lane && (phase < stopping || is_sweeper(me)) -> s = 0
#if SLOTS > 1
    :: !any_errand && slot[1].in_lane && (phase < stopping || is_sweeper(me)) -> s = 1
#endif
    :: is_sweeper(me) && any_planned -> goto planned
    :: !is_sweeper(me) && phase >= stopping && !any_errand -> threads_left--; goto finished
    :: all_over -> goto finished
    fi;
    slot[s].in_lane = 0;
    slot[s].in_hand++
  };
  atomic {
    j = slot[s].job;
    if
    :: is_sweeper(me) && slot[s].state == ready -> /* row 9d, sweep_leftovers() */
      if
      :: bury(s, j, counts)
      :: slot[s].state = done; end_job(s); counts = 1
      fi;
      goto release
    :: !is_sweeper(me) && slot[s].state == ready -> lease(s, my, j, me) /* row 2; may have looked at the phase before */
    :: !is_sweeper(me) && slot[s].state == ready && slot[s].holders >= 2 && phase != open -> /* row 6b */
      slot[s].state = stalled;
      slot[s].in_hand--;
      tidy();
      goto look
    :: slot[s].state != ready -> goto release /* a tombstone */
    fi
  };

handler:
#if HANGS
  if
  :: j == 0 && job[0].runs == 1 -> false /* for ever */
  :: else
  fi;
#endif
  if
  :: atomic { extensions > 0 && !has_committed -> extensions--;
      use_payload(s, j);
      if
      :: slot[s].state == leased && (is_delivery(s, my) || MISTAKE == renewal_unfenced) -> /* renew */
        is_current(s, me);
        slot[s].stamp++;
        my = slot[s].stamp;
        show_line(me, s, my)
      :: else
      fi };
    goto handler
  :: atomic { COMMITS && !has_committed && !was_refused ->
      use_payload(s, j);
      if
      :: slot[s].state == leased && is_delivery(s, my) && !slot[s].cancel -> /* row 8 */
        require(!job[j].committed, "a job is committed once");
        slot[s].state = committing;
        own(s, me);
        job[j].committed = 1;
        has_committed = 1
      :: else -> was_refused = 1
      fi };
    goto handler
  :: atomic { /* It returns, and finish() begins with a CAS. */
      use_payload(s, j);
      slot[s].inside--;
      if
      :: to = success
      :: to = failure
      :: to = rejected
      :: to = discarded
      :: snoozes > 0 -> snoozes--; to = snoozed
      fi;
      if
      :: has_committed ->
        require(slot[s].state == committing && is_delivery(s, my), "nobody takes a committed job away");
        is_current(s, me);
        if
        :: to == success || to == discarded -> /* row 8a */
          slot[s].owner = 0; slot[s].state = done; end_job(s); counts = 1
        :: else -> /* row 8a */
          write_cold(s, me);
          slot[s].failures++;
          slot[s].deliveries++;
          slot[s].owner = 0;
          bury(s, j, counts)
        fi;
        goto release
      :: !has_committed && to == success && !was_refused ->
        if
        :: slot[s].state == leased && (is_delivery(s, my) || MISTAKE == success_unfenced) -> /* row 3 */
          succeed(s, me);
          goto release
        :: else -> goto late
        fi
      :: else ->
        if
        :: slot[s].state == leased && (is_delivery(s, my) || MISTAKE == settle_unfenced) -> /* row 3a */
          is_current(s, me);
          slot[s].state = settling;
          own(s, me)
        :: else -> goto release /* stale */
        fi
      fi }
  fi;

  /* judge() and apply() */
  atomic {
    if
    :: to == discarded || to == success -> to = done
    :: to == snoozed ->
      job[j].runs--;
      if :: to = ready :: to = waiting fi
    :: (to == failure || to == rejected) && phase < stopping ->
      write_cold(s, me);
      slot[s].failures++;
      if :: MISTAKE == delivery_uncounted :: else -> slot[s].deliveries++ fi;
      if
      :: to == rejected || is_exhausted(s) -> to = dead
      :: else -> if :: to = ready :: to = waiting fi
      fi
    :: (to == failure || to == rejected) && phase >= stopping -> to = ready /* a leftover, and no failure */
    fi
  };
  goto apply;

late: /* finish_late(), row 9b */
  atomic {
    if
    :: is_delivery(s, my) && (slot[s].state == expired || slot[s].state == ready) -> succeed(s, me); goto release
    :: is_delivery(s, my) && slot[s].state == stalled ->
      succeed(s, me);
      if :: MISTAKE == late_hold_kept :: else -> slot[s].holders-- fi;
      goto release
    :: else
    fi
  };
  atomic { /* Is it worth the lock? */
    if
    :: slot[s].state == waiting || slot[s].state == ready ||
       (slot[s].state == stalled && MISTAKE != stall_overlooked) -> skip
    :: else ->
      require(!is_delivery(s, my) || (slot[s].state != expired && slot[s].state != stalled),
              "a late success counts if nobody has the job again");
      goto release
    fi
  };
  atomic { /* the same again under the planner's lock */
    if
    :: is_delivery(s, my) && (slot[s].state == expired || slot[s].state == ready) -> succeed(s, me)
    :: is_delivery(s, my) && (slot[s].state == stalled || slot[s].state == waiting) ->
      succeed(s, me);
      slot[s].holders--;
      slot[s].in_planner = 0
    :: else /* stale */
    fi
  };
  goto release;

errand: /* run_errand(), settle_hang() */
  atomic {
    if
    :: slot[s].state == expired -> slot[s].state = settling; own(s, me) /* row 6a */
    :: else -> goto release
    fi;
    book_hang(s, me);
    j = slot[s].job
  };
  atomic {
    if
    :: to = dead; goto apply          /* give_up */
    :: phase == open -> goto go_on    /* redeliver */
    :: !HANGS ->                      /* wait */
      if
      :: (slot[s].holders >= 2 || MISTAKE == stall_unseen) && !slot[s].cancel -> /* row 6b */
        slot[s].state = stalled;
        slot[s].owner = 0;
        slot[s].in_hand--;
        tidy();
        goto look
      :: else
      fi
    fi
  };

go_on: /* go_on_after_hang() */
  atomic {
    book_hang(s, me);
    if
    :: phase != open -> if :: to = dead :: to = done fi /* abandoned, or discarded */
    :: phase == open && is_exhausted(s) -> to = dead
    :: phase == open && !is_exhausted(s) -> if :: to = ready :: to = waiting fi
    fi
  };

apply: /* row 4 */
  atomic {
    require(slot[s].state == settling && slot[s].owner == me + 1, "settling has one owner");
    if
    :: slot[s].holders > 1 && MISTAKE != settled_as_lost -> slot[s].hang_stamp = slot[s].stamp
    :: else
    fi;
    slot[s].owner = 0;
    if
    :: to == done || (slot[s].cancel && MISTAKE != cancel_overlooked) ->
      slot[s].state = done; end_job(s); counts = 1; goto release
    :: else ->
      if
      :: to == waiting ->
        slot[s].state = waiting; slot[s].in_planner = 1; slot[s].in_hand--;
        tidy();
        goto look
      :: to == ready -> slot[s].state = ready; to = 0
      :: to == dead -> bury(s, j, counts); goto release
      fi
    fi
  };
  atomic { push_lane(s); tidy() };
  goto look;

planned: /* row 9d, take_waiting() */
  atomic {
    if
    :: slot[0].in_planner -> s = 0
    :: !slot[0].in_planner && slot[LAST].in_planner -> s = LAST
    :: else -> goto look
    fi;
    slot[s].in_planner = 0;
    slot[s].in_hand++;
    j = slot[s].job;
    if
    :: bury(s, j, counts)
    :: slot[s].state = done; end_job(s); counts = 1
    fi
  };

release:
  atomic {
    to = 0;
    drop_hold(s, me, to);
    if
    :: to == to_offer -> offer_rest(s); count_job(j, counts); tidy()
    :: to == to_settle -> to = 0; goto go_on
    :: to == nothing -> count_job(j, counts); tidy()
    fi
  };
  goto look;

finished:
  skip
}
