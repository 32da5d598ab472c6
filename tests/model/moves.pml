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

/* drop(), rows 11 and 12, and the first half of row 10. In one step: the caller is inside atomic. */
inline drop_hold(s, thread, follows) {
  if
  :: is_over(s) && (slot[s].holders == 1 || MISTAKE == free_below_others) -> follows = to_free
  :: else ->
    if
    :: slot[s].state == stalled && slot[s].holders == 2 && MISTAKE != no_resumption -> /* row 12 */
      slot[s].state = settling;
      slot[s].holders--;
      own(s, thread);
      follows = to_settle
    :: else -> /* row 11 */
      if
      :: MISTAKE == hold_kept -> skip
      :: else -> slot[s].holders--
      fi;
      slot[s].in_hand--;
      follows = nothing
    fi
  fi
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

/* The second half of row 10: payload, word, free list. */
inline free_slot(s) {
  atomic { destroy_payload(s) };
  atomic {
    require(is_over(s) && slot[s].payloads == 0, "a slot is freed once");
    require(slot[s].holders == 1, "the last one out frees");
    slot[s].state = free;
    slot[s].holders = 0;
    slot[s].cancel = 0;
    slot[s].stamp++;
    slot[s].job = 0; slot[s].newest = 0; slot[s].hang_stamp = 0; /* whatever is there, nobody reads it */
    slot[s].hangs = 0; slot[s].failures = 0; slot[s].deliveries = 0
  };
  atomic {
    require(slot[s].state == free && !slot[s].in_free, "a slot is freed once");
    slot[s].in_free = 1;
    slot[s].in_hand--;
    s = 0
  }
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
  slot[s].in_hand--;
  s = 0
}

inline count_job(j, counts) {
  if
  :: counts ->
    counts = 0;
    require(job[j].counted == 0 && job[j].endings == 1, "a job is counted once");
    job[j].counted++
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
    if :: MISTAKE == hang_uncounted :: else -> slot[s].deliveries++ fi
  fi
}

/* cancel() is going to say `cancelled`. */
inline answer(s) {
  require(slot[s].inside == 0, "a job that is said to be cancelled runs no more");
  job[0].answered = 1
}
