import { deadLetterForged } from './dead-letter';
import type { DeliveryScope } from './delivery-scope';
import { locksUnavailable } from './locks-unavailable';
import { postpone } from './postpone';
import { count } from './report';
import { emptyMailbox, stopTask } from './tidy';
import { wakeExecution } from './wake-execution';
import { successorEnvelope } from '../envelope/create';
import type { Envelope } from '../envelope/envelope';
import { CheckpointMissingError } from '../errors';
import { nextMail, TIMEOUT } from '../mailbox/wake';
import type { Checkpoint, Lock, Mail, Outcome } from '../ports';
import { hasEnded, isSuspect } from '../ports/lock-store';
import { EARLY_TOLERANCE_MS, soon } from '../retries/waits';
import { asError } from '../thrown';

/**
 * Milliseconds after its acquisition in which an attempt can commit: Lambda ends every invocation after 15 minutes. A minute is for the
 * difference between clocks. A forged wake-up of an attempt that never ends would circulate without this limit.
 */
const LONGEST_ATTEMPT_MS = 16 * 60_000;

/**
 * Whether the execution has left the wait that a timeout was scheduled for, so that the timeout need not be kept until it is due. A lock
 * store that does not answer leaves this open.
 */
export async function hasLeftWait({ ports }: DeliveryScope, envelope: Envelope): Promise<boolean> {
  try {
    const lock = await ports.locks.read(envelope.executionId);
    const isOf = lock?.incarnation === envelope.incarnation && lock.machine === envelope.machine;
    return !isOf || lock.step > envelope.step || hasEnded(lock);
  } catch {
    return false;
  }
}

/**
 * Takes the first mail of a parked execution, or the event of its timeout.
 *
 * A wake-up and a timeout name a park by its fence. Everything else comes from the lock, the mailbox and the journal, so that a sender who
 * forges one can at most cause a look at an execution that would find nothing to do. The acquisition that follows stores the mail in the lock. Until the
 * step is committed, the delivery that acquired it stays unacknowledged, and finds its mail in the lock when it comes again:
 *
 *     wake-up   ── finds the park ── takes mail 1 ── acquires (s+1, mail 1) ── dies
 *     wake-up                                                                       ── finds (s+1, mail 1) ── acquires it again
 *     timeout                    … is due …   ── finds (s+1): the wait is over
 *
 * A cancellation ends the wait with a timeout: the canceling client has no permission to stop the task that the execution waits for.
 *
 * @returns the envelope of the step that the mail wakes, or the answer for the source
 * @throws if the delivery must return to its source
 */
export async function takeMail(scope: DeliveryScope, wakeUp: Envelope, now: number): Promise<Envelope | Outcome> {
  const { locks, random } = scope.ports;
  let lock: Lock | undefined;
  try {
    lock = await locks.read(wakeUp.executionId);
  } catch (thrown) {
    return locksUnavailable(scope, wakeUp, asError(thrown));
  }
  // Nothing waits for this if the execution is forgotten, or a later one has the same id.
  if (lock?.incarnation !== wakeUp.incarnation) return 'acknowledge';
  if (lock.machine !== wakeUp.machine) {
    await deadLetterForged(scope, wakeUp, lock.machine);
    return 'acknowledge';
  }
  if (lock.step === wakeUp.step - 1 && lock.fence === wakeUp.parent) {
    // The parker has not committed yet. If it never does, the next attempt has another fence.
    if (mayStillCommit(lock, now)) return postpone(scope, wakeUp, soon(now, random));
    if (lock.status === 'parked') return takeFirst(scope, wakeUp, lock, now);
  }
  if (lock.step === wakeUp.step && lock.parent === wakeUp.parent) {
    if (!lock.done) return takeAgain(scope, wakeUp, lock);
    // The step that this delivery drove has parked itself, and its parker may have died before it looked into the mailbox.
    if (lock.status === 'parked') await wakeExecution(scope, lock);
  }
  if (lock.status === 'cancelled' && wakeUp.timeout) await stopTask(scope, wakeUp);
  if (hasEnded(lock)) await emptyMailbox(scope, lock);
  count(scope, 'Duplicate', wakeUp);
  return 'acknowledge';
}

/**
 * Whether the attempt that holds the lock may still commit its park. One that has released its lease cannot. Its retry may be behind this
 * wake-up in a source that keeps the order of an execution:
 *
 *     FIFO queue   [ timeout of attempt 1 ] [ attempt 2 ]    attempt 2 waits for as long as the timeout is kept
 */
function mayStillCommit(lock: Lock, now: number): boolean {
  return !lock.done && isSuspect(lock) && now < lock.updatedAt + LONGEST_ATTEMPT_MS;
}

async function takeFirst(scope: DeliveryScope, wakeUp: Envelope, lock: Lock, now: number): Promise<Envelope | Outcome> {
  const { mailbox } = scope.ports;
  const first = await nextMail(mailbox, lock);
  if (first) {
    const mail = await mailbox.read(wakeUp.executionId, first.key);
    // Another invocation has taken and committed it, or a client has dropped it, since it was found.
    if (!mail) throw new Error('The first event has left the mailbox.');
    const parked = await parkOf(scope, wakeUp);
    return parked ? stepOf(wakeUp, parked, first.key, mail) : 'acknowledge';
  }
  if (!wakeUp.timeout) return 'acknowledge';
  const parked = await parkOf(scope, wakeUp);
  const timeout = parked?.timeout;
  if (!parked || !timeout || timeout.at > now + EARLY_TOLERANCE_MS) {
    // The function did not send this: it schedules a timeout for the time that the journal has.
    count(scope, 'Duplicate', wakeUp);
    return 'acknowledge';
  }
  count(scope, 'Timeout', wakeUp);
  return stepOf(wakeUp, parked, TIMEOUT, timeout);
}

/** Takes the mail of a step that an earlier delivery began. */
async function takeAgain(scope: DeliveryScope, wakeUp: Envelope, { mail: key }: Lock): Promise<Envelope | Outcome> {
  // Nothing woke the step, or the timeout did: that one comes again.
  if (key === undefined || (key === TIMEOUT && !wakeUp.timeout)) return 'acknowledge';
  const parked = await parkOf(scope, wakeUp);
  if (!parked) return 'acknowledge';
  if (key === TIMEOUT) {
    if (!parked.timeout) throw new CheckpointMissingError(wakeUp.executionId, wakeUp.step - 1);
    return stepOf(wakeUp, parked, TIMEOUT, parked.timeout);
  }
  const mail = await scope.ports.mailbox.read(wakeUp.executionId, key);
  if (!mail) throw new Error('The event of the step has left the mailbox: the step is committed.');
  return stepOf(wakeUp, parked, key, mail);
}

/** The checkpoint of a park that has been committed. */
type Park = Checkpoint & Required<Pick<Checkpoint, 'context'>>;

/**
 * Reads the checkpoint of the park that a wake-up names.
 *
 * @returns nothing if that attempt did not park. A forged wake-up may name it, and would block an ordered source if it were redelivered
 */
async function parkOf({ ports }: DeliveryScope, wakeUp: Envelope): Promise<Park | undefined> {
  const step = wakeUp.step - 1;
  const parked = await ports.journal.read(wakeUp, step, wakeUp.parent);
  if (parked && parked.outcome !== 'parked') return undefined;
  // The checkpoint is written before the park is committed, so the table has lost an acknowledged write.
  if (!parked?.context) throw new CheckpointMissingError(wakeUp.executionId, step);
  return { ...parked, context: parked.context };
}

function stepOf(
  wakeUp: Envelope,
  parked: Park,
  key: string,
  { event, data, step: ofStep }: Pick<Mail, 'event' | 'data' | 'step'>,
): Envelope {
  const { executionId, incarnation, machine, parent, sentAt, notBefore } = wakeUp;
  const step = wakeUp.step - 1;
  return successorEnvelope(
    { executionId, incarnation, machine, step, fence: parent },
    {
      definition: parked.definition,
      // The last of several, if local transitions followed.
      state: parked.states.at(-1) ?? null,
      event,
      context: parked.context,
      data,
      mail: key,
      abandonsTask: ofStep === step ? undefined : true,
      trace: parked.trace,
      notBefore,
      sentAt,
    },
  );
}
