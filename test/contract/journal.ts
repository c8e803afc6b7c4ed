import type { Checkpoint, Journal } from '../../lambda/engine/ports';

const NOW = 1_900_000_000_000;

/** A journal entry with nothing that could be left out. */
export function checkpoint(executionId: string, step: number, fence: number, more: Partial<Checkpoint> = {}): Checkpoint {
  return {
    executionId,
    machine: 'order',
    step,
    fence,
    parent: fence - 1,
    attempt: 0,
    outcome: 'dispatched',
    source: step === 0 ? null : `state-${step}`,
    event: 'go',
    states: [`state-${step + 1}`],
    startedAt: NOW,
    endedAt: NOW + 12,
    ...more,
  };
}

/** Everything that an entry can have. */
const FULL: Partial<Checkpoint> = {
  definition: 'hash',
  attempt: 3,
  outcome: 'failed',
  states: ['checking', 'charging'],
  next: 'charged',
  place: { service: 'kinesis', resource: 'stream', shard: 'shardId-000000000001', sequenceNumber: '49590338271490256608559692538361571095921575989136588898' },
  context: { total: 12.5, lines: [{ sku: 'ä☃😀', gift: true, note: null }], __proto__x: {} },
  mailbox: { through: 7, deferred: [3, 5] },
  trace: '00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01',
  accepts: ['paid', 'cancelled'],
  error: { name: 'CardError', message: 'declined\n"twice"', state: 'charging', attempts: 4 },
  envelope: {
    version: 1,
    executionId: 'any',
    machine: 'order',
    step: 4,
    parent: 8,
    attempt: 3,
    state: 'checking',
    event: 'go',
    context: { total: 12.5, before: true },
    sentAt: NOW - 5,
  },
};

/**
 * What every journal must do: see {@link Journal}.
 *
 * @param open makes an empty journal; called before each test
 */
export function describeJournalContract(name: string, open: () => Promise<Journal>): void {
  describe(`${name} as a journal`, () => {
    let journal: Journal;
    let executions = 0;
    let executionId: string;

    beforeEach(async () => {
      journal = await open();
      executions += 1;
      executionId = `execution-${executions}`;
    });

    it('reads an entry as it was written', async () => {
      const entry = checkpoint(executionId, 4, 9, FULL);
      expect(await journal.write([entry])).toEqual([undefined]);
      expect(await journal.read(executionId, 4, 9)).toEqual(entry);
    });

    it('reads an entry that has only what it must', async () => {
      const entry = checkpoint(executionId, 0, 1);
      await journal.write([entry]);
      expect(await journal.read(executionId, 0, 1)).toEqual(entry);
    });

    it('keeps the context of an envelope that has failed', async () => {
      const envelope = FULL.envelope!;
      const entry = checkpoint(executionId, 4, 9, { ...FULL, envelope, context: envelope.context });
      await journal.write([entry]);
      expect(await journal.read(executionId, 4, 9)).toEqual(entry);
    });

    it('keeps what was written, whatever becomes of the object', async () => {
      const context = { count: 1 };
      await journal.write([checkpoint(executionId, 0, 1, { outcome: 'parked', context })]);
      context.count = 2;
      expect((await journal.read(executionId, 0, 1))?.context).toEqual({ count: 1 });
    });

    it('has no entry that was not written', async () => {
      await journal.write([checkpoint(executionId, 0, 1)]);
      expect(await journal.read(executionId, 0, 2)).toBeUndefined();
      expect(await journal.read(executionId, 1, 1)).toBeUndefined();
      expect(await journal.read('nobody', 0, 1)).toBeUndefined();
      expect(await journal.history('nobody')).toEqual([]);
    });

    it('writes a batch, and tells the history by step, then fence', async () => {
      const entries = [[10, 21], [2, 4], [2, 3], [0, 1], [9, 100], [1, 2]].map(([step, fence]) => checkpoint(executionId, step!, fence!));
      const other = checkpoint(`${executionId}-other`, 0, 1);
      expect(await journal.write([...entries, other])).toEqual(Array(7).fill(undefined));
      const history = await journal.history(executionId);
      expect(history.map(({ step, fence }) => [step, fence])).toEqual([[0, 1], [1, 2], [2, 3], [2, 4], [9, 100], [10, 21]]);
      expect(history[5]).toEqual(entries[0]);
    });

    it('tells a long history of large entries whole', async () => {
      const text = 'x'.repeat(60_000);
      for (let start = 0; start < 40; start += 20) {
        const steps = Array.from({ length: 20 }, (_, index) => start + index);
        await journal.write(steps.map((step) => checkpoint(executionId, step, step + 1, { context: { text } })));
      }
      const history = await journal.history(executionId);
      expect(history.map(({ step }) => step)).toEqual(Array.from({ length: 40 }, (_, step) => step));
    });

    it('lets an entry that is too large fail alone', async () => {
      const large = checkpoint(executionId, 1, 2, { outcome: 'parked', context: { text: 'x'.repeat(journal.maxEntryBytes) } });
      const answers = await journal.write([checkpoint(executionId, 0, 1), large, checkpoint(executionId, 2, 3)]);
      expect(answers).toEqual([undefined, expect.any(Error), undefined]);
      expect((await journal.history(executionId)).map(({ step }) => step)).toEqual([0, 2]);
    });

    it('takes an entry whose context is almost as large as an entry can be', async () => {
      const context = { text: 'ä'.repeat((journal.maxEntryBytes - 4_096) / 2) };
      expect(await journal.write([checkpoint(executionId, 0, 1, { outcome: 'parked', context })])).toEqual([undefined]);
      expect((await journal.read(executionId, 0, 1))?.context).toEqual(context);
    });

    it('refuses a batch that is too long', async () => {
      const entries = Array.from({ length: journal.maxBatchEntries + 1 }, (_, step) => checkpoint(executionId, step, step + 1));
      await expect(journal.write(entries)).rejects.toThrow(RangeError);
      expect(await journal.write(entries.slice(1))).toEqual(Array(journal.maxBatchEntries).fill(undefined));
    });

    it('lets an entry go, and makes none of it', async () => {
      await journal.write([checkpoint(executionId, 0, 1, { outcome: 'parked' })]);
      await journal.expire(executionId, 0, 1);
      await journal.expire(executionId, 5, 6);
      expect((await journal.history(executionId)).map(({ step }) => step)).toEqual([0]);
    });
  });
}
