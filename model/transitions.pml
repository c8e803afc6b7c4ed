/*
 * The transition protocol: one execution, steps 0 … LAST. Compare lambda/engine/ports.ts (LockStore), admission.ts, judge.ts, attempt.ts,
 * executions.ts (redrive).
 *
 * Two workers handle what the source delivers: in any order, perhaps twice. They die between any two requests. A lease runs out at any
 * time, also while its holder still lives. Actions throw. A request to send is refused, or fails after it has taken effect. The last commit
 * takes effect, and its answer is lost; or it takes effect later, or once more. Two persons redrive what has failed, also at once, and die
 * between any two requests; another one cancels, at any time.
 *
 * What is held:
 *   I1  nothing lost     when no envelope is left, the execution is completed or cancelled, or has failed and can be redriven
 *   I2  one line         each step is committed once, in order, and the next one continues the very attempt that was committed
 *   I3  no two at once   nobody acquires while the holder of a valid lease runs actions
 *   I4  fences grow      with each acquisition
 *   I6  one start        a start that comes twice is one (a duplicate of step 0)
 *   told                 whoever sees that the execution has failed or completed finds the journal's entry of that
 *   and nothing runs after a cancellation, and no envelope is taken for a stranger's ("unknown" in judge.ts).
 *
 * Left out, since they change no order of events: attempts are not counted (the last retry fails at any time), nor those that died (the
 * same); a busy envelope is put back instead of copied; contexts. What docs/protocol.md names is left out, too.
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
byte lockStep, lockFence, lockParent, released;
bool done, valid;
#define FENCES 15
#define SAME_STEP (lockStep == step && lockParent == parent)
#define HELD (lockFence == fence)

/* The journal: of which fences it has the entry of a failure for good, and of a completion. And whether there is a dead letter. */
short failed, completed;
bool buried;
#define BIT(aFence) (1 << (aFence))
#define IN(entries, aFence) (((entries) & BIT(aFence)) != 0)

/* The failure that a redrive takes up: the one that the lock tells of, or that was opened and perhaps not sent. */
#ifdef MUTATE_REDRIVE_TAKES_THE_LATEST
#define FAILURE (IN(failed, lockFence) -> lockFence : released)
#else
#define FAILURE (status == FAILED -> lockFence : released)
#endif
#define CAN_REDRIVE ((status == FAILED || status == RUNNING) && FAILURE > lockParent && IN(failed, FAILURE))

/* A commit whose answer was lost, and which may take effect later. */
byte late;
mtype lateStatus = NEW;

/*
 * For the properties alone: which fence each worker holds, whether his lease is neither over nor given up by himself, and whether his
 * actions run; by which fence each step was committed.
 */
byte holds[2];
bool leased[2], runs[2];
byte committed[LAST + 1];
byte redriving; /* how many do */
bool abandoned; /* one of them has died */
byte crashes, expires, duplicates, failures, redrives, cancels;
#define TOLD ((status != FAILED || IN(failed, lockFence)) && (status != COMPLETED || IN(completed, lockFence)))
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

#define FORGET step = 0; parent = 0; fence = 0; ends = NEW; envelope = 0; holds[me] = 0; leased[me] = 0; runs[me] = 0
#define ACKNOWLEDGE acknowledge(); FORGET; goto next
#define GIVE_BACK giveBack(envelope); FORGET; goto next
#define MAY_DIE :: atomic { crashes < CRASHES -> crashes++; GIVE_BACK }
#define MAY_LEAVE :: atomic { crashes < CRASHES -> crashes++; abandoned = 1; goto over }

inline commitStep() { assert(committed[lockStep] == 0 || committed[lockStep] == lockFence); committed[lockStep] = lockFence } /* I2 */
inline release() {
#ifdef MUTATE_RELEASE_IGNORES_FENCE
  valid = 0
#else
  if :: HELD && !done -> valid = 0; released = fence :: else fi
#endif
}

/* LockStore.commit: one that comes late must not end what was given up or reopened. */
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

/* The journal's entry of this attempt, and the one that the loser of two attempts forgets. */
inline record() { if :: ends == FAILED -> failed = failed | BIT(fence) :: else -> completed = completed | BIT(fence) fi }
#ifdef MUTATE_LOSER_FORGETS_THE_WINNER
#define FORGOTTEN lockFence
#else
#define FORGOTTEN fence
#endif

proctype worker(bit me) {
  int envelope;
  byte i, step, parent, fence;
  mtype ends = NEW;
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
    assert(lockFence < FENCES);
    fence = lockFence; holds[me] = fence; leased[me] = 1; runs[me] = 1
  }
  if /* its actions run */
  MAY_DIE
  :: atomic { failures < FAILURES -> failures++; runs[me] = 0; if :: goto retry :: goto failForGood fi }
  :: step < LAST ->
#ifdef MUTATE_COMMIT_BEFORE_DISPATCH
     atomic { if :: CAN_COMMIT(fence) -> commit(RUNNING) :: else fi }
     if MAY_DIE :: skip fi;
#endif
     goto dispatch
  :: step == LAST -> atomic { runs[me] = 0; ends = COMPLETED; goto finish }
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
  :: atomic { if :: CAN_COMMIT(fence) -> commit(RUNNING) :: else fi }
     if MAY_DIE :: atomic { ACKNOWLEDGE } fi
  fi;

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

failForGood:
  atomic {
#ifndef MUTATE_FAILED_BEFORE_DEAD_LETTER
    buried = 1;
#endif
    ends = FAILED
  }
  if MAY_DIE :: skip fi;

finish: /* first the journal, then the commit; who has lost his lease to another attempt forgets his entry */
#ifndef MUTATE_COMMIT_BEFORE_JOURNAL
  atomic { record() }
#endif
  if
  MAY_DIE
  :: atomic { failures < FAILURES && !late -> failures++; /* no answer */
       if :: CAN_COMMIT(fence) -> commit(ends) :: skip fi;
       late = fence; lateStatus = ends }
     atomic { release(); GIVE_BACK }
  :: atomic { CAN_COMMIT(fence) -> commit(ends) }
  :: atomic { !CAN_COMMIT(fence) }
     atomic { failed = failed & ~BIT(FORGOTTEN); completed = completed & ~BIT(FORGOTTEN) }
  fi;
#ifdef MUTATE_COMMIT_BEFORE_JOURNAL
  atomic { record() }
#endif
#ifdef MUTATE_FAILED_BEFORE_DEAD_LETTER
  if MAY_DIE :: atomic { buried = 1 } fi;
#endif
  if MAY_DIE :: atomic { ACKNOWLEDGE } fi
}

/*
 * executions.ts, redrive(): looks at the lock and the journal, opens the lock, sends the envelope, forgets the entry. It is called until it
 * works, so also when the lock is open; what is sent once more is a duplicate.
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
          assert(HELD); /* the failure whose envelope it has, and no later one */
          done = 0; status = RUNNING;
#ifndef MUTATE_REOPEN_TELLS_NOTHING
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
  :: atomic { late -> if :: CAN_COMMIT(late) -> commit(lateStatus) :: else fi; late = 0; lateStatus = NEW }
  :: atomic { !TOLD -> assert(TOLD) } /* told, at every moment */
  :: atomic { waiting == 0 && inHand == 0 && !redriving -> /* I1: nothing goes on by itself */
       assert(status == COMPLETED || status == CANCELLED || ((status == FAILED || abandoned) && buried && CAN_REDRIVE)) }
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

/* I1 again, with fair workers: what was accepted ends. Checked in a run of its own. */
#ifdef FAIR
ltl ends { <> (status == COMPLETED || status == FAILED || status == CANCELLED) }
#endif
