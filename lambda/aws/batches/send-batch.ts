import { isThrottling, ThrottledError } from './throttled';
import { toError } from '../../machine/to-error';

/** An entry of a batch that the service did not accept. */
export interface Rejected {
  readonly ok: false;
  readonly error: Error;
}

/** A request that sends entries to a service. */
export interface BatchRequest<E, Accepted extends { readonly ok: true }> {
  /** The maximum number of entries in one request. */
  readonly maxEntries: number;
  /** Sends entries in one request. Resolves to the result of each entry, in order; rejects if no result is known. */
  send(entries: readonly E[]): Promise<readonly (Accepted | Rejected)[]>;
  /** Whether the service refused the whole request because of one entry. A refused request has no effect. */
  isRefusal(error: Error): boolean;
}

/**
 * Sends a batch in one request. If the service refuses the request because of one entry, sends each entry in its own request, so that only
 * the invalid entry fails. A throttled request has no effect, so its entries are rejected.
 *
 * @returns the result of each entry, in order
 * @throws RangeError if there are more entries than one request may have
 * @throws the error of the request if no result is known
 */
export async function sendBatch<E, Accepted extends { readonly ok: true }>(
  entries: readonly E[],
  request: BatchRequest<E, Accepted>,
): Promise<readonly (Accepted | Rejected)[]> {
  if (entries.length > request.maxEntries) {
    throw new RangeError(`Invalid batch of ${entries.length} entries: expected at most ${request.maxEntries}.`);
  }
  try {
    return await request.send(entries);
  } catch (thrown) {
    if (!(thrown instanceof Error)) throw thrown;
    if (isThrottling(thrown)) {
      const error = new ThrottledError(thrown);
      return entries.map(() => ({ ok: false, error }));
    }
    if (!request.isRefusal(thrown) || entries.length === 1) throw thrown;
    const results = await Promise.allSettled(entries.map((entry) => request.send([entry])));
    return results.map((result) => {
      if (result.status === 'fulfilled' && result.value[0]) return result.value[0];
      const reason: unknown =
        result.status === 'rejected' ? result.reason : 'The service returned no result for the entry.';
      return { ok: false, error: toError(reason) };
    });
  }
}
