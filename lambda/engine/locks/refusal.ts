import type { AcquireRequest, Lock } from '../ports';
import { isSuspect } from '../ports/lock-store';

/** Why a lease was refused. */
export type RefusalReason =
  /** Another invocation holds this step. The envelope must wait, in case that invocation dies. */
  | { readonly kind: 'busy'; readonly until: number }
  /** The latest attempt at this step died. The step runs only alone: its actions may end the next invocation as well. */
  | { readonly kind: 'suspect'; readonly lock: Lock }
  /** The execution failed in this step, and the envelope redrives that failure: a dead letter was moved back, for example. */
  | { readonly kind: 'failed'; readonly lock: Lock }
  /** The id belongs to an execution of another machine. */
  | { readonly kind: 'taken'; readonly machine: string }
  /** The envelope names another machine than the execution that it belongs to: no attempt has sent it. */
  | { readonly kind: 'forged'; readonly machine: string }
  /** The execution is parked at this step. Nothing runs, but a mail may wait whose wake-up was lost. */
  | { readonly kind: 'parked'; readonly lock: Lock }
  /** The step is done, the execution has moved on, or the envelope belongs to another execution with the same id. */
  | { readonly kind: 'duplicate' }
  /** The attempt that sent it was replaced by another one, or the execution was canceled since. */
  | { readonly kind: 'orphan' }
  /** It belongs to no known execution. */
  | { readonly kind: 'unknown'; readonly reason: string };

/**
 * Derives from the lock why it refused a lease. Every lock store applies the same two conditions (see {@link LockStore}), and this
 * function alone interprets a refusal.
 *
 * @param lock the lock that refused the request, if the execution has one
 */
export function classifyRefusal(request: AcquireRequest, lock: Lock | undefined): RefusalReason {
  if (!lock) {
    return {
      kind: 'unknown',
      reason: `step ${request.step} of an execution without a lock. Its start was not recorded by a client, or it ended longer ago than its retention`,
    };
  }
  if (lock.incarnation !== request.incarnation) {
    const isTaken = request.step === 0 && lock.machine !== request.machine;
    return isTaken ? { kind: 'taken', machine: lock.machine } : { kind: 'duplicate' };
  }
  if (lock.machine !== request.machine) return { kind: 'forged', machine: lock.machine };
  if (lock.step > request.step) return { kind: 'duplicate' };
  if (lock.step === request.step) {
    if (lock.parent !== request.parent) return { kind: 'orphan' };
    if (isRedriveOf(request, lock)) return { kind: 'failed', lock };
    if (lock.done) return lock.status === 'parked' ? { kind: 'parked', lock } : { kind: 'duplicate' };
    // A late copy of an attempt before the redrive, or of an earlier redrive.
    if (lock.reopened !== request.redriven) return { kind: 'duplicate' };
    // The step was woken by another mail, and that wake-up drives it.
    if (lock.mail !== request.mail) return { kind: 'orphan' };
    if (lock.expires < request.now && isSuspect(lock) && !request.alone) return { kind: 'suspect', lock };
    return { kind: 'busy', until: lock.expires };
  }
  if (lock.step === request.step - 1 && lock.fence > request.parent) return { kind: 'orphan' };
  return {
    kind: 'unknown',
    reason: `step ${request.step} with parent ${request.parent}, but the execution is at step ${lock.step} with fence ${lock.fence}, so none of its attempts can have sent this envelope`,
  };
}

function isRedriveOf({ redriven }: AcquireRequest, { status, fence }: Lock): boolean {
  return status === 'failed' && redriven === fence;
}
