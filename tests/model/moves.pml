/* What several threads do alike. */

/* What a thread says when it reads a payload as part of a run of job j. */
inline use_payload(s, j) {
  require(slot[s].payloads == 1 && !slot[s].emptied && slot[s].job == j, "a payload is alive while it is used")
}

/* The move of a word into done, or for the first time into dead. */
inline end_job(s) {
  require(job[slot[s].job].endings == 0, "a job ends once");
  job[slot[s].job].endings++;
}

inline own(s, thread) { slot[s].owner = thread + 1; }

inline write_cold(s, thread) {
  require(slot[s].owner == thread + 1 && (slot[s].state == settling || slot[s].state == committing),
          "the cold slot is written by the owner of settling only");
}

/* The outcome of a run may decide about the job only if no newer one has begun. */
inline is_current(s, thread) { require(slot[s].newest == thread, "a stale run settles nothing") }

inline push_lane(s) {
  require(!slot[s].in_lane, "a number is in one place");
  slot[s].in_lane = 1;
  slot[s].in_hand--;
}

inline push_errand(s) {
  require(!slot[s].in_errands, "a number is in one place");
  slot[s].in_errands = 1;
  slot[s].in_hand--;
}

inline destroy_payload(s) {
  if
  :: slot[s].emptied -> skip
  :: else ->
    require(slot[s].inside == 0, "a payload is alive while it is used");
    require(slot[s].payloads == 1, "a payload is destroyed once");
    slot[s].payloads = 0;
    slot[s].emptied = 1
  fi
}

/* The second half of row 10: payload, word, free list. One step: until the number is in the free list nobody but a
 * canceller, who then finds no job, takes notice of the slot. */
inline free_slot(s) {
  destroy_payload(s);
  require(is_over(s) && slot[s].payloads == 0 && !slot[s].in_free, "a slot is freed once");
  require(slot[s].holders == 1, "the last one out frees");
  slot[s].state = free;
  slot[s].holders = 0;
  slot[s].cancel = 0;
  slot[s].stamp++;
  slot[s].job = 0; slot[s].newest = 0; slot[s].hang_stamp = 0; /* whatever is there, nobody reads it */
  slot[s].hangs = 0; slot[s].failures = 0; slot[s].deliveries = 0;
  slot[s].in_free = 1;
  slot[s].in_hand--
}

/* drop(), rows 10 to 12, inside atomic. */
inline drop_hold(s, thread, follows) {
  if
  :: is_over(s) && (slot[s].holders == 1 || MISTAKE == free_below_others) ->
    if
    :: slot[s].owes_letter -> follows = to_offer
    :: else -> free_slot(s); follows = nothing
    fi
  :: else ->
    if
    :: slot[s].state == stalled && slot[s].holders == 2 && MISTAKE != no_resumption -> /* row 12 */
      slot[s].state = settling;
      slot[s].holders--;
      own(s, thread);
      follows = to_settle
    :: else -> /* row 11 */
      if
      :: MISTAKE == hold_kept
      :: else -> slot[s].holders--
      fi;
      slot[s].in_hand--;
      follows = nothing
    fi
  fi
}

/* Row 5. The caller owns a dead job and offers its letter; `taken` says what the sink did. A payload that cannot be
 * copied follows when the hung run has returned. */
inline offer_letter(s, taken) {
  require(slot[s].state == dead && slot[s].holders >= 1, "a letter is offered by the owner of a dead job");
  if
  :: sink_failures > 0 -> sink_failures--; taken = 0
  :: true ->
    taken = 1;
    if
    :: slot[s].owes_letter -> require(slot[s].inside == 0, "a payload is alive while it is used"); slot[s].owes_letter = 0
    :: else ->
      if
      :: slot[s].holders == 1 -> require(slot[s].inside == 0, "a payload is moved out when no run holds it")
      :: slot[s].holders > 1 -> slot[s].owes_letter = 1 /* moved only */
      :: slot[s].holders > 1 -> skip                    /* copied */
      fi
    fi;
    require(slot[s].payloads == 1, "a payload is alive while it is used")
  fi
}

/* Row 5: dead -> kept. The hold stays, and is nobody's. */
inline keep(s) {
  if
  :: slot[s].state == dead -> slot[s].state = kept
  :: else -> skip
  fi;
  slot[s].in_hand--
}

inline count_ended(j) {
  require(job[j].counted == 0 && job[j].endings == 1, "a job is counted once");
  job[j].counted++
}

inline count_job(j, counts) {
  if
  :: counts -> counts = 0; count_ended(j)
  :: else
  fi
}

/* Each lost lease is booked once, whoever comes to it first. */
inline book_hang(s, thread) {
  write_cold(s, thread);
  if
  :: slot[s].hang_stamp == slot[s].stamp
  :: else ->
    slot[s].hang_stamp = slot[s].stamp;
    slot[s].hangs++;
    require(slot[s].hangs <= job[slot[s].job].lost, "a hang is a lease that was lost");
    if :: MISTAKE == hang_uncounted :: else -> slot[s].deliveries++ fi
  fi
}

/* cancel() is going to say `cancelled`. */
inline say_cancelled(s) {
  require(slot[s].inside == 0, "a job that is said to be cancelled runs no more");
  job[0].answered = 1
}

#define is_exhausted(s) \
  (slot[s].failures >= MAX_FAILURES || slot[s].hangs >= MAX_HANGS || slot[s].deliveries >= MAX_DELIVERIES)

/* The second letter of a job whose payload a run held, and row 10; or it is kept. The caller has the last hold. */
inline offer_rest(s) {
  require(slot[s].inside == 0 && slot[s].holders == 1, "a payload is moved out when no run holds it");
  if
  :: sink_failures > 0 -> sink_failures--; keep(s)
  :: true -> slot[s].owes_letter = 0; free_slot(s)
  fi
}

#if HANGS
#define show_line(w, number, name) line[w].slot = number; line[w].stamp = name; line[w].tried = 0
#else
#define show_line(w, number, name) line[w].slot = number; line[w].stamp = name
#endif

/* The thread goes back to look for work. Its line is cleared in the same step: whoever has seen it may act on it late. */
inline tidy() {
  if :: !is_sweeper(me) -> show_line(me, 0, 0) :: else fi;
  s = 0; my = 0; j = 0; has_committed = 0; was_refused = 0; counts = 0; to = 0
}
