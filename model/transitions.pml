/*
 * The transition protocol: one execution with the steps 0 … LAST. See LockStore in lambda/engine/ports, lambda/engine/step and
 * lambda/engine/locks/refusal.ts, and redrive and cancel in lambda/engine/executions.
 *
 * Two workers process the deliveries of the source, which arrive in any order and perhaps twice. Workers die between any two requests. A
 * lease may expire at any time, even while its holder is alive. Actions throw. A send is rejected, or reports a failure after it took
 * effect. The final commit takes effect and its answer is lost, or it takes effect later, or twice. Two clients redrive a failed execution,
 * also concurrently, and die between any two requests. Another client cancels at any time.
 *
 * Checked properties:
 *   I1  nothing lost      when no envelope remains, the execution is completed or canceled, or has failed and can be redriven
 *   I2  one line          each step is committed once, in order, and the next step continues the committed attempt
 *   I3  mutual exclusion  no worker acquires the lease while the holder of a valid lease runs actions
 *   I4  growing fences    each acquisition has a larger fence
 *   I6  one start         a duplicate start (step 0) runs nothing
 *   I9  own deaths        only attempts that ran alone in their invocation count as dead
 *   visible               every reader who sees the execution failed or completed finds its journal entry
 *   Also, nothing runs after a cancellation, and no envelope is classified as unknown (refusal.ts).
 *
 * A worker runs a step alone or beside other executions, whose actions may end the invocation as well. A step whose latest attempt died is a
 * suspect, and runs only alone.
 *
 * Omitted, because it does not change the order of events: the number of attempts (the last retry fails at any time); copies of busy
 * envelopes in the retry queue; contexts. docs/reference/protocol.md lists further simplifications.
 *
 * `npm run model` checks these properties, and that each MUTATE_… violates one.
 */
#ifndef LAST
#define LAST 2
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
#ifndef EXPIRES
#define EXPIRES 0
#endif
#ifndef DUPLICATES
#define DUPLICATES 0
#endif
#ifndef FAILURES
#define FAILURES 0
#endif
#ifndef REDRIVES
#define REDRIVES 0
#endif
#ifndef CANCELS
#define CANCELS 0
#endif
#ifndef ALONE /* whether an invocation may have one execution only, and not just several of them */
#define ALONE 0
#endif

#include "source.pml"

#define ENVELOPE(step, parent) ((step) | (parent) << 4)
#define STEP_OF(envelope) ((envelope) & 15)
#define PARENT_OF(envelope) ((envelope) >> 4)

/* NEW: the start is recorded (see start.pml), and its step has not begun. */
mtype = { NEW, RUNNING, COMPLETED, FAILED, CANCELLED };

/* The lock item. */
mtype status = NEW;
byte lockStep, lockFence, lockParent, released, accompanied;
bool done, valid;
#define FENCES 15
#define SAME_STEP (lockStep == step && lockParent == parent)
#define HELD (lockFence == fence)

/* The attempts at this step that died on their own: those after the last one that succeeded, was released, or ran beside others. */
#define LATEST_OF(a, b) ((a) > (b) -> (a) : (b))
#define DEATHS (lockFence - LATEST_OF(accompanied, LATEST_OF(lockParent, released)))
#ifdef MUTATE_SUSPECT_RUNS_BESIDE_OTHERS
#define MAY_RUN_HERE true
#else
#define MAY_RUN_HERE (alone || released == lockFence)
#endif

/* The journal: the fences with an entry of a failed execution and of a completed one. And whether a dead letter exists. */
short failed, completed;
bool deadLettered;
#define BIT(aFence) (1 << (aFence))
#define IN(entries, aFence) (((entries) & BIT(aFence)) != 0)

/* The failure that a redrive resumes from: the failure in the lock, or the one that was reopened and perhaps not sent. */
#ifdef MUTATE_REDRIVE_RESUMES_THE_LATEST
#define FAILURE (IN(failed, lockFence) -> lockFence : released)
#else
#define FAILURE (status == FAILED -> lockFence : released)
#endif
#define CAN_REDRIVE ((status == FAILED || status == RUNNING) && FAILURE > lockParent && IN(failed, FAILURE))

/* A commit whose answer was lost and that may take effect later. */
byte late;
mtype lateStatus = NEW;

/*
 * Only for the properties: the fence that each worker holds, whether its lease has neither expired nor been released by it, and whether its
 * actions run; the fence that committed each step.
 */
byte holds[2];
bool leased[2], runs[2];
byte committed[LAST + 1];
byte loneAttempts; /* number of attempts at this step that ran alone */
byte redriving; /* number of redrives in progress */
bool abandoned; /* a redriving client has died */
byte crashes, expires, duplicates, failures, redrives, cancels;
#define VISIBLE ((status != FAILED || IN(failed, lockFence)) && (status != COMPLETED || IN(completed, lockFence)))
#define HOLDER_LIVES (holds[0] == lockFence || holds[1] == lockFence)

#ifdef MUTATE_SUCCESSOR_IGNORES_FENCE
#define COMMIT (step > 0 && lockStep == step - 1)
#else
#define COMMIT (step > 0 && lockStep == step - 1 && lockFence == parent)
#endif
#ifdef MUTATE_RETRY_IGNORES_PARENT
#define RETRY (lockStep == step && !done && !valid)
#elif defined(MUTATE_RETRY_IGNORES_LEASE)
#define RETRY (SAME_STEP && !done)
#elif defined(MUTATE_RETRY_IGNORES_DONE)
#define RETRY (SAME_STEP && !valid)
#else
#define RETRY (SAME_STEP && !done && !valid && MAY_RUN_HERE)
#endif

#define FORGET step = 0; parent = 0; fence = 0; alone = 0; ends = NEW; envelope = 0; holds[me] = 0; leased[me] = 0; runs[me] = 0
#define ACKNOWLEDGE acknowledge(); FORGET; goto next
#define REDELIVER redeliver(envelope); FORGET; goto next
#define MAY_DIE :: atomic { crashes < CRASHES -> crashes++; REDELIVER }
#define MAY_LEAVE :: atomic { crashes < CRASHES -> crashes++; abandoned = 1; goto over }

inline commitStep() { assert(committed[lockStep] == 0 || committed[lockStep] == lockFence); committed[lockStep] = lockFence } /* I2 */
inline release() {
#ifdef MUTATE_RELEASE_IGNORES_FENCE
  valid = 0
#else
  if :: HELD && !done -> valid = 0; released = fence :: else fi
#endif
}

/* LockStore.commit: a late commit must not end a step whose lease was released or that was reopened. */
#ifdef MUTATE_COMMIT_IGNORES_FENCE
#define CAN_COMMIT(aFence) (status != COMPLETED)
#elif defined(MUTATE_COMMIT_IGNORES_RELEASE)
#define CAN_COMMIT(aFence) (lockFence == (aFence))
#else
#define CAN_COMMIT(aFence) (lockFence == (aFence) && released < (aFence))
#endif
inline commit(aStatus) {
  assert(status == RUNNING || status == aStatus);
  if :: aStatus == COMPLETED -> assert(lockStep == LAST) :: else fi;
  if :: aStatus == FAILED :: else -> commitStep() fi;
  done = 1; valid = 0; status = aStatus
}

/* The journal entry of this attempt, and the entry that the loser of two attempts deletes. */
inline record() { if :: ends == FAILED -> failed = failed | BIT(fence) :: else -> completed = completed | BIT(fence) fi }
#ifdef MUTATE_LOSER_DELETES_ENTRY_OF_WINNER
#define FORGOTTEN lockFence
#else
#define FORGOTTEN fence
#endif

proctype worker(bit me) {
  int envelope;
  byte i, step, parent, fence;
  bool alone;
  mtype ends = NEW;
next:
end:
  atomic {
    receive(envelope); step = STEP_OF(envelope); parent = PARENT_OF(envelope);
    if :: ALONE -> alone = 1 :: skip fi
  }
acquire:
  atomic {
    if /* acquire: one conditional write */
    :: status == NEW && step == 0 -> status = RUNNING
    :: status != NEW && COMMIT -> assert(parent == lockFence); commitStep(); loneAttempts = 0
    :: status != NEW && RETRY ->
       assert(step == 0 || committed[step - 1] == parent); /* I2: continues the committed line */
       assert(DEATHS <= loneAttempts); /* I9 */
       assert(lockFence - LATEST_OF(lockParent, released) - DEATHS <= 1) /* and only one death goes uncounted before that */
    :: else -> /* refusal.ts */
       if
       :: SAME_STEP && !done && !valid && !alone -> /* a suspect: it runs after all others of the batch, alone, or returns unused */
          if
          :: alone = 1; goto acquire
#ifndef FAIR /* an invocation without time for it is followed by one that has time */
          :: REDELIVER
#endif
          fi
       :: SAME_STEP && !done && valid ->
#ifdef MUTATE_BUSY_IS_ACKNOWLEDGED
          ACKNOWLEDGE
#else
          REDELIVER
#endif
       :: else -> /* a duplicate or an orphan */
          assert(status != NEW && (lockStep >= step || (lockStep == step - 1 && lockFence > parent))); /* not unknown */
          ACKNOWLEDGE
       fi
    fi;
    assert(status != CANCELLED);
    assert(!(leased[1 - me] && runs[1 - me])); /* I3 */
    assert(committed[step] == 0); /* I2, I6 */
    lockStep = step; lockParent = parent; valid = 1; done = 0; status = RUNNING;
#ifdef MUTATE_RETRY_KEEPS_FENCE
    if :: SAME_STEP && lockFence > parent :: else -> lockFence++ fi;
#else
    lockFence++;
#endif
    assert(lockFence != holds[1 - me]); /* I4 */
    assert(lockFence < FENCES);
    if
    :: alone -> loneAttempts++
#ifndef MUTATE_DEATH_OF_NEIGHBOR_COUNTS
    :: else -> accompanied = lockFence
#else
    :: else
#endif
    fi;
    fence = lockFence; holds[me] = fence; leased[me] = 1; runs[me] = 1
  }
  if /* its actions run */
  MAY_DIE
  :: atomic { failures < FAILURES -> failures++; runs[me] = 0; if :: goto retry :: goto failForGood fi }
  :: step < LAST ->
#ifdef MUTATE_COMMIT_BEFORE_DISPATCH
     atomic { skip; if :: CAN_COMMIT(fence) -> commit(RUNNING) :: else fi }
     if MAY_DIE :: skip fi;
#endif
     goto dispatch
  :: step == LAST -> atomic { runs[me] = 0; ends = COMPLETED; goto finish }
  fi;

dispatch: /* to the primary event source, otherwise the failover, otherwise the retry queues; no action runs after the first request */
  atomic {
#ifndef MUTATE_ACTIONS_RUN_AFTER_DISPATCH
    runs[me] = 0;
#endif
    if
    :: put(ENVELOPE(step + 1, fence))
    :: failures < FAILURES -> failures++; /* the outcome is unknown: */
       if :: put(ENVELOPE(step + 1, fence)) :: skip fi;
#ifndef MUTATE_REJECTED_COUNTS_AS_SENT
       if :: put(ENVELOPE(step + 1, fence)) /* the next transport accepts it */
          :: release(); REDELIVER /* no transport accepts it */
       fi
#endif
    fi
  }
  if /* an eager commit, optionally */
  MAY_DIE
  :: atomic { ACKNOWLEDGE }
  :: atomic { skip; if :: CAN_COMMIT(fence) -> commit(RUNNING) :: else fi }
     if MAY_DIE :: atomic { ACKNOWLEDGE } fi
  fi;

retry: /* releases the lease, then stores the original envelope */
  atomic { release() }
#ifdef MUTATE_ACKNOWLEDGED_BEFORE_RETRY
  atomic { acknowledge(); holds[me] = 0 }
  atomic { if :: crashes < CRASHES -> crashes++ :: put(envelope) fi; FORGET; goto next }
#endif
  if
  MAY_DIE
  :: atomic { put(envelope) }
     if MAY_DIE :: atomic { ACKNOWLEDGE } fi
  fi;

failForGood:
  atomic {
#ifndef MUTATE_FAILED_BEFORE_DEAD_LETTER
    deadLettered = 1;
#endif
    ends = FAILED
  }
  if MAY_DIE :: skip fi;

finish: /* first the journal, then the commit; an attempt that lost its lease deletes its entry */
#ifndef MUTATE_COMMIT_BEFORE_JOURNAL
  atomic { record() }
#endif
  if
  MAY_DIE
  :: atomic { failures < FAILURES && !late -> failures++; /* no answer */
       if :: CAN_COMMIT(fence) -> commit(ends) :: skip fi;
       late = fence; lateStatus = ends }
     atomic { release(); REDELIVER }
  :: atomic { CAN_COMMIT(fence) -> commit(ends) }
  :: atomic { !CAN_COMMIT(fence) }
     atomic { failed = failed & ~BIT(FORGOTTEN); completed = completed & ~BIT(FORGOTTEN) }
  fi;
#ifdef MUTATE_COMMIT_BEFORE_JOURNAL
  atomic { record() }
#endif
#ifdef MUTATE_FAILED_BEFORE_DEAD_LETTER
  if MAY_DIE :: atomic { deadLettered = 1 } fi;
#endif
  if MAY_DIE :: atomic { ACKNOWLEDGE } fi
}

/*
 * redrive: reads the lock and the journal, reopens the lock, sends the envelope, lets the entry expire. Clients repeat it until it
 * succeeds, even if the lock is already open; an envelope that is sent twice is a duplicate.
 */
proctype redriver() {
  byte i, step, parent, fence;
  bool opens;
end:
  do
  :: atomic { redrives < REDRIVES && CAN_REDRIVE ->
       redrives++; redriving++; step = lockStep; parent = lockParent; opens = (status == FAILED); fence = FAILURE }
#ifdef MUTATE_REDRIVE_SENDS_FIRST
     atomic { put(ENVELOPE(step, parent)) }
#endif
     atomic {
#ifdef MUTATE_REOPEN_IGNORES_FENCE
       if :: opens && status == FAILED && SAME_STEP ->
#else
       if :: opens && status == FAILED && HELD ->
#endif
          assert(HELD); /* the failure whose envelope it read, not a later one */
          done = 0; status = RUNNING;
#ifndef MUTATE_REOPEN_LEAVES_NO_TRACE
          released = lockFence
#endif
       :: !opens
       :: else -> goto over
       fi
     }
#ifndef MUTATE_REDRIVE_SENDS_FIRST
     if MAY_LEAVE :: atomic { put(ENVELOPE(step, parent)) } fi;
#endif
     if MAY_LEAVE :: atomic { failed = failed & ~BIT(fence) } fi;
over:
     atomic { redriving--; step = 0; parent = 0; fence = 0; opens = 0 }
  od
}

/* A cancellation ends the step and increases the fence: every envelope of the last holder becomes an orphan. */
proctype canceller() {
end:
  do
  :: atomic { cancels < CANCELS && (status == RUNNING || status == FAILED) ->
       cancels++; done = 1; valid = 0; status = CANCELLED; leased[0] = 0; leased[1] = 0;
#ifndef MUTATE_CANCEL_KEEPS_FENCE
       lockFence++
#endif
     }
  od
}

proctype services() {
  int envelope;
  byte i;
end:
  do
  :: atomic { valid && !HOLDER_LIVES -> valid = 0 } /* a lease expires no earlier than its holder must have ended */
  :: atomic { valid && HOLDER_LIVES && expires < EXPIRES -> expires++; valid = 0;
       if :: holds[0] == lockFence -> leased[0] = 0 :: else -> leased[1] = 0 fi }
  :: atomic { waiting > 0 && duplicates < DUPLICATES -> duplicates++; peek(envelope); put(envelope); envelope = 0 }
  :: atomic { late -> if :: CAN_COMMIT(late) -> commit(lateStatus) :: else fi; late = 0; lateStatus = NEW }
  :: atomic { !VISIBLE -> assert(VISIBLE) } /* visible, at every moment */
  :: atomic { waiting == 0 && inHand == 0 && !redriving -> /* I1: nothing is in flight */
       assert(status == COMPLETED || status == CANCELLED || ((status == FAILED || abandoned) && deadLettered && CAN_REDRIVE)) }
  od
}

init {
  byte i;
  atomic {
    put(ENVELOPE(0, 0));
    run worker(0); run worker(1); run services();
    if :: REDRIVES > 0 -> run redriver() :: else fi;
    if :: REDRIVES > 1 -> run redriver() :: else fi;
    if :: CANCELS > 0 -> run canceller() :: else fi
  }
}

/* I1 with fair workers: every accepted execution ends. Checked in a separate run. */
#ifdef FAIR
ltl ends { <> (status == COMPLETED || status == FAILED || status == CANCELLED) }
#endif
