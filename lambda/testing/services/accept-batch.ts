import type { OutgoingEnvelope, DispatchResult, Transport } from '../../engine';

/**
 * Accepts a batch as the services do: a batch that exceeds the limits is rejected, and an entry that is too large fails alone.
 *
 * @param store stores one entry
 * @throws RangeError if the batch has too many entries or too many bytes
 */
export async function acceptBatch(
  transport: Omit<Transport, 'send'>,
  dispatches: readonly OutgoingEnvelope[],
  store: (dispatch: OutgoingEnvelope) => DispatchResult | Promise<DispatchResult>,
): Promise<readonly DispatchResult[]> {
  if (dispatches.length > transport.maxBatchEntries) {
    throw new RangeError(
      `Too many entries in a batch for ${transport.name}: ${dispatches.length}, expected at most ${transport.maxBatchEntries}.`,
    );
  }
  const sizes = dispatches.map(({ body }) => Buffer.byteLength(body));
  const total = sizes.filter((size) => size <= transport.maxBodyBytes).reduce((sum, size) => sum + size, 0);
  if (total > transport.maxBatchBytes) {
    throw new RangeError(
      `The batch for ${transport.name} is too large: ${total} bytes, expected at most ${transport.maxBatchBytes}.`,
    );
  }
  return Promise.all(
    dispatches.map((dispatch, index) => {
      const size = sizes[index] ?? 0;
      return size <= transport.maxBodyBytes
        ? store(dispatch)
        : {
            ok: false,
            error: new RangeError(
              `The entry for ${transport.name} is too large: ${size} bytes, expected at most ${transport.maxBodyBytes}.`,
            ),
          };
    }),
  );
}
