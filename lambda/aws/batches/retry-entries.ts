import type { Clock, Random } from '../../engine/ports';

/** The number of retries, and the upper bound of the first pause in milliseconds (full jitter, doubled with each retry). */
export const MAX_ENTRY_RETRIES = 4;
const FIRST_PAUSE_MS = 50;

/** The result of one entry of a batch. */
export interface EntryResult<R> {
  readonly result: R;
  /** Whether the service may accept the entry if it is sent again: throttling of a burst ends soon. */
  readonly retry: boolean;
}

/**
 * Sends a batch, and retries the entries that the service accepted the request for, but not the entry. The SDK retries only requests that
 * fail as a whole.
 *
 * @param send sends entries in one request and resolves to the result of each, in order
 * @returns the latest result of each entry, in order
 * @throws the error of the first request. If a retry fails as a whole, the earlier results stand
 */
export async function retryEntries<E, R>(
  entries: readonly E[],
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  send: (entries: readonly E[]) => Promise<readonly EntryResult<R>[]>,
): Promise<readonly R[]> {
  const results = [...(await send(entries))];
  for (let retry = 0; retry < MAX_ENTRY_RETRIES; retry += 1) {
    const pending = entries.flatMap((entry, index) => (results[index]?.retry ? [{ entry, index }] : []));
    if (pending.length === 0) break;
    await clock.sleep(random.next() * FIRST_PAUSE_MS * 2 ** retry);
    const latest = await send(pending.map(({ entry }) => entry)).catch(() => []);
    latest.forEach((result, place) => {
      const { index } = pending[place] ?? {};
      if (index !== undefined) results[index] = result;
    });
  }
  return results.map(({ result }) => result);
}
