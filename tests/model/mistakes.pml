/* Mistakes that may be made on purpose, with -DMISTAKE=name. Each must make the check fail. */

#define none 0
#define success_unfenced 1       /* row 3 without a look at the stamp */
#define settle_unfenced 2        /* row 3a likewise */
#define renewal_unfenced 3       /* renew likewise */
#define expiry_without_hold 4    /* row 6: the redelivery gets no hold of its own */
#define commit_taken 5           /* row 6 takes committing jobs, too */
#define free_below_others 6      /* row 10: whoever leaves an ended job frees it, whoever else is inside */
#define hold_kept 7              /* row 11: a hold is not dropped */
#define no_resumption 8          /* row 12: the last hung run to return does not go on with its job */
#define stall_unseen 9           /* row 6b: without a look at the holders */
#define late_hold_kept 10        /* row 9b: the hold of a stalled job stays */
#define tombstone_without_hold 11 /* row 9a': who empties a job in a lane takes no hold */
#define unlinked_late 12         /* row 9a: CAS and unlinking are two sections */
#define birth_overlooked 13      /* cancel does not look at the birth stamp */
#define cancel_overlooked 14     /* row 4 does not look at the cancel bit */
#define delivery_uncounted 15    /* a failure counts no delivery */
#define hang_uncounted 16        /* a hang counts no delivery */
#define wake_forgotten 17        /* a job that is due goes into no lane */
#define no_substitute 18         /* nobody takes the place of a hung worker */
#define settled_as_lost 19       /* row 12 books the lease that was settled before the job stalled */
#define stall_overlooked 20      /* row 9b: who has found the job waiting does not look for it among the stalled */
