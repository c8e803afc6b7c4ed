import type { AcquireRequest, Lock } from './ports';

/** Why an envelope may not run. */
export type Verdict =
  /** Another invocation holds this very step: the envelope must wait, in case that one dies. */
  | { readonly kind: 'busy'; readonly until: number }
  /** The execution is parked at this very step: nothing to run, but a mail may wait whose wake-up was lost. */
  | { readonly kind: 'parked' }
  /** The step is done, or the execution is further on. */
  | { readonly kind: 'duplicate' }
  /** It was sent by an attempt that another one has replaced, or before a cancellation. */
  | { readonly kind: 'orphan' }
  /** It belongs to no execution that is known. */
  | { readonly kind: 'unknown'; readonly reason: string };

/**
 * Tells from the lock that stood in the way why a lease was refused. Every lock store refuses by the same three conditions
 * (see {@link LockStore}); what a refusal means is decided here, once.
 */
export function judge(request: AcquireRequest, lock: Lock | undefined): Verdict {
  if (!lock) {
    return { kind: 'unknown', reason: `step ${request.step} of an execution that has no lock: it was never started, or ended so long ago that it is forgotten` };
  }
  if (lock.step > request.step) return { kind: 'duplicate' };
  if (lock.step === request.step) {
    if (lock.parent !== request.parent) return { kind: 'orphan' };
    if (lock.done) return lock.status === 'parked' ? { kind: 'parked' } : { kind: 'duplicate' };
    return { kind: 'busy', until: lock.expires };
  }
  if (lock.step === request.step - 1 && lock.fence > request.parent) return { kind: 'orphan' };
  return {
    kind: 'unknown',
    reason: `step ${request.step} with parent ${request.parent}, while the execution is at step ${lock.step} with fence ${lock.fence}: no attempt of it can have sent this`,
  };
}
