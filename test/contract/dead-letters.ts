import type { DeadLetter, DeadLetterStore } from '../../lambda/engine/ports';

const NOW = 1_900_000_000_000;

export function letter(more: Partial<DeadLetter> = {}): DeadLetter {
  return {
    reason: 'The message is no envelope: it is no JSON.',
    executionId: 'execution-1',
    machine: 'order',
    body: '{"no": "envelope"',
    place: { service: 'sqs', resource: 'https://sqs.eu-west-1.amazonaws.com/123456789012/orders', messageId: 'message-1' },
    at: NOW,
    ...more,
  };
}

/** A store, and what it holds. */
export interface OpenDeadLetterStore {
  readonly store: DeadLetterStore;
  letters(): Promise<readonly DeadLetter[]>;
}

/**
 * What every store of dead letters must do: see {@link DeadLetterStore}.
 *
 * @param open makes an empty store; called before each test
 */
export function describeDeadLetterStoreContract(name: string, open: () => Promise<OpenDeadLetterStore>): void {
  describe(`${name} as a store of dead letters`, () => {
    let store: DeadLetterStore;
    let letters: OpenDeadLetterStore['letters'];

    beforeEach(async () => {
      ({ store, letters } = await open());
    });

    it('keeps a letter whole', async () => {
      await store.put(letter());
      expect(await letters()).toEqual([letter()]);
    });

    it('keeps a letter of which nothing is known', async () => {
      await store.put(letter({ executionId: undefined, machine: undefined }));
      expect(await letters()).toEqual([letter({ executionId: undefined, machine: undefined })]);
    });

    it('keeps the same message twice when it died twice', async () => {
      await store.put(letter());
      await store.put(letter());
      expect(await letters()).toHaveLength(2);
    });

    it.each([
      ['is empty', ''],
      ['has characters that no text should have', `\u0000\u0001${'\u001f'}x\ufffe\uffff`],
      ['is text of many scripts', 'ä☃😀"\n\t\\'.repeat(1_000)],
    ])('keeps a body that %s', async (_, body) => {
      await store.put(letter({ body }));
      const [kept] = await letters();
      expect(kept?.body === body).toBe(true);
      expect(kept).toEqual(letter({ body }));
    });
  });
}
