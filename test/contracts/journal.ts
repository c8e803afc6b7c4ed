import type { Checkpoint, Journal } from '../../lambda/engine/ports';
import { INCARNATION, keyOf } from '../support/execution-key';
import { historyOf } from '../support/history';

const NOW = 1_900_000_000_000;

/** A journal entry with only the required members. */
export function checkpoint(
  executionId: string,
  step: number,
  fence: number,
  more: Partial<Checkpoint> = {},
): Checkpoint {
  return {
    executionId,
    incarnation: INCARNATION,
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

/** All optional members of an entry. */
const FULL: Partial<Checkpoint> = {
  definition: 'hash',
  attempt: 3,
  outcome: 'failed',
  states: ['checking', 'charging'],
  omittedStates: 7,
  next: 'charged',
  place: {
    service: 'kinesis',
    resource: 'stream',
    shard: 'shardId-000000000001',
    sequenceNumber: '49590338271490256608559692538361571095921575989136588898',
  },
  context: { total: 12.5, lines: [{ sku: 'ä☃😀', gift: true, note: null }], __proto__x: {} },
  trace: '00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01',
  error: { name: 'CardError', message: 'declined\n"twice"', state: 'charging', attempts: 4 },
  envelope: {
    version: 1,
    executionId: 'any',
    incarnation: INCARNATION,
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
 * Tests the contract of a {@link Journal}.
 *
 * @param open creates an empty journal; called before each test
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

    test('reads an entry as it was written', async () => {
      const entry = checkpoint(executionId, 4, 9, FULL);
      expect(await journal.write([entry])).toEqual([undefined]);
      expect(await journal.read(keyOf(executionId), 4, 9)).toEqual(entry);
    });

    test('reads an entry with only the required members', async () => {
      const entry = checkpoint(executionId, 0, 1);
      await journal.write([entry]);
      expect(await journal.read(keyOf(executionId), 0, 1)).toEqual(entry);
    });

    test('keeps the context of a failed envelope', async () => {
      const envelope = FULL.envelope!;
      const entry = checkpoint(executionId, 4, 9, { ...FULL, envelope, context: envelope.context });
      await journal.write([entry]);
      expect(await journal.read(keyOf(executionId), 4, 9)).toEqual(entry);
    });

    test('keeps the written entry when the object changes later', async () => {
      const context = { count: 1 };
      await journal.write([checkpoint(executionId, 0, 1, { outcome: 'parked', context })]);
      context.count = 2;
      expect((await journal.read(keyOf(executionId), 0, 1))?.context).toEqual({ count: 1 });
    });

    test('a page has every member of an attempt, without contexts and envelopes', async () => {
      const entry = checkpoint(executionId, 4, 9, FULL);
      await journal.write([entry]);
      const { executionId: _e, incarnation: _i, machine: _m, step: _s, context: _c, envelope: _v, ...attempt } = entry;
      const { entries } = await journal.page(keyOf(executionId), 1);
      expect(entries.map((each) => each.attempt)).toEqual([expect.objectContaining(attempt)]);
    });

    test('has no entry that was not written', async () => {
      await journal.write([checkpoint(executionId, 0, 1)]);
      expect(await journal.read(keyOf(executionId), 0, 2)).toBeUndefined();
      expect(await journal.read(keyOf(executionId), 1, 1)).toBeUndefined();
      expect(await journal.read(keyOf('unknown'), 0, 1)).toBeUndefined();
      expect(await historyOf(journal, 'unknown')).toEqual([]);
    });

    test('writes a batch, and returns the history sorted by step, then fence', async () => {
      const entries = [
        [10, 21],
        [2, 4],
        [2, 3],
        [0, 1],
        [9, 100],
        [1, 2],
      ].map(([step, fence]) => checkpoint(executionId, step!, fence!));
      const other = checkpoint(`${executionId}-other`, 0, 1);
      expect(await journal.write([...entries, other])).toEqual(Array(7).fill(undefined));
      const history = await historyOf(journal, executionId);
      expect(history.map(({ step, fence }) => [step, fence])).toEqual([
        [0, 1],
        [1, 2],
        [2, 3],
        [2, 4],
        [9, 100],
        [10, 21],
      ]);
      expect(history[5]).toEqual(entries[0]);
    });

    test('returns a long history with large entries completely', async () => {
      const text = 'x'.repeat(60_000);
      for (let start = 0; start < 40; start += 20) {
        const steps = Array.from({ length: 20 }, (_, index) => start + index);
        await journal.write(steps.map((step) => checkpoint(executionId, step, step + 1, { context: { text } })));
      }
      const history = await historyOf(journal, executionId);
      expect(history.map(({ step }) => step)).toEqual(Array.from({ length: 40 }, (_, step) => step));
    });

    test('returns pages of the latest steps, each with all of its attempts', async () => {
      const entries = [
        [0, 1],
        [1, 2],
        [1, 3],
        [1, 4],
        [2, 5],
        [4, 9],
        [4, 10],
      ].map(([step, fence]) => checkpoint(executionId, step!, fence!, { context: { step: step! } }));
      await journal.write(entries);
      const page = async (maxSteps: number, before?: number) => {
        const { entries: found, hasEarlier } = await journal.page(keyOf(executionId), maxSteps, before);
        return [...found.map(({ step, attempt }) => `${step}/${attempt.fence}`), hasEarlier];
      };
      expect(await page(1)).toEqual(['4/9', '4/10', true]);
      expect((await page(2)).slice(-3)).toEqual(['4/9', '4/10', true]);
      expect(await page(1, 4)).toEqual(['2/5', true]);
      expect(await page(1, 2)).toEqual(['1/2', '1/3', '1/4', true]);
      expect(await page(1, 1)).toEqual(['0/1', false]);
      expect(await page(1, 0)).toEqual([false]);
      expect(await page(7)).toEqual(['0/1', '1/2', '1/3', '1/4', '2/5', '4/9', '4/10', false]);
      expect(await page(10, 1_000)).toEqual(['0/1', '1/2', '1/3', '1/4', '2/5', '4/9', '4/10', false]);
      const { entries: latest } = await journal.page(keyOf(executionId), 1);
      expect(latest.filter(({ attempt }) => 'context' in attempt || 'envelope' in attempt)).toEqual([]);
    });

    test('rejects only the entry that is too large', async () => {
      const large = checkpoint(executionId, 1, 2, {
        outcome: 'parked',
        context: { text: 'x'.repeat(journal.maxEntryBytes) },
      });
      const answers = await journal.write([checkpoint(executionId, 0, 1), large, checkpoint(executionId, 2, 3)]);
      expect(answers).toEqual([undefined, expect.any(Error), undefined]);
      expect((await historyOf(journal, executionId)).map(({ step }) => step)).toEqual([0, 2]);
    });

    test('accepts an entry whose context is almost as large as an entry may be', async () => {
      const context = { text: 'ä'.repeat((journal.maxEntryBytes - 4_096) / 2) };
      expect(await journal.write([checkpoint(executionId, 0, 1, { outcome: 'parked', context })])).toEqual([undefined]);
      expect((await journal.read(keyOf(executionId), 0, 1))?.context).toEqual(context);
    });

    test('rejects a batch that is too long', async () => {
      const entries = Array.from({ length: journal.maxBatchEntries + 1 }, (_, step) =>
        checkpoint(executionId, step, step + 1),
      );
      await expect(journal.write(entries)).rejects.toThrow(RangeError);
      expect(await journal.write(entries.slice(1))).toEqual(Array(journal.maxBatchEntries).fill(undefined));
    });

    test('separates the incarnations of an execution', async () => {
      const second = { ...checkpoint(executionId, 0, 1, { event: 'again' }), incarnation: 'second' };
      await journal.write([checkpoint(executionId, 0, 1), checkpoint(executionId, 1, 2), second]);
      expect(await historyOf(journal, keyOf(executionId, 'second'))).toEqual([second]);
      expect((await historyOf(journal, executionId)).map(({ step }) => step)).toEqual([0, 1]);
      expect(await journal.read(keyOf(executionId, 'second'), 1, 2)).toBeUndefined();
    });

    test('expires an entry, and does not create an entry by expiring', async () => {
      await journal.write([checkpoint(executionId, 0, 1, { outcome: 'parked' })]);
      await journal.expire(keyOf(executionId), 0, 1);
      await journal.expire(keyOf(executionId), 5, 6);
      expect((await historyOf(journal, executionId)).map(({ step }) => step)).toEqual([0]);
    });
  });
}
