/* A worker, the substitute, and whoever sweeps after a shutdown: job_core.hpp, job_life.hpp, leftovers.hpp. */

#define is_substitute(me) (me == WORKERS)
#define is_sweeper(me) (me == SWEEPER)

proctype worker(byte me) {
  byte s, my, j;
  bit has_committed, was_refused, taken, counts;
  mtype to, follows;

  if
  :: is_substitute(me) -> substitute_wanted || all_over || phase >= stopping
  :: is_sweeper(me) -> phase == over || all_over
  :: else
  fi;

look:
  atomic {
    s = 0; my = 0; j = 0; has_committed = 0; was_refused = 0; taken = 0; counts = 0; to = 0; follows = 0;
    if :: !is_sweeper(me) -> line[me].stamp = 0; line[me].slot = 0; line[me].tried = 0 :: else fi
  };
  if
  :: atomic { slot[0].in_errands -> s = 0; slot[s].in_errands = 0; slot[s].in_hand++ }; goto errand
#if SLOTS > 1
  :: atomic { slot[1].in_errands -> s = 1; slot[s].in_errands = 0; slot[s].in_hand++ }; goto errand
#endif
  :: atomic { !any_errand && slot[0].in_lane && (phase < stopping || is_sweeper(me)) ->
      s = 0; slot[s].in_lane = 0; slot[s].in_hand++ }; goto popped
#if SLOTS > 1
  :: atomic { !any_errand && slot[1].in_lane && (phase < stopping || is_sweeper(me)) ->
      s = 1; slot[s].in_lane = 0; slot[s].in_hand++ }; goto popped
#endif
  :: is_sweeper(me) && any_planned -> goto planned
  :: atomic { !is_sweeper(me) && phase >= stopping && !any_errand -> threads_left-- } goto finished
  :: all_over -> goto finished
  fi;

popped:
  if
  :: is_sweeper(me) -> goto left_over
  :: atomic { !is_sweeper(me) ->
      if
      :: slot[s].state == ready -> /* row 2 */
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
        slot[s].inside++
      :: else -> goto release /* a tombstone */
      fi }
  fi;

shown:
  atomic { line[me].slot = s; line[me].stamp = my };

  /* The handler. */
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
        slot[s].stamp++; my = slot[s].stamp
      :: else
      fi };
    goto shown
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
      fi }
  :: true
  fi;
  atomic {
    use_payload(s, j);
    slot[s].inside--;
    if
    :: to = success
    :: to = failure
    :: to = rejected
    :: to = discarded
    :: snoozes > 0 -> snoozes--; to = snoozed
    fi
  };

  /* finish() */
  if
  :: has_committed -> goto committed
  :: !has_committed && to == success && !was_refused ->
    if
    :: atomic { slot[s].state == leased && (is_delivery(s, my) || MISTAKE == success_unfenced) -> /* row 3 */
        is_current(s, me); slot[s].state = done; end_job(s); counts = 1 }
    :: atomic { else -> to = 0 };
      if
      :: atomic { is_delivery(s, my) && (slot[s].state == expired || slot[s].state == ready) -> /* row 9b */
          is_current(s, me); slot[s].state = done; end_job(s); counts = 1 }
      :: atomic { is_delivery(s, my) && slot[s].state == stalled -> /* row 9b */
          is_current(s, me); slot[s].state = done; end_job(s); counts = 1;
          if :: MISTAKE == late_hold_kept :: else -> slot[s].holders-- fi }
      :: else ->
        if /* the same again under the planner's lock */
        :: atomic { is_delivery(s, my) && (slot[s].state == expired || slot[s].state == ready) -> /* row 9b */
            is_current(s, me); slot[s].state = done; end_job(s); counts = 1 }
        :: atomic { is_delivery(s, my) && (slot[s].state == stalled || slot[s].state == waiting) -> /* row 9b */
            is_current(s, me); slot[s].state = done; end_job(s); counts = 1; slot[s].holders--;
            slot[s].in_planner = 0 }
        :: else /* stale */
        fi
      fi
    fi;
    goto release
  :: atomic { else ->
      if
      :: slot[s].state == leased && (is_delivery(s, my) || MISTAKE == settle_unfenced) -> /* row 3a */
        is_current(s, me); slot[s].state = settling; own(s, me)
      :: else -> goto release /* stale */
      fi };
    goto judge
  fi;

committed:
  atomic {
    require(slot[s].state == committing && is_delivery(s, my), "nobody takes a committed job away");
    is_current(s, me);
    if
    :: to == success || to == discarded -> /* row 8a */
      slot[s].owner = 0; slot[s].state = done; end_job(s); counts = 1; goto release
    :: else -> /* row 8a */
      write_cold(s, me);
      slot[s].failures++;
      slot[s].deliveries++;
      slot[s].owner = 0; slot[s].state = dead; end_job(s); counts = 1; goto bury
    fi
  };

judge:
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
      :: to == rejected || slot[s].failures >= MAX_FAILURES || slot[s].hangs >= MAX_HANGS ||
         slot[s].deliveries >= MAX_DELIVERIES -> to = dead
      :: else -> if :: to = ready :: to = waiting fi
      fi
    :: (to == failure || to == rejected) && phase >= stopping -> to = ready /* a leftover, and no failure */
    fi
  };
  goto apply;

errand: /* run_errand(), settle_hang() */
  atomic {
    if
    :: slot[s].state == expired -> slot[s].state = settling; own(s, me) /* row 6a */
    :: else -> goto release
    fi
  };
  atomic {
    book_hang(s, me);
    if
    :: true -> to = dead; goto apply /* give_up */
    :: phase == open -> goto go_on   /* redeliver */
    :: !HANGS                        /* wait */
    fi
  };
  atomic {
    if
    :: (slot[s].holders >= 2 || MISTAKE == stall_unseen) && !slot[s].cancel -> /* row 6b */
      slot[s].state = stalled; slot[s].owner = 0; slot[s].in_hand--; goto look
    :: else
    fi
  };

go_on: /* go_on_after_hang() */
  atomic {
    book_hang(s, me);
    if
    :: phase != open -> if :: to = dead :: to = done fi /* abandoned, or discarded */
    :: phase == open && (slot[s].hangs >= MAX_HANGS || slot[s].failures >= MAX_FAILURES ||
                         slot[s].deliveries >= MAX_DELIVERIES) -> to = dead
    :: else -> if :: to = ready :: to = waiting fi
    fi
  };

apply: /* row 4 */
  atomic {
    require(slot[s].state == settling && slot[s].owner == me + 1, "settling has one owner");
    if
    :: to == done || (slot[s].cancel && MISTAKE != cancel_overlooked) ->
      slot[s].owner = 0; slot[s].state = done; end_job(s); counts = 1; goto release
    :: else ->
      if
      :: to == waiting -> slot[s].owner = 0; slot[s].state = waiting; slot[s].in_planner = 1; slot[s].in_hand--; goto look
      :: to == ready -> slot[s].owner = 0; slot[s].state = ready
      :: to == dead -> slot[s].owner = 0; slot[s].state = dead; end_job(s); counts = 1; goto bury
      fi
    fi
  };
  atomic { push_lane(s) };
  goto look;

planned: /* row 9d, take_waiting() */
  atomic {
    if
    :: slot[0].in_planner -> s = 0
    :: slot[LAST].in_planner -> s = LAST
    :: else -> goto look
    fi;
    slot[s].in_planner = 0; slot[s].in_hand++;
    if :: slot[s].state = dead :: slot[s].state = done fi;
    end_job(s); counts = 1;
    if :: slot[s].state == dead -> goto bury :: else -> goto release fi
  };

left_over: /* row 9d, sweep_leftovers() */
  atomic {
    if
    :: slot[s].state == ready ->
      if :: slot[s].state = dead :: slot[s].state = done fi;
      end_job(s); counts = 1;
      if :: slot[s].state == dead :: else -> goto release fi
    :: else -> goto release /* a tombstone */
    fi
  };

bury: /* row 5 */
  atomic { j = slot[s].job; offer_letter(s, taken) };
  if
  :: taken -> goto release
  :: atomic { !taken -> count_job(j, counts) };
    atomic { keep(s) };
    goto look
  fi;

release:
  atomic { j = slot[s].job; drop_hold(s, me, follows) };
  if
  :: atomic { follows == to_free && slot[s].owes_letter ->
      if
      :: sink_failures > 0 -> sink_failures--; keep(s); goto count
      :: true -> require(slot[s].inside == 0, "a payload is moved out when no run holds it"); slot[s].owes_letter = 0
      fi };
    free_slot(s)
  :: follows == to_free && !slot[s].owes_letter -> free_slot(s)
  :: follows == to_settle -> goto go_on
  :: follows == nothing
  fi;
count:
  atomic { count_job(j, counts) };
  goto look;

finished:
  skip
}
