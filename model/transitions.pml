/*
 * The transition protocol: one execution, steps 0 … LAST. Compare lambda/engine/ports.ts (LockStore), admission.ts, judge.ts, attempt.ts,
 * executions.ts (redrive).
 *
 * Two workers handle what the source delivers: in any order, perhaps twice. They die between any two requests. A lease runs out at any
 * time, also while its holder still lives. Actions throw. A request to send is refused, or fails after it has taken effect. A person
 * redrives what has failed, and another one cancels, at any time.
 *
 * What is held:
 *   I1  nothing lost     when no envelope is left, the execution is completed or cancelled, or has failed and can be redriven
 *   I2  one line         each step is committed once, in order, and the next one continues the very attempt that was committed
 *   I3  no two at once   nobody acquires while the holder of a valid lease runs actions
 *   I4  fences grow      with each acquisition
 *   I6  one start        a start that comes twice is one (a duplicate of step 0)
 *   and nothing runs after a cancellation, and no envelope is taken for a stranger's ("unknown" in judge.ts).
 *
 * Left out, since they change no order of events: attempts are not counted (the last retry fails at any time), nor those that died (the
 * same); a busy envelope is put back instead of copied; contexts.
 *
 * `npm run model` checks this, and that each MUTATE_… breaks it.
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

#include "source.pml"

#define ENVELOPE(step, parent) ((step) | (parent) << 4)
#define STEP_OF(envelope) ((envelope) & 15)
#define PARENT_OF(envelope) ((envelope) >> 4)

mtype = { NEW, RUNNING, COMPLETED, FAILED, CANCELLED };

/* The lock item. */
mtype status = NEW;
byte lockStep, lockFence, lockParent;
bool done, valid;
#define SAME_STEP (lockStep == step && lockParent == parent)
#define HELD (lockFence == fence)

/* The journal's entry of what has failed for good, and whether there is a dead letter. */
byte failedStep, failedParent;
bool failed, buried;

/*
 * For the properties alone: which fence each worker holds, whether his lease is neither over nor given up by himself, and whether his
 * actions run; by which fence each step was committed.
 */
byte holds[2];
bool leased[2], runs[2];
byte committed[LAST + 1];
bool redriving;
byte crashes, expires, duplicates, failures, redrives, cancels;
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
#define RETRY (SAME_STEP && !done && !valid)
#endif

#define FORGET step = 0; parent = 0; fence = 0; envelope = 0; holds[me] = 0; leased[me] = 0; runs[me] = 0
#define ACKNOWLEDGE acknowledge(); FORGET; goto next
#define GIVE_BACK giveBack(envelope); FORGET; goto next
#define MAY_DIE :: atomic { crashes < CRASHES -> crashes++; GIVE_BACK }

inline commitStep() { assert(committed[lockStep] == 0 || committed[lockStep] == lockFence); committed[lockStep] = lockFence } /* I2 */
inline release() {
#ifdef MUTATE_RELEASE_IGNORES_FENCE
  valid = 0
#else
  if :: HELD && !done -> valid = 0 :: else fi
#endif
}

proctype worker(bit me) {
  int envelope;
  byte i, step, parent, fence;
next:
end:
  atomic {
    receive(envelope); step = STEP_OF(envelope); parent = PARENT_OF(envelope);
    if /* acquire: one conditional write */
    :: status == NEW && step == 0 -> status = RUNNING
    :: status != NEW && COMMIT -> assert(parent == lockFence); commitStep()
    :: status != NEW && RETRY -> assert(step == 0 || committed[step - 1] == parent) /* I2: the committed line goes on */
    :: else -> /* judge.ts */
       if
       :: SAME_STEP && !done ->
#ifdef MUTATE_BUSY_IS_ACKNOWLEDGED
          ACKNOWLEDGE
#else
          GIVE_BACK
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
    fence = lockFence; holds[me] = fence; leased[me] = 1; runs[me] = 1
  }
  if /* its actions run */
  MAY_DIE
  :: atomic { failures < FAILURES -> failures++; runs[me] = 0; if :: goto retry :: goto failForGood fi }
  :: step < LAST ->
#ifdef MUTATE_COMMIT_BEFORE_DISPATCH
     atomic { if :: HELD -> done = 1; commitStep() :: else fi }
     if MAY_DIE :: skip fi;
#endif
     goto dispatch
  :: step == LAST -> goto complete
  fi;

dispatch: /* the primary event source, else the failover, else the retry queues; no action runs after the first request */
  atomic {
#ifndef MUTATE_ACTIONS_RUN_AFTER_DISPATCH
    runs[me] = 0;
#endif
    if
    :: put(ENVELOPE(step + 1, fence))
    :: failures < FAILURES -> failures++; /* it is not known whether it was taken: */
       if :: put(ENVELOPE(step + 1, fence)) :: skip fi;
#ifndef MUTATE_REFUSED_IS_TAKEN
       if :: put(ENVELOPE(step + 1, fence)) /* the next one takes it */
          :: release(); GIVE_BACK /* nor does any other */
       fi
#endif
    fi
  }
  if /* eager commit: perhaps */
  MAY_DIE
  :: atomic { ACKNOWLEDGE }
  :: atomic { if :: HELD -> done = 1; valid = 0; commitStep() :: else fi }
     if MAY_DIE :: atomic { ACKNOWLEDGE } fi
  fi;

complete:
  atomic {
    runs[me] = 0;
#ifdef MUTATE_FINAL_COMMIT_IGNORES_FENCE
    if :: status != COMPLETED ->
#else
    if :: HELD ->
#endif
       assert(status == RUNNING); assert(lockStep == LAST); commitStep(); done = 1; valid = 0; status = COMPLETED
    :: else
    fi
  }
  if MAY_DIE :: atomic { ACKNOWLEDGE } fi;

retry: /* gives the lease up, then stores the original envelope */
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

failForGood: /* the dead letter, the journal, the commit */
#ifndef MUTATE_FAILED_BEFORE_DEAD_LETTER
  atomic { buried = 1 }
  if MAY_DIE :: skip fi;
#endif
  atomic {
    if :: HELD -> assert(status == RUNNING); failed = 1; failedStep = step; failedParent = parent; done = 1; valid = 0; status = FAILED :: else fi
  }
#ifdef MUTATE_FAILED_BEFORE_DEAD_LETTER
  if MAY_DIE :: atomic { buried = 1 } fi;
#endif
  if MAY_DIE :: atomic { ACKNOWLEDGE } fi
}

/* executions.ts, redrive(): first the lock, then the envelope. It is called until it works, so also when the lock is open again. */
proctype redriver() {
  byte i, step, parent;
end:
  do
  :: atomic { redrives < REDRIVES && failed && (status == FAILED || status == RUNNING) && lockStep == failedStep && lockParent == failedParent ->
       redrives++; redriving = 1; step = failedStep; parent = failedParent }
#ifdef MUTATE_REDRIVE_SENDS_FIRST
     atomic { put(ENVELOPE(step, parent)) }
#endif
     atomic { if :: status == FAILED && SAME_STEP -> done = 0; status = RUNNING :: else fi }
#ifndef MUTATE_REDRIVE_SENDS_FIRST
     atomic { put(ENVELOPE(step, parent)) }
#endif
     atomic { redriving = 0; step = 0; parent = 0 }
  od
}

/* A cancellation ends the step and bumps the fence: what the last holder has sent or will send is an orphan. */
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
  :: atomic { valid && !HOLDER_LIVES -> valid = 0 } /* a lease ends when its holder must be dead, or later */
  :: atomic { valid && HOLDER_LIVES && expires < EXPIRES -> expires++; valid = 0;
       if :: holds[0] == lockFence -> leased[0] = 0 :: else -> leased[1] = 0 fi }
  :: atomic { waiting > 0 && duplicates < DUPLICATES -> duplicates++; peek(envelope); put(envelope); envelope = 0 }
  :: atomic { waiting == 0 && inHand == 0 && !redriving -> /* I1: nothing goes on by itself */
       assert(status == COMPLETED || status == CANCELLED ||
         (status == FAILED && buried && failed && lockStep == failedStep && lockParent == failedParent)) }
  od
}

init {
  byte i;
  atomic {
    put(ENVELOPE(0, 0));
    run worker(0); run worker(1); run services();
    if :: REDRIVES > 0 -> run redriver() :: else fi;
    if :: CANCELS > 0 -> run canceller() :: else fi
  }
}

/* I1 again, with fair workers: what was accepted ends. Checked in a run of its own. */
#ifdef FAIR
ltl ends { <> (status == COMPLETED || status == FAILED || status == CANCELLED) }
#endif
