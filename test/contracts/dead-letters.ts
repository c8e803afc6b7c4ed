import type { DeadLetter, DeadLetterStore } from '../../lambda/engine/ports';

const NOW = 1_900_000_000_000;

export function letter(more: Partial<DeadLetter> = {}): DeadLetter {
  return {
    reason: 'The message is not a valid envelope: it is not JSON.',
    executionId: 'execution-1',
    machine: 'order',
    body: '{"no": "envelope"',
    place: {
      service: 'sqs',
      resource: 'https://sqs.eu-west-1.amazonaws.com/123456789012/orders',
      messageId: 'message-1',
    },
    at: NOW,
    ...more,
  };
}

/** A store and its content. */
export interface OpenDeadLetterStore {
  readonly store: DeadLetterStore;
  letters(): Promise<readonly DeadLetter[]>;
}

/**
 * Tests the contract of a {@link DeadLetterStore}.
 *
 * @param open creates an empty store; called before each test
 */
export function describeDeadLetterStoreContract(name: string, open: () => Promise<OpenDeadLetterStore>): void {
  describe(`${name} as a dead-letter store`, () => {
    let store: DeadLetterStore;
    let letters: OpenDeadLetterStore['letters'];

    beforeEach(async () => {
      ({ store, letters } = await open());
    });

    test('keeps a letter whole', async () => {
      await store.put(letter());
      expect(await letters()).toEqual([letter()]);
    });

    test('keeps a letter without ids', async () => {
      await store.put(letter({ executionId: undefined, machine: undefined }));
      expect(await letters()).toEqual([letter({ executionId: undefined, machine: undefined })]);
    });

    test('keeps both copies of a message that was dead-lettered twice', async () => {
      await store.put(letter());
      await store.put(letter());
      expect(await letters()).toHaveLength(2);
    });

    test.each([
      ['is empty', ''],
      ['has control characters and noncharacters', `\u0000\u0001${'\u001f'}x\ufffe\uffff`],
      ['has characters of many scripts', 'ä☃😀"\n\t\\'.repeat(1_000)],
    ])('keeps a body that %s', async (_, body) => {
      await store.put(letter({ body }));
      const [kept] = await letters();
      expect(kept?.body === body).toBe(true);
      expect(kept).toEqual(letter({ body }));
    });
  });
}
