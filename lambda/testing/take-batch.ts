import type { Dispatch, Sent, Transport } from '../engine';

/**
 * Takes a batch as the services do: whole batches over the limits are refused, and an entry that is too large fails alone.
 *
 * @param store keeps one entry
 * @throws RangeError when there are too many entries, or too many bytes together
 */
export async function takeBatch(
  transport: Omit<Transport, 'send'>,
  dispatches: readonly Dispatch[],
  store: (dispatch: Dispatch) => Sent | Promise<Sent>,
): Promise<readonly Sent[]> {
  if (dispatches.length > transport.maxBatchEntries) {
    throw new RangeError(`${transport.name} takes at most ${transport.maxBatchEntries} entries at once, but was sent ${dispatches.length}.`);
  }
  const sizes = dispatches.map(({ body }) => Buffer.byteLength(body));
  const total = sizes.filter((size) => size <= transport.maxBodyBytes).reduce((sum, size) => sum + size, 0);
  if (total > transport.maxBatchBytes) {
    throw new RangeError(`${transport.name} takes at most ${transport.maxBatchBytes} bytes at once, but was sent ${total}.`);
  }
  return Promise.all(dispatches.map((dispatch, index) => {
    const size = sizes[index] ?? 0;
    return size <= transport.maxBodyBytes ? store(dispatch) : {
      ok: false, error: new RangeError(`${transport.name} takes at most ${transport.maxBodyBytes} bytes an entry, but this one has ${size}.`),
    };
  }));
}
