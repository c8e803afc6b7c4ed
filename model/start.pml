/*
 * The start of an execution. See start and cancel in lambda/engine/executions, and LockStore in lambda/engine/ports.
 *
 * Two clients start the same executionId, with equal contexts or with different ones. Each first records its start in the lock, unless the
 * execution has one, and then sends the envelope. It dies between any two requests, or the send fails with or without effect, and then the
 * client repeats the start. An envelope of an earlier execution with the same id arrives at any time. A worker runs the envelopes, which arrive
 * in any order and perhaps twice, and may die. Another client cancels at any time. The lock of an ended execution is forgotten.
 *
 * Every start has an incarnation. The envelope of a client carries the incarnation of the record, so it does not matter which client sends it.
 *
 * Checked properties:
 *   lost      when nothing is in flight, an execution whose start was accepted has ended
 *   twice     one incarnation runs, and it runs once to its end, however late copies of its envelope arrive
 *   recorded  only an execution runs whose start a client has recorded
 *   outcome   at most one client is told that it started the execution, and then its incarnation runs
 *   conflict  a client whose context differs from the one that runs is never told that its start was accepted
 *   cancel    nothing runs after a cancellation, even if the execution had not begun
 *
 * The steps after the first one are those of transitions.pml.
 */
#ifndef CRASHES
#define CRASHES 0
#endif
#ifndef FAILURES
#define FAILURES 0
#endif
#ifndef DUPLICATES
#define DUPLICATES 0
#endif
#ifndef CANCELS
#define CANCELS 0
#endif
#ifndef LEFTOVERS
#define LEFTOVERS 0
#endif
#ifndef FORGETS
#define FORGETS 0
#endif
/* Whether the contexts of the clients are different. */
#ifndef DIFFERENT
#define DIFFERENT 0
#endif

#include "source.pml"

#define NONE 9
#define EARLIER 2 /* the incarnation of an earlier execution */

mtype = { NEW, PENDING, RUNNING, ENDED, CANCELLED, FORGOTTEN };

/* The lock item. Its incarnation also stands for the hash of the context, which the record of a start holds. */
mtype status = NEW;
byte lockIncarnation = NONE, lockFence;
bool valid;

/* Only for the properties. */
byte began = NONE;   /* the incarnation that has run */
byte ended;          /* number of executions that have run to their end */
byte starter = NONE; /* the client that was told that it started the execution */
byte accepted;       /* number of starts that were accepted */
bool cancelled;
byte starting, crashes, failures, duplicates, leftovers, cancels, forgets;

#define SAME_CONTEXT (!DIFFERENT || lockIncarnation == me)
#define ENVELOPE(incarnation) (1 + (incarnation))
#define INCARNATION_OF(envelope) ((envelope) - 1)
#define MAY_LEAVE :: atomic { crashes < CRASHES -> crashes++; goto over }

/* The envelope that a client sends for a recorded start. */
#ifdef MUTATE_REPEATED_START_SENDS_ITS_OWN
#define SENT me
#else
#define SENT recorded
#endif

proctype client(bit me) {
  byte i, recorded, outcome;
again:
  recorded = NONE;
#ifdef MUTATE_START_RECORDS_NOTHING
  recorded = me;
#else
  atomic { /* one conditional write: the record, unless there is a lock */
    if
    :: status == NEW -> status = PENDING; lockIncarnation = me; lockFence = 0; recorded = me; outcome = PENDING
#ifdef MUTATE_OTHER_CONTEXT_IS_ACCEPTED
    :: status == PENDING -> recorded = lockIncarnation
    :: else -> accepted++; if :: DIFFERENT -> assert(lockIncarnation == me) /* conflict */ :: else fi; goto over
#else
    :: status == PENDING && SAME_CONTEXT -> recorded = lockIncarnation
    :: status != NEW && status != PENDING && SAME_CONTEXT -> accepted++; goto over
    :: status != NEW && !SAME_CONTEXT -> goto over /* an error */
#endif
    fi
  }
#ifdef MUTATE_REPEATED_START_SENDS_NOTHING
  if :: recorded != me -> accepted++; goto over :: else fi;
#endif
#endif
  if MAY_LEAVE :: skip fi;
  if
  :: atomic { put(ENVELOPE(SENT)) }
  :: atomic { failures < FAILURES -> failures++; if :: put(ENVELOPE(SENT)) :: skip fi; outcome = 0 } goto again
  fi;
  atomic {
    accepted++;
    assert(!DIFFERENT || recorded == me); /* conflict */
    if
#ifdef MUTATE_START_RECORDS_NOTHING
    :: true ->
#else
    :: outcome == PENDING ->
#endif
       assert(starter == NONE && (began == NONE || began == recorded)); starter = me /* outcome */
    :: else
    fi
  }
over:
  starting--
}

proctype worker() {
  int envelope;
  byte i, incarnation;
next:
end:
  atomic {
    receive(envelope); incarnation = INCARNATION_OF(envelope);
    if /* acquire: one conditional write */
#ifdef MUTATE_ACQUIRE_IGNORES_THE_RECORD
    :: status == PENDING -> lockIncarnation = incarnation
#endif
#ifdef MUTATE_START_WITHOUT_RECORD_BEGINS
    :: status == NEW || status == FORGOTTEN -> lockIncarnation = incarnation
#endif
    :: (status == PENDING || status == RUNNING) && !valid && lockIncarnation == incarnation /* RETRY */
    :: else -> acknowledge(); envelope = 0; goto next
    fi;
    assert(!cancelled); /* cancel */
    assert(ended == 0 && (began == NONE || began == incarnation)); /* twice */
    assert(incarnation != EARLIER); /* recorded */
    assert(starter == NONE || starter == incarnation); /* outcome */
    began = incarnation; status = RUNNING; lockFence++; valid = 1
  }
  if
  :: atomic { crashes < CRASHES -> crashes++; valid = 0; redeliver(envelope) }
  :: atomic { if :: status == RUNNING -> status = ENDED; ended++ :: else fi; valid = 0; acknowledge() }
  fi;
  envelope = 0; goto next
}

/* A cancellation of an execution that has not begun ends its start: under the new fence and status, the envelope is a duplicate. */
proctype canceller() {
end:
  do
  :: atomic { cancels < CANCELS && (status == PENDING || status == RUNNING) ->
       cancels++; cancelled = 1; valid = 0; lockFence++;
#ifdef MUTATE_CANCEL_DELETES_THE_RECORD
       if :: status == PENDING -> status = NEW; lockIncarnation = NONE :: else -> status = CANCELLED fi
#elif defined(MUTATE_CANCEL_LEAVES_A_PENDING_START)
       if :: status == RUNNING -> status = CANCELLED :: else fi
#else
       status = CANCELLED
#endif
     }
  od
}

proctype services() {
  int envelope;
  byte i;
end:
  do
  :: atomic { waiting > 0 && duplicates < DUPLICATES -> duplicates++; peek(envelope); put(envelope); envelope = 0 }
  :: atomic { leftovers < LEFTOVERS -> leftovers++; put(ENVELOPE(EARLIER)) }
  /* A client that starts the id after that begins another execution. */
  :: atomic { (status == ENDED || status == CANCELLED) && starting == 0 && forgets < FORGETS ->
       forgets++; status = FORGOTTEN; lockIncarnation = NONE }
  :: atomic { waiting == 0 && inHand == 0 && starting == 0 -> /* lost */
       assert(accepted == 0 || status == ENDED || status == CANCELLED || status == FORGOTTEN);
       assert(starter == NONE || began == NONE || began == starter) }
  od
}

init {
  atomic {
    starting = 2;
    run client(0); run client(1); run worker(); run services();
    if :: CANCELS > 0 -> run canceller() :: else fi
  }
}
