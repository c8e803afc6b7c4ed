import type { OutgoingEnvelope, Transport } from '../../lambda/engine/ports';
import { INCARNATION } from '../support/execution-key';

const NOW = 1_900_000_000_000;

/** Creates an outgoing envelope. */
export function dispatch(
  executionId: string,
  step: number,
  { text, ...more }: { readonly text?: string; readonly notBefore?: number; readonly timeout?: true } = {},
): OutgoingEnvelope {
  const envelope = {
    version: 1,
    executionId,
    incarnation: INCARNATION,
    machine: 'order',
    step,
    parent: step,
    attempt: 0,
    state: step === 0 ? null : 'charging',
    event: 'go',
    context: { text: text ?? 'ä☃😀' },
    sentAt: NOW,
    ...more,
  };
  return { envelope, body: JSON.stringify(envelope) };
}

/** A transport, and the messages that it has delivered or will deliver when they are due. */
export interface OpenTransport {
  readonly transport: Transport;
  received(): Promise<readonly string[]>;
}

/**
 * Tests the contract of a {@link Transport}: an event source or a retry queue, from the sender's side.
 *
 * @param open creates an empty transport; called before each test
 */
export function describeTransportContract(name: string, open: () => Promise<OpenTransport>): void {
  describe(`${name} as a transport`, () => {
    let transport: Transport;
    let received: OpenTransport['received'];

    beforeEach(async () => {
      ({ transport, received } = await open());
    });

    /** Creates an outgoing envelope whose body has exactly this number of bytes. */
    const ofBytes = (executionId: string, bytes: number) => {
      const empty = Buffer.byteLength(dispatch(executionId, 0, { text: '' }).body);
      return dispatch(executionId, 0, { text: 'x'.repeat(bytes - empty) });
    };

    test('delivers a message unchanged, and returns its place', async () => {
      const dispatches = [dispatch('a', 0), dispatch('a', 1), dispatch('b', 0)];
      const sent = await transport.send(dispatches);
      expect(sent).toEqual(
        Array(3).fill({
          ok: true,
          journaled: false,
          place: expect.objectContaining({ service: transport.name, resource: expect.any(String) }),
        }),
      );
      expect([...(await received())].sort()).toEqual(dispatches.map(({ body }) => body).sort());
    });

    test('delivers both copies of an envelope that is sent twice', async () => {
      const twice = dispatch('a', 0);
      await transport.send([twice]);
      expect(await received()).toContain(twice.body);
      await transport.send([twice]);
      expect(await received()).toContain(twice.body);
    });

    test('reads a message back from its place if the service supports it, and returns nothing for an empty place', async () => {
      if (!transport.readBack) return;
      const dispatches = [dispatch('a', 0), dispatch('b', 1)];
      const sent = await transport.send(dispatches);
      await received();
      const bodies = await Promise.all(
        sent.map((answer, index) =>
          answer.ok ? transport.readBack?.(dispatches[index]!.envelope.executionId, answer.place) : undefined,
        ),
      );
      expect(bodies).toEqual(dispatches.map(({ body }) => body));
    });

    test('accepts a full batch, and rejects a larger one', async () => {
      const dispatches = Array.from({ length: transport.maxBatchEntries + 1 }, (_, step) => dispatch('a', step));
      await expect(transport.send(dispatches)).rejects.toThrow(RangeError);
      expect(await received()).toEqual([]);
      const sent = await transport.send(dispatches.slice(1));
      expect(sent.every(({ ok }) => ok)).toBe(true);
      expect(await received()).toHaveLength(transport.maxBatchEntries);
    });

    test('accepts a body of the maximum size', async () => {
      const large = ofBytes('a', transport.maxBodyBytes);
      expect(await transport.send([large])).toMatchObject([{ ok: true }]);
      expect(await received()).toEqual([large.body]);
    });

    test('rejects only the entry that is too large', async () => {
      const good = [dispatch('a', 0), dispatch('b', 0)] as const;
      const sent = await transport.send([good[0], ofBytes('c', transport.maxBodyBytes + 20_000), good[1]]);
      expect(sent).toMatchObject([{ ok: true }, { ok: false, error: expect.any(Error) }, { ok: true }]);
      expect([...(await received())].sort()).toEqual(good.map(({ body }) => body).sort());
    });

    test('carries every character that JSON may contain', async () => {
      const controls = Array.from({ length: 0x30 }, (_, code) => String.fromCharCode(code)).join('');
      const text = `${controls}\u007f\u0085\u2028ä☃\ud800x\udfff\ufffd\ufffe\uffff😀`;
      const sent = await transport.send([dispatch('a', 0, { text })]);
      expect(sent).toMatchObject([{ ok: true }]);
      expect((await received()).map((body) => (JSON.parse(body) as { context: unknown }).context)).toEqual([{ text }]);
    });
  });
}
