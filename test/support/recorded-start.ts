import type { AcquireRequest, LockStore } from '../../lambda/engine/ports';

/** Hash of the context in tests that do not care about it. */
export const CONTEXT_HASH = 'hash';

/** Acquires a lease. Records the start before its step, as the client that sends it does. */
export async function acquireRecorded(store: LockStore, request: AcquireRequest): ReturnType<LockStore['acquire']> {
  if (request.step === 0) await recordStartOf(store, request);
  return store.acquire(request);
}

/** Records the start that a request for the first lease follows. */
export async function recordStartOf(
  store: Pick<LockStore, 'recordStart'>,
  { executionId, incarnation, machine, now }: Pick<AcquireRequest, 'executionId' | 'incarnation' | 'machine' | 'now'>,
): Promise<void> {
  await store.recordStart({ executionId, incarnation, machine, contextHash: CONTEXT_HASH, now });
}
