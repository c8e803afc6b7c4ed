import type { Dispatch, Transport } from '../../lambda/engine/ports';

const NOW = 1_900_000_000_000;

/** An envelope on its way out. */
export function dispatch(
  executionId: string,
  step: number,
  { text, ...more }: { readonly text?: string; readonly notBefore?: number; readonly timeout?: true } = {},
): Dispatch {
  const envelope = {
    version: 1,
    executionId,
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

/** A transport, and the bodies of what it has delivered so far or would deliver when its time has come. */
export interface OpenTransport {
  readonly transport: Transport;
  received(): Promise<readonly string[]>;
}

/**
 * What every event source and retry queue must do, seen from the sender: see {@link Transport}.
 *
 * @param open makes an empty transport; called before each test
 */
export function describeTransportContract(name: string, open: () => Promise<OpenTransport>): void {
  describe(`${name} as a transport`, () => {
    let transport: Transport;
    let received: OpenTransport['received'];

    beforeEach(async () => {
      ({ transport, received } = await open());
    });

    /** A dispatch whose body has exactly so many bytes. */
    const ofBytes = (executionId: string, bytes: number) => {
      const empty = Buffer.byteLength(dispatch(executionId, 0, { text: '' }).body);
      return dispatch(executionId, 0, { text: 'x'.repeat(bytes - empty) });
    };

    it('delivers what was sent, unchanged, and tells where it was put', async () => {
      const dispatches = [dispatch('a', 0), dispatch('a', 1), dispatch('b', 0)];
      const sent = await transport.send(dispatches);
      expect(sent).toEqual(Array(3).fill({
        ok: true,
        journaled: false,
        place: expect.objectContaining({ service: transport.name, resource: expect.any(String) }),
      }));
      expect([...await received()].sort()).toEqual(dispatches.map(({ body }) => body).sort());
    });

    it('delivers the same envelope again when it is sent again', async () => {
      const twice = dispatch('a', 0);
      await transport.send([twice]);
      expect(await received()).toContain(twice.body);
      await transport.send([twice]);
      expect(await received()).toContain(twice.body);
    });

    it('reads back what lies at a place, if it can at all, and says so when nothing does', async () => {
      if (!transport.readBack) return;
      const dispatches = [dispatch('a', 0), dispatch('b', 1)];
      const sent = await transport.send(dispatches);
      await received();
      const bodies = await Promise.all(sent.map((answer, index) => (
        answer.ok ? transport.readBack?.(dispatches[index]!.envelope.executionId, answer.place) : undefined
      )));
      expect(bodies).toEqual(dispatches.map(({ body }) => body));
    });

    it('takes a full batch, and no more', async () => {
      const dispatches = Array.from({ length: transport.maxBatchEntries + 1 }, (_, step) => dispatch('a', step));
      await expect(transport.send(dispatches)).rejects.toThrow(RangeError);
      expect(await received()).toEqual([]);
      const sent = await transport.send(dispatches.slice(1));
      expect(sent.every(({ ok }) => ok)).toBe(true);
      expect(await received()).toHaveLength(transport.maxBatchEntries);
    });

    it('takes a body as large as it says', async () => {
      const large = ofBytes('a', transport.maxBodyBytes);
      expect(await transport.send([large])).toMatchObject([{ ok: true }]);
      expect(await received()).toEqual([large.body]);
    });

    it('lets an entry that is too large fail alone', async () => {
      const good = [dispatch('a', 0), dispatch('b', 0)] as const;
      const sent = await transport.send([good[0], ofBytes('c', transport.maxBodyBytes + 20_000), good[1]]);
      expect(sent).toMatchObject([{ ok: true }, { ok: false, error: expect.any(Error) }, { ok: true }]);
      expect([...await received()].sort()).toEqual(good.map(({ body }) => body).sort());
    });

    it('carries every character that JSON may hold', async () => {
      const controls = Array.from({ length: 0x30 }, (_, code) => String.fromCharCode(code)).join('');
      const text = `${controls}\u007f\u0085\u2028ä☃\ud800x\udfff\ufffd\ufffe\uffff😀`;
      const sent = await transport.send([dispatch('a', 0, { text })]);
      expect(sent).toMatchObject([{ ok: true }]);
      expect((await received()).map((body) => (JSON.parse(body) as { context: unknown }).context)).toEqual([{ text }]);
    });
  });
}
