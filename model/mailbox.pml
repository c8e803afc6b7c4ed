/*
 * The mailbox: events from outside, for an execution that parks. Compare lambda/engine/wake.ts, mailbox-position.ts, attempt.ts,
 * admission.ts, executions.ts.
 *
 *     step 0: A, parks ──mail a──▶ step 1: works, dispatches ──▶ step 2: C, parks ──mail a or b, or its timeout──▶ step 3: completes
 *
 * Callers send one event each, at any time, and again with the same id when they are in doubt. Two workers handle what the source delivers:
 * in any order, perhaps twice. They die between any two requests, and leases run out while their holders still send what they have done. A
 * step fails for good and is redriven. The execution is cancelled, at any time.
 *
 * What is held:
 *   once    along the line of committed steps a mail is taken at most once
 *   kept    a mail is forgotten only when a committed step has taken it
 *   awake   nobody stays parked beside a mail that he would take, nor beyond his timeout
 *   same    all attempts at a step are about the same mail
 *   told    whoever sees that the execution is parked finds the checkpoint of that
 *   let go  a cancelled execution does nothing more, and nothing stays in the mailbox of one that has ended
 *
 * `npm run model` checks this, and that each MUTATE_… breaks it.
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
#ifndef CALLERS
#define CALLERS 2
#endif

#include "source.pml"

/* In place of a mail: the timeout. In place of a step or a position: it has ended, there is none. */
#define TIMEOUT 7
#define OVER 8
#define NOTHING 9
#define A 1
#define B 2
#define ELAPSED 3
#define PARKS(step) ((step) == 0 || (step) == 2)
#define TAKES(step, event) ((step) == 2 || (event) == A)
#define BIT(mail) (1 << (mail))
#define FENCES 10

/* An envelope: its step, its parent, the mail that woke this step, and the mailbox position: the mails taken, with that one. */
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
#define SAME_STEP (lockStep == STEP_OF(envelope) && lockParent == PARENT_OF(envelope))

/* The checkpoints of attempts that park: their positions, by fence. The mailbox: the event at each position, and which are there. */
byte position[FENCES] = NOTHING;
byte last, present, ids;
byte eventOf[5];
#define PUT_MAIL(event) last++; eventOf[last] = event; present = present | BIT(last)
#define TIMEOUT_ID 4

/* For the properties alone: what the committed steps have taken, and with the step that is being run; what is forgotten. */
byte before, with, removed, sent;
byte sending = CALLERS, changing, crashes, expires, duplicates, failures, cancels;

/* mailbox-position.ts: the earliest mail that was not taken and whose event the state takes, or 0. */
inline nextMail(step, taken) {
  mail = 1;
  do
  :: mail > last -> mail = 0; break
  :: mail <= last && (present & BIT(mail)) && !((taken) & BIT(mail)) && TAKES(step, eventOf[mail]) -> break
  :: else -> mail++
  od
}
#ifdef MUTATE_POSITION_NOT_CARRIED
#define TAKE(taken) (taken)
#else
#define TAKE(taken) ((taken) | BIT(mail))
#endif

/* MailboxTable.expire: an execution that has ended needs its mails no more. */
#define LET_GO present = 0

/* wake.ts: two requests, between which anything may happen: first the lock, then the mails. What is sent then may be late anyway. */
inline readLock() {
  if
  :: status == PARKED -> parkStep = lockStep; parkFence = lockFence
#ifndef MUTATE_LATE_MAIL_STAYS
  :: ENDED -> parkStep = OVER
#endif
  :: else
  fi
}
inline wake() {
  if
  :: parkStep == OVER -> LET_GO
  :: parkStep < OVER ->
     assert(position[parkFence] != NOTHING); /* told */
     nextMail(parkStep, position[parkFence]);
     if :: mail -> put(ENVELOPE(parkStep + 1, parkFence, mail, TAKE(position[parkFence]))) :: else fi
  :: parkStep == NOTHING
  fi;
  parkStep = NOTHING; parkFence = 0; mail = 0
}

#define FORGET fence = 0; step = 0; taken = 0; mail = 0; parkStep = NOTHING; parkFence = 0; envelope = 0
#define ACKNOWLEDGE acknowledge(); FORGET; goto next
#define GIVE_BACK giveBack(envelope); FORGET; goto next
#define MAY_DIE :: atomic { crashes < CRASHES -> crashes++; GIVE_BACK }

proctype worker() {
  int envelope;
  byte i, fence, step, taken, mail, parkStep = NOTHING, parkFence;
next:
end:
  atomic {
    receive(envelope); step = STEP_OF(envelope); taken = TAKEN_OF(envelope);
#ifndef MUTATE_TIMEOUT_IS_A_STEP
    if :: MAIL_OF(envelope) == TIMEOUT -> goto elapsed :: else fi;
#endif
    if /* acquire: one conditional write */
    :: (status == NEW && step == 0) || (status != NEW && step == lockStep + 1 && PARENT_OF(envelope) == lockFence) ->
       before = with; lockMail = MAIL_OF(envelope)
    :: status != NEW && SAME_STEP && !done && !valid -> assert(MAIL_OF(envelope) == lockMail) /* same */
    :: else ->
       if
       :: SAME_STEP && !done -> GIVE_BACK /* busy */
       :: SAME_STEP && status == PARKED -> goto parked
       :: ENDED && taken -> LET_GO; ACKNOWLEDGE /* perhaps he who has ended it died before he could do so */
       :: else -> ACKNOWLEDGE /* a duplicate or an orphan */
       fi
    fi;
    assert(status != CANCELLED); /* let go */
    mail = MAIL_OF(envelope);
    if :: mail == 0 || mail == TIMEOUT -> assert(taken == before)
       :: else -> assert(!(before & BIT(mail)) && taken == (before | BIT(mail))) fi; /* once */
    with = taken;
    lockStep = step; lockParent = PARENT_OF(envelope); lockFence++; assert(lockFence < FENCES);
    fence = lockFence; valid = 1; done = 0; status = RUNNING
  }
  if /* its actions run */
  MAY_DIE
  :: atomic { failures < FAILURES -> failures++; if :: lockFence == fence -> done = 1; valid = 0; status = FAILED :: else fi; ACKNOWLEDGE }
  :: PARKS(step) -> goto park
  :: step == 1 -> goto dispatch
  :: step == 3 -> goto complete
  fi;

dispatch:
  atomic { put(ENVELOPE(step + 1, fence, 0, taken)) }
#ifndef MUTATE_FORGOTTEN_BEFORE_COMMIT
  atomic { /* a step that a mail has woken is committed before the mail is forgotten */
    if
    MAY_DIE
    :: lockFence == fence -> done = 1; valid = 0
    :: lockFence != fence && lockStep == step + 1 && lockParent == fence /* its successor has done so */
    :: lockFence != fence && !(lockStep == step + 1 && lockParent == fence) -> ACKNOWLEDGE
    fi
  }
#endif
  atomic {
    if
    MAY_DIE
    :: skip /* could not be forgotten */
    :: present = present & ~BIT(mail); removed = removed | BIT(mail)
    fi;
    ACKNOWLEDGE
  }

park:
#ifndef MUTATE_TIMEOUT_AFTER_COMMIT
  atomic { if :: step == 2 -> put(ENVELOPE(step + 1, fence, TIMEOUT, taken)) :: else fi } /* the timeout: an envelope for later */
#endif
#ifdef MUTATE_LOOKS_BEFORE_COMMIT
  atomic { nextMail(step, taken) }
#endif
#ifndef MUTATE_COMMIT_BEFORE_CHECKPOINT
  atomic { position[fence] = taken }
#endif
  atomic {
    if
    MAY_DIE
    :: lockFence == fence -> done = 1; valid = 0; status = PARKED
    :: lockFence != fence -> position[fence] = NOTHING; ACKNOWLEDGE
    fi
  }
#ifdef MUTATE_COMMIT_BEFORE_CHECKPOINT
  atomic { position[fence] = taken }
#endif
#ifdef MUTATE_TIMEOUT_AFTER_COMMIT
  atomic { if MAY_DIE :: step == 2 -> put(ENVELOPE(step + 1, fence, TIMEOUT, taken)) :: step != 2 fi }
#endif
#ifdef MUTATE_LOOKS_BEFORE_COMMIT
  atomic { if :: mail -> put(ENVELOPE(step + 1, fence, mail, TAKE(taken))) :: else fi; ACKNOWLEDGE }
#endif
#ifdef MUTATE_PARKER_DOES_NOT_LOOK
  atomic { ACKNOWLEDGE }
#endif
look:
  atomic { if MAY_DIE :: readLock() fi }
  atomic { wake(); if MAY_DIE :: ACKNOWLEDGE fi }

parked: /* an envelope of the very step that is parked: perhaps that of a parker who died before he looked */
#ifdef MUTATE_DUPLICATE_DOES_NOT_LOOK
  atomic { ACKNOWLEDGE }
#endif
  goto look;

elapsed: /* it is no step: its event becomes a mail like any other, if he still waits */
  atomic {
    if
    :: lockStep == step - 1 && lockFence == PARENT_OF(envelope) && !done -> GIVE_BACK /* the park is not committed yet */
    :: lockStep == step - 1 && lockFence == PARENT_OF(envelope) && status == PARKED
#ifndef MUTATE_LATE_TIMEOUT_STAYS
    :: ENDED -> LET_GO; ACKNOWLEDGE /* perhaps he who has put its mail died before he could look */
#endif
    :: else -> ACKNOWLEDGE
    fi
  }
  atomic { if MAY_DIE :: !(ids & TIMEOUT_ID) -> ids = ids | TIMEOUT_ID; PUT_MAIL(ELAPSED) :: ids & TIMEOUT_ID fi; goto look }

complete:
  atomic { if :: lockFence == fence -> done = 1; valid = 0; status = COMPLETED :: else -> ACKNOWLEDGE fi }
  atomic { if MAY_DIE :: LET_GO; ACKNOWLEDGE fi }
}

/* executions.ts, send(): puts the mail, then looks at the lock. A caller in doubt calls again with the same id. */
proctype caller(byte id) {
  byte i, doubts = DOUBTS, event = A, mail, parkStep = NOTHING, parkFence;
  if :: id == 0 :: id == 1 :: id == 1 -> event = B fi;
call:
#ifdef MUTATE_CALLER_LOOKS_FIRST
  atomic { readLock() }
#endif
  atomic {
    if
    :: !(ids & BIT(id)) ->
       sent++; assert(sent <= CALLERS); /* once */
       PUT_MAIL(event);
#ifndef MUTATE_ID_IGNORED
       ids = ids | BIT(id)
#endif
    :: else
    fi
  }
#ifndef MUTATE_CALLER_LOOKS_FIRST
  atomic { if :: doubts > 0 -> doubts--; goto call :: readLock() fi }
#endif
  atomic { wake(); if :: doubts > 0 -> doubts--; goto call :: event = 0; doubts = 0; sending-- fi }
}

/* executions.ts, cancel(): first the lock, then the mailbox. */
proctype canceller() {
end:
  do
  :: atomic { cancels < CANCELS && (status == RUNNING || status == PARKED || status == FAILED) ->
       cancels++; changing++;
#ifdef MUTATE_CANCEL_LETS_GO_FIRST
       LET_GO
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
#ifndef MUTATE_CANCEL_LETS_GO_FIRST
       LET_GO;
#endif
       changing--
     }
  od
}

/* executions.ts, redrive(): the envelope that failed, whole. What may happen meanwhile is in transitions.pml. */
proctype redriver() {
  int envelope;
  byte i;
end:
  do
  :: atomic { status == FAILED -> done = 0; status = RUNNING; changing++;
#ifdef MUTATE_REDRIVE_LOSES_POSITION
       envelope = ENVELOPE(lockStep, lockParent, lockMail, 0)
#else
       envelope = ENVELOPE(lockStep, lockParent, lockMail, with)
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
  :: atomic { valid && expires < EXPIRES -> expires++; valid = 0 }
  :: atomic { waiting > 0 && duplicates < DUPLICATES -> duplicates++; peek(envelope); put(envelope); envelope = 0 }
  :: atomic { waiting == 0 && inHand == 0 && sending == 0 && !changing -> /* nothing will happen any more */
       assert(!(removed & ~with)); /* kept */
       assert(status == PARKED || status == FAILED || (ENDED && !present)); /* let go */
       if :: status == PARKED ->
             assert(lockStep != 2); /* awake: it has a timeout */
             i = 1;
             do :: i > last -> break
                :: else -> assert(!(present & BIT(i) && !(with & BIT(i)) && TAKES(lockStep, eventOf[i]))); i++ /* awake */
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
    run caller(0);
    if :: CALLERS > 1 -> run caller(1) :: else fi;
    if :: FAILURES > 0 -> run redriver() :: else fi;
    if :: CANCELS > 0 -> run canceller() :: else fi
  }
}
