import type { AcquireRequest, Lease, Lock } from './ports';

// A request whose answer was lost is made once more, and may find that its own write stands in its way. These tell from the lock that a
// refusal has brought along whether that is so. They are the same for every lock store.

/** Not if a cancellation has ended it meanwhile: that leaves the holder's name, but the step is done. */
export function hasAcquired(request: AcquireRequest, lock: Lock | undefined): boolean {
  return lock?.holder === request.holder && lock.step === request.step && !lock.done;
}

/**
 *     commit ──▶ stored   ╳ answer lost      successor ──▶ acquires      commit ──▶ refused
 *
 * Nobody took the lease away: whoever follows this very attempt has committed it once more.
 */
export function hasCommitted(lease: Lease, lock: Lock | undefined): boolean {
  return lock?.step === lease.step + 1 && lock.parent === lease.fence;
}

export function hasInstalled({ holder, fence }: Lock, stored: Lock): boolean {
  return stored.holder === holder && stored.fence === fence;
}

/** Only while nobody has acquired what was reopened. */
export function hasReopened(fence: number, now: number, lock: Lock | undefined): boolean {
  return lock?.fence === fence && lock.released === fence && lock.updatedAt === now;
}
