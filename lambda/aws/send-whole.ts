import type { Sent } from '../engine/ports';

/**
 * Sends a batch in one request. A service that finds one entry at fault refuses the whole batch; then each goes alone, so that only the
 * faulty one fails.
 *
 * @param isRefusal tells such a refusal from an error that has nothing to do with the entries
 * @param request answers entry by entry, in order
 * @throws what `request` throws when nothing is known of any of them
 */
export async function sendWhole<E>(
  entries: readonly E[], isRefusal: (error: Error) => boolean, request: (entries: readonly E[]) => Promise<readonly Sent[]>,
): Promise<readonly Sent[]> {
  try {
    return await request(entries);
  } catch (thrown) {
    if (!(thrown instanceof Error && isRefusal(thrown)) || entries.length === 1) throw thrown;
    const alone = await Promise.allSettled(entries.map((entry) => request([entry])));
    return alone.map((result) => {
      if (result.status === 'fulfilled' && result.value[0]) return result.value[0];
      const reason: unknown = result.status === 'rejected' ? result.reason : undefined;
      return { ok: false, error: reason instanceof Error ? reason : new Error(`The service has not answered for the entry: ${String(reason)}`) };
    });
  }
}
