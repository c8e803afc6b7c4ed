/*
 * The mailbox: external events for an execution that parks. See lambda/engine/mailbox, park.ts and wake.ts in lambda/engine/step, and send,
 * drop-event and cancel in lambda/engine/executions.
 *
 *     step 0: A, parks ──mail──▶ step 1: works, or parks ──▶ step 2: A or B, parks ──mail, or its timeout──▶ step 3: completes
 *
 *     sender    S1 counts: the position    S2 the id and the mail, in one transaction    S3 reads the lock    S4 wakes, if it is parked
 *     parker    P1 removes the mail that an earlier step took    P2 commits the park    P3 looks: wakes, if a mail waits
 *     wake-up   W1 removes the mail that woke the parked step itself    W2 takes the first mail    W3 acquires the next step with it
 *
 * A wake-up carries no mail: it names a park by its fence. W3 is one conditional write, which stores the mail in the lock. The wake-up
 * stays unacknowledged while it drives that step, and its redelivery finds the mail in the lock.
 *
 * Each caller sends events, at any time, and repeats a send with the same id if the outcome is unknown. Two workers process the deliveries
 * of the source, which arrive in any order and perhaps twice. Workers and clients die between any two requests, and leases expire while
 * their holders still send results. A step fails the execution and is redriven. The execution may be canceled, and mails may be dropped,
 * at any time.
 *
 * Checked properties:
 *   once      along the line of committed steps, a mail is taken at most once, and an id is accepted once
 *   kept      a mail is removed only after a committed step has taken it, or after it was dropped
 *   order     the mails of one sender are taken in the order in which they were accepted, unless a client tries to drop one
 *   awake     no execution stays parked while an accepted mail that its state takes is waiting, or beyond its timeout
 *   same      all attempts at a step carry the same mail
 *   visible   every reader who sees the execution parked finds its checkpoint
 *   dropped   a mail that a client was told is dropped is never taken
 *   ended     a canceled execution takes no further step, and the mailbox of an ended execution is empty
 *
 * Every branch beside MAY_DIE begins with skip or an assignment: Spin flattens a leading if, and its else would mean "no crash is possible".
 *
 * `npm run model` checks these properties, and that each MUTATE_… violates one.
 */
#ifndef CRASHES
#define CRASHES 0
#endif
#ifndef EXPIRES
#define EXPIRES 0
#endif
#ifndef DUPLICATES
#define DUPLICATES 0
#endif
#ifndef DOUBTS
#define DOUBTS 0
#endif
#ifndef FAILURES
#define FAILURES 0
#endif
#ifndef CANCELS
#define CANCELS 0
#endif
#ifndef DROPS
#define DROPS 0
#endif
/* The first caller sends two events, the second caller one. */
#ifndef CALLERS
#define CALLERS 2
#endif

#include "source.pml"

/* Instead of a mail: the timeout as the event of a step; the wake-ups of a timeout and of a client. Instead of a step: none. */
#define TIMEOUT 4
#define ELAPSED 5
#define WAKE 6
#define NOTHING 9
#define A 1
#define B 2
#define PARKS(step) ((step) <= 2)
#define TAKES(step, event) ((step) > 0 || (event) == A)
#define BIT(mail) (1 << (mail))
#define FENCES 12

/* An envelope: its step, its parent, the mail that woke this step, and the mail that an earlier step took and that was not removed yet. */
#define ENVELOPE(step, parent, mail, taken) ((step) | (parent) << 4 | (mail) << 8 | (taken) << 12)
#define STEP_OF(envelope) ((envelope) & 15)
#define PARENT_OF(envelope) (((envelope) >> 4) & 15)
#define MAIL_OF(envelope) (((envelope) >> 8) & 15)
#define TAKEN_OF(envelope) ((envelope) >> 12)

mtype = { NEW, RUNNING, PARKED, COMPLETED, FAILED, CANCELLED };

/* The lock item. */
mtype status = NEW;
byte lockStep, lockFence, lockParent, lockMail;
bool done, valid;
#define ENDED (status == COMPLETED || status == CANCELLED)
#define SAME_STEP (lockStep == step && lockParent == parent)
#define KEY (mail -> mail : taken)

/* The failed envelope. The checkpoints of parked attempts, by fence. The mailbox, by mail: which ids are known, which mails are there, hidden, and in which order. */
int failedEnvelope;
short recorded;
byte last, ids, present, unseen;
byte positionOf[4], eventOf[4];

/* Only for the properties: the mails taken by committed steps, and including the running step; accepted mails, and mails that were dropped or hidden once. */
byte before, with, accepted, acknowledged, dropped, touched, removed;
byte sending = CALLERS, changing, crashes, expires, duplicates, failures, cancels, drops;
bool abandoned; /* a client has died */

/* The mail with the lowest position that the step takes: the head of each event, then the lowest. */
#define OPEN(m, s) ((present & BIT(m)) && !(unseen & BIT(m)) && TAKES(s, eventOf[m]))
#ifdef MUTATE_POSITION_IGNORED
#define FIRST(m, k, s) (!OPEN(k, s) || positionOf[m] > positionOf[k])
#else
#define FIRST(m, k, s) (!OPEN(k, s) || positionOf[m] < positionOf[k])
#endif
inline choose_mail(s) {
  if
  :: OPEN(1, s) && FIRST(1, 2, s) && FIRST(1, 3, s) -> mail = 1
  :: OPEN(2, s) && FIRST(2, 1, s) && FIRST(2, 3, s) -> mail = 2
  :: OPEN(3, s) && FIRST(3, 1, s) && FIRST(3, 2, s) -> mail = 3
  :: else -> mail = 0
  fi
}
/* W1: the mail that woke the parked step itself. */
#ifdef MUTATE_TAKEN_MAIL_STAYS
#define REMOVE(m) skip
#else
#define REMOVE(m) present = present & ~BIT(m); removed = removed | BIT(m)
#endif

/* Mailbox.expire: removes the mails of an ended execution. */
#define EXPIRE_MAILBOX present = 0

/* A wake-up by a client or a parker, which has read the lock of a park. */
#define SEND_WAKE_UP(s, f) put(ENVELOPE((s) + 1, f, WAKE, 0))

#define FORGET fence = 0; step = 0; parent = 0; taken = 0; mail = 0; parked = 0; envelope = 0
#define ACKNOWLEDGE acknowledge(); FORGET; goto next
#define REDELIVER redeliver(envelope); FORGET; goto next
#define MAY_DIE :: atomic { crashes < CRASHES -> crashes++; REDELIVER }

proctype worker() {
  int envelope;
  byte i, fence, step, parent, taken, mail, parked;
next:
end:
  atomic {
    receive(envelope); step = STEP_OF(envelope); parent = PARENT_OF(envelope); mail = MAIL_OF(envelope); taken = TAKEN_OF(envelope);
    if
    :: mail == WAKE || mail == ELAPSED ->
       if
       :: status != NEW && lockStep == step - 1 && lockFence == parent && !done -> REDELIVER /* the park is not committed yet */
       :: status == PARKED && lockStep == step - 1 && lockFence == parent -> parked = lockMail; goto look
       :: status != NEW && SAME_STEP && !done -> /* a redelivery: this step is running or has died */
          if :: lockMail == TIMEOUT && mail == WAKE -> ACKNOWLEDGE :: else -> mail = lockMail; taken = 0 fi
#ifndef MUTATE_WAKE_UP_LEAVES_ITS_OWN_PARK
       :: status == PARKED && SAME_STEP -> goto parkedAlready /* the step that it drove has parked itself */
#endif
       :: ENDED -> EXPIRE_MAILBOX; ACKNOWLEDGE
       :: else -> ACKNOWLEDGE
       fi
    :: else
    fi
  }
  goto acquire;

look: /* W1, W2 */
  if MAY_DIE :: atomic { skip; if :: parked && parked < TIMEOUT -> REMOVE(parked) :: else fi; parked = 0 } fi;
  if
  MAY_DIE
  :: atomic { skip; choose_mail(step - 1);
       if :: mail == 0 && MAIL_OF(envelope) == ELAPSED -> mail = TIMEOUT
          :: mail == 0 && MAIL_OF(envelope) == WAKE -> ACKNOWLEDGE
          :: else
       fi }
  fi;

acquire: /* one conditional write */
  atomic {
    if
    :: status == NEW && step == 0
    :: status != NEW && step == lockStep + 1 && parent == lockFence ->
       before = with;
       if :: mail == 0 || mail == TIMEOUT
          :: else ->
             assert(!(before & BIT(mail))); /* once */
             assert(mail != 2 || (before & BIT(1)) || !(accepted & BIT(1)) || (touched & BIT(1))); /* order */
             assert(!(dropped & BIT(mail))); /* dropped */
             with = before | BIT(mail)
       fi
#ifdef MUTATE_RETRY_IGNORES_MAIL
    :: status != NEW && SAME_STEP && !done && !valid ->
#else
    :: status != NEW && SAME_STEP && !done && !valid && lockMail == KEY ->
#endif
       assert(lockMail == KEY); /* same */
       assert(MAIL_OF(envelope) != WAKE && MAIL_OF(envelope) != ELAPSED || mail == TIMEOUT || (present & BIT(mail))) /* kept */
    :: else ->
       if
       :: status != NEW && SAME_STEP && !done && lockMail == KEY -> REDELIVER /* busy */
       :: SAME_STEP && status == PARKED -> goto parkedAlready
       :: ENDED -> EXPIRE_MAILBOX; ACKNOWLEDGE /* the worker that ended it may have died before it did so */
       :: else -> ACKNOWLEDGE /* a duplicate or an orphan */
       fi
    fi;
    assert(status != CANCELLED); /* ended */
    lockStep = step; lockParent = parent; lockMail = KEY; lockFence++; assert(lockFence < FENCES);
    fence = lockFence; valid = 1; done = 0; status = RUNNING
  }
  if /* its actions run */
  MAY_DIE
  :: atomic { failures < FAILURES -> failures++; /* the whole envelope, also for a step that a wake-up drives */
       envelope = ENVELOPE(step, parent, mail, taken);
       if :: lockFence == fence -> valid = 0 :: else fi;
       if :: lockFence == fence -> done = 1; status = FAILED; failedEnvelope = envelope
          :: put(envelope) /* a retry */
       fi;
       ACKNOWLEDGE }
  :: atomic { PARKS(step) -> skip }
     goto park
  :: atomic { step == 1 -> skip }
     goto dispatch
  :: atomic { step == 3 -> skip }
     goto complete
  fi;

dispatch: /* the next holder knows that this step is committed, and removes the mail */
  atomic {
#ifdef MUTATE_TAKEN_NOT_CARRIED
    put(ENVELOPE(step + 1, fence, 0, 0))
#else
    i = KEY; taken = i; put(ENVELOPE(step + 1, fence, 0, taken))
#endif
  }
#ifdef MUTATE_REMOVED_BEFORE_COMMIT
  if MAY_DIE :: atomic { skip; REMOVE(KEY) } fi;
#endif
  if MAY_DIE :: atomic { ACKNOWLEDGE } fi;

park:
#ifndef MUTATE_TIMEOUT_AFTER_COMMIT
  atomic { skip; if :: step == 2 -> put(ENVELOPE(step + 1, fence, ELAPSED, 0)) :: else fi } /* the timeout: an envelope for later */
#endif
#ifdef MUTATE_WAKING_MAIL_REMOVED_BEFORE_PARK
  if MAY_DIE :: atomic { skip; if :: KEY && KEY < TIMEOUT -> REMOVE(KEY) :: else fi } fi;
#else
  if MAY_DIE :: atomic { skip; if :: taken -> REMOVE(taken) :: else fi } fi; /* P1 */
#endif
#ifdef MUTATE_MAILBOX_READ_BEFORE_COMMIT
  atomic { skip; parked = mail; choose_mail(step); i = mail; mail = parked; parked = i; i = 0 }
#endif
#ifndef MUTATE_COMMIT_BEFORE_CHECKPOINT
  atomic { recorded = recorded | (1 << fence) }
#endif
  if
  MAY_DIE
  :: atomic { lockFence == fence -> done = 1; valid = 0; status = PARKED } /* P2 */
  :: atomic { lockFence != fence -> ACKNOWLEDGE }
  fi;
#ifdef MUTATE_COMMIT_BEFORE_CHECKPOINT
  atomic { recorded = recorded | (1 << fence) }
#endif
#ifdef MUTATE_TIMEOUT_AFTER_COMMIT
  if MAY_DIE :: atomic { skip; if :: step == 2 -> put(ENVELOPE(step + 1, fence, ELAPSED, 0)) :: else fi } fi;
#endif
#ifdef MUTATE_MAILBOX_READ_BEFORE_COMMIT
  atomic { skip; if :: parked -> SEND_WAKE_UP(step, fence) :: else fi; ACKNOWLEDGE }
#endif
#ifdef MUTATE_PARKER_SKIPS_MAILBOX
  atomic { ACKNOWLEDGE }
#endif
#ifdef MUTATE_ACKNOWLEDGED_BEFORE_LOOK
  atomic { acknowledge(); envelope = 0; parent = fence; inHand++; if :: crashes < CRASHES -> crashes++; ACKNOWLEDGE :: skip fi }
#endif
  atomic { parent = fence; goto lookAfterPark }

parkedAlready: /* an envelope of the parked step: its parker may have died before it looked */
#ifdef MUTATE_DUPLICATE_SKIPS_MAILBOX
  atomic { ACKNOWLEDGE }
#endif
  atomic { parent = lockFence } /* the refusal names the park */
lookAfterPark: /* P3: the park under the fence `parent` */
  if
  MAY_DIE
  :: atomic { skip;
       if :: status == PARKED && lockFence == parent -> assert(recorded & (1 << parent)) /* visible */
          :: ENDED -> EXPIRE_MAILBOX; ACKNOWLEDGE
          :: else -> ACKNOWLEDGE
       fi;
       parked = lockMail }
  fi;
  if MAY_DIE :: atomic { skip; if :: parked && parked < TIMEOUT -> REMOVE(parked) :: else fi; parked = 0 } fi;
  if MAY_DIE :: atomic { skip; choose_mail(step); if :: mail -> SEND_WAKE_UP(step, parent) :: else fi; ACKNOWLEDGE } fi;

complete:
  atomic { skip; if :: lockFence == fence -> done = 1; valid = 0; status = COMPLETED :: else -> ACKNOWLEDGE fi }
  if MAY_DIE :: atomic { EXPIRE_MAILBOX; ACKNOWLEDGE } fi
}

/* send. A caller that does not know the outcome, or that has died, repeats the call with the same id, or gives up. */
#define CALLER_MAY_DIE :: atomic { crashes < CRASHES -> crashes++; p = 0; parkStep = NOTHING; parkFence = 0; if :: goto call :: abandoned = 1; goto over fi }
proctype caller(byte mail) {
  byte i, doubts = DOUBTS, event = A, p, parkStep = NOTHING, parkFence;
  if :: mail != 1 -> event = B :: skip fi;
call:
#ifdef MUTATE_CALLER_READS_LOCK_FIRST
  atomic { skip; if :: status == PARKED && TAKES(lockStep, event) -> parkStep = lockStep; parkFence = lockFence :: else fi }
#endif
  atomic { last++; p = last } /* S1 */
#ifdef MUTATE_ID_APART
  if CALLER_MAY_DIE :: atomic { skip; if :: ids & BIT(mail) -> p = 0 :: else -> ids = ids | BIT(mail) fi } fi;
  if CALLER_MAY_DIE
  :: atomic { skip; if :: p -> accepted = accepted | BIT(mail); present = present | BIT(mail); positionOf[mail] = p; eventOf[mail] = event :: else fi; p = 0 }
  fi;
#else
  if
  CALLER_MAY_DIE
  :: atomic { skip; /* S2 */
#ifdef MUTATE_ID_IGNORED
       if :: 1 ->
#else
       if :: !(ids & BIT(mail)) ->
#endif
            assert(!(accepted & BIT(mail))); /* once */
            accepted = accepted | BIT(mail); ids = ids | BIT(mail);
            present = present | BIT(mail); positionOf[mail] = p; eventOf[mail] = event
          :: else
       fi;
       p = 0 }
  fi;
#endif
#ifndef MUTATE_CALLER_READS_LOCK_FIRST
  if
  CALLER_MAY_DIE
  :: atomic { skip; /* S3 */
       if :: status == PARKED && TAKES(lockStep, event) -> parkStep = lockStep; parkFence = lockFence
#ifndef MUTATE_LATE_MAIL_STAYS
          :: ENDED -> EXPIRE_MAILBOX
#endif
          :: else
       fi }
  fi;
#endif
  if
  CALLER_MAY_DIE
  :: atomic { skip; /* S4 */
       if :: parkStep < NOTHING -> SEND_WAKE_UP(parkStep, parkFence) :: else fi; parkStep = NOTHING; parkFence = 0 }
  fi;
  if
  CALLER_MAY_DIE
  :: atomic { doubts > 0 -> doubts--; goto call }
  :: atomic { acknowledged = acknowledged | BIT(mail);
       if :: mail == 1 -> mail = 2; if :: event = A :: event = B fi; goto call :: else fi }
  fi;
over:
  atomic { mail = 0; event = 0; doubts = 0; sending-- }
}

/* dropEvent: hides the mail, so that no look finds it, and removes it unless an earlier look may have found it. */
proctype dropper() {
  byte i, mail, verdict, parkStep, parkFence;
end:
  do
  :: atomic { drops < DROPS && (present & 14) -> drops++; changing++;
       if :: present & BIT(1) -> mail = 1 :: present & BIT(2) -> mail = 2 :: present & BIT(3) -> mail = 3 fi;
       touched = touched | BIT(mail);
#ifndef MUTATE_DROP_HIDES_NOTHING
       unseen = unseen | BIT(mail)
#endif
     }
     if
     :: atomic { crashes < CRASHES -> crashes++; abandoned = 1; goto gone }
     :: atomic { skip;
          if
#ifndef MUTATE_DROP_IGNORES_TAKEN
          :: lockMail == mail -> verdict = 1
#endif
#ifndef MUTATE_DROP_IGNORES_PARK
          :: status == PARKED && TAKES(lockStep, eventOf[mail]) && lockMail != mail -> verdict = 2; parkStep = lockStep; parkFence = lockFence
#endif
          :: else -> verdict = 3
          fi }
     fi;
     if
     :: atomic { crashes < CRASHES -> crashes++; abandoned = 1; goto gone }
     :: atomic { skip;
          if
          :: verdict == 3 ->
             if :: present & BIT(mail) -> present = present & ~BIT(mail); dropped = dropped | BIT(mail); assert(!(with & BIT(mail))) /* dropped */
                :: else /* taken, or expired */
             fi
          :: verdict < 3 -> unseen = unseen & ~BIT(mail)
          fi }
     fi;
     if
     :: atomic { crashes < CRASHES -> crashes++; abandoned = 1; goto gone }
     :: atomic { skip;
#ifndef MUTATE_DROP_LEAVES_PARK_ASLEEP
          if :: verdict == 2 -> SEND_WAKE_UP(parkStep, parkFence) :: else fi
#endif
        }
     fi;
gone:
     atomic { mail = 0; verdict = 0; parkStep = 0; parkFence = 0; changing-- }
  od
}

/* cancel: first the lock, then the mailbox. */
proctype canceller() {
end:
  do
  :: atomic { cancels < CANCELS && (status == RUNNING || status == PARKED || status == FAILED) ->
       cancels++; changing++;
#ifdef MUTATE_CANCEL_EXPIRES_MAILBOX_FIRST
       EXPIRE_MAILBOX
     }
     atomic {
#endif
       if :: status == COMPLETED :: else -> done = 1; valid = 0; status = CANCELLED;
#ifndef MUTATE_CANCEL_KEEPS_FENCE
         lockFence++
#endif
       fi
     }
     atomic {
#ifndef MUTATE_CANCEL_EXPIRES_MAILBOX_FIRST
       EXPIRE_MAILBOX;
#endif
       changing--
     }
  od
}

/* redrive: the failed envelope, whole. transitions.pml has the concurrent events. */
proctype redriver() {
  int envelope;
  byte i;
end:
  do
  :: atomic { status == FAILED -> done = 0; status = RUNNING; changing++;
#ifdef MUTATE_REDRIVE_LOSES_MAIL
       envelope = ENVELOPE(lockStep, lockParent, 0, 0)
#else
       envelope = failedEnvelope
#endif
     }
     atomic { put(envelope); envelope = 0; changing-- }
  od
}

proctype services() {
  int envelope;
  byte i;
end:
  do
  :: atomic { valid && expires < EXPIRES -> expires++; valid = 0 } /* it runs out under a holder that lives */
  :: atomic { valid && inHand == 0 && waiting > 0 -> valid = 0 } /* its holder is dead */
  :: atomic { waiting > 0 && duplicates < DUPLICATES -> duplicates++; peek(envelope); put(envelope); envelope = 0 }
  :: atomic { waiting == 0 && inHand == 0 && sending == 0 && !changing -> /* nothing more happens */
       assert(!(removed & ~with & ~dropped)); /* kept */
       assert(abandoned || status == PARKED || status == FAILED || (ENDED && !present)); /* ended */
       if
       :: status == PARKED ->
          assert(lockStep != 2); /* awake: it has a timeout */
          i = 1;
          do :: i > 3 -> break
             :: else ->
                assert(!((acknowledged & ~with) & BIT(i)) || (dropped & BIT(i)) || (present & BIT(i))); /* kept */
                assert(!((acknowledged & ~with & ~dropped) & BIT(i)) || !TAKES(lockStep, eventOf[i]) || (abandoned && DROPS > 0)); /* awake */
                i++
          od
       :: else
       fi;
       break }
  od
}

init {
  byte i;
  atomic {
    put(ENVELOPE(0, 0, 0, 0));
    run worker(); run worker(); run services();
    run caller(1);
    if :: CALLERS > 1 -> run caller(3) :: else fi;
    if :: FAILURES > 0 -> run redriver() :: else fi;
    if :: CANCELS > 0 -> run canceller() :: else fi;
    if :: DROPS > 0 -> run dropper() :: else fi
  }
}
