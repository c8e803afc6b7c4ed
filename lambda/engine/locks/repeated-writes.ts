import type { AcquireRequest, Lease, Lock, PendingStart } from '../ports';

// A client repeats a request whose answer was lost, and its own first write may refuse the second one. These functions detect that from the
// lock that came with the refusal. They are the same for every lock store.

/** Whether the first request acquired the lease. A later cancellation keeps the holder, but ends the step. */
export function hasAcquired(request: AcquireRequest, lock: Lock | undefined): boolean {
  return lock?.holder === request.holder && lock.step === request.step && !lock.done;
}

/**
 * Whether the first request committed the step.
 *
 *     commit ──▶ stored   ╳ answer lost      successor ──▶ acquires      commit ──▶ refused
 *
 * The successor follows this attempt, so it has committed the same step again.
 */
export function hasCommitted(lease: Lease, lock: Lock | undefined): boolean {
  return lock?.incarnation === lease.incarnation && lock.step === lease.step + 1 && lock.parent === lease.fence;
}

/** Whether the first request recorded the start. */
export function hasRecorded({ incarnation }: PendingStart, lock: Lock): boolean {
  return lock.incarnation === incarnation;
}

/** Whether the first request reopened the step. Known only until the reopened step is acquired. */
export function hasReopened(
  { incarnation, fence }: Pick<Lock, 'incarnation' | 'fence'>,
  now: number,
  lock: Lock | undefined,
): boolean {
  return lock?.incarnation === incarnation && lock.fence === fence && lock.reopened === fence && lock.updatedAt === now;
}
