import { slices } from '../../../../lambda/aws/batches/slices';
import { NO_METRICS, systemRandom } from '../../../../lambda/aws/system';
import { ENVELOPE_VERSION } from '../../../../lambda/engine';
import { encodeEnvelope } from '../../../../lambda/engine/envelope/codec';
import { startEnvelope } from '../../../../lambda/engine/envelope/create';
import type { DueStore, Ports } from '../../../../lambda/engine/ports';
import { sendDue, type TimerPart } from '../../../../lambda/engine/retries/send-due';
import { VirtualClock } from '../../../../lambda/testing/determinism/virtual-clock';
import { drive } from '../../../support/drive';
import { INCARNATION } from '../../../support/execution-key';
import { World } from '../../../support/world';

const machine = {
  name: 'm',
  initial: 'a',
  maxRetries: 1,
  states: { a: { do: 'once', on: { go: 'b' } }, b: { final: true } },
};

test('a message whose dead-lettering fails does not block the other due envelopes, and is dead-lettered later', async () => {
  const world = new World(
    [machine],
    {
      once: (_context, run) => {
        if (run.attempt === 0) throw new Error('not yet');
        return 'go';
      },
    },
    { retryQueues: ['dynamodb'], faults: [{ on: 'deadLetters.put', fault: 'fail', call: 1 }] },
  );
  const [retries] = world.services.retryQueues;
  const envelope = {
    version: ENVELOPE_VERSION,
    executionId: 'y',
    incarnation: INCARNATION,
    machine: 'm',
    step: 0,
    parent: 0,
    attempt: 0,
    state: null,
    event: '$start',
    context: {},
    sentAt: 0,
  };
  await retries?.send([{ envelope, body: 'not an envelope' }]);
  await world.start('m', 'x');
  await world.bench.run();
  expect(world.lock('x')).toMatchObject({ status: 'completed' });
  expect(world.effects.map(({ attempt }) => attempt)).toEqual([0, 1]);
  expect(world.services.deadLetters.letters).toMatchObject([{ body: 'not an envelope' }]);
  expect(world.log.join('\n')).toContain('was not dead-lettered');
});

describe('the timer', () => {
  const NOW = 1_800_000_000_000;
  const SECOND = 1_000;

  interface Services {
    readonly shards: number;
    readonly entriesIn: (shard: number) => number;
    /** Duration of each request to the event source, in milliseconds. */
    readonly requestMs?: number;
    /** Duration of the first query of a shard, in milliseconds. */
    readonly queryMs?: (shard: number) => number;
  }

  /** A store in memory with several shards, whose pages have ten entries, and an event source. */
  function open({ shards, entriesIn, requestMs = 1, queryMs = () => 0 }: Services) {
    const clock = new VirtualClock(NOW);
    const taken: number[] = [];
    const waiting = Array.from({ length: shards }, (_, shard) =>
      Array.from({ length: entriesIn(shard) }, (__, index) => ({
        key: `${shard}/${index}`,
        body: JSON.stringify(envelopeOf(`e-${shard}-${index}`)),
        at: NOW - SECOND,
      })),
    );
    const store: DueStore = {
      shards,
      async *due(_until, shard) {
        await clock.sleep(queryMs(shard));
        for (const [...page] of slices(waiting[shard]!, 10)) yield page;
      },
      remove: async (due) => {
        for (const { key } of due) {
          const shard = Number.parseInt(key, 10);
          taken.push(shard);
          waiting[shard] = waiting[shard]!.filter((entry) => entry.key !== key);
        }
      },
    };
    const world = new World([machine], { once: () => 'go' });
    const lateness: number[] = [];
    const measure = (_name: string, milliseconds: number) => lateness.push(milliseconds);
    const ports = {
      ...world.services,
      metrics: { ...NO_METRICS, measure },
      logger: { warn: () => undefined },
      clock,
      eventSources: world.services.eventSources.map((source) => ({
        name: source.name,
        maxBatchEntries: 10,
        maxBatchBytes: source.maxBatchBytes,
        maxBodyBytes: source.maxBodyBytes,
        longestDelay: 0,
        send: async (entries: readonly unknown[]) => {
          await clock.sleep(requestMs);
          return entries.map(() => ({ ok: true as const, journaled: false, place: { service: 'sqs', resource: 'q' } }));
        },
      })),
    } as unknown as Ports;
    const run = (seconds: number, part?: TimerPart) =>
      drive(clock, sendDue(ports, [store], NOW + 60 * SECOND, { deadline: NOW + seconds * SECOND }, part));
    return { run, taken, waiting, lateness, elapsed: () => clock.now() - NOW };
  }

  const envelopeOf = (executionId: string) => ({
    ...JSON.parse(
      encodeEnvelope(startEnvelope({ executionId, machine: 'm', context: {}, sentAt: NOW }, systemRandom.id())),
    ),
  });

  test('serves all shards, although one of them would take all of the time', async () => {
    const { run, taken } = open({ shards: 8, entriesIn: (shard) => (shard === 0 ? 5_000 : 20), requestMs: 100 });
    await run(30);
    for (let shard = 1; shard < 8; shard += 1) expect(taken.filter((each) => each === shard)).toHaveLength(20);
  });

  test.each([3, 10, 30, 900])('stops in time for its last page, with %d s left', async (seconds) => {
    const { run, waiting, elapsed } = open({
      shards: 2,
      entriesIn: () => 10 * Math.min(seconds, 70),
      requestMs: 1_000,
    });
    await run(seconds);
    expect(elapsed()).toBeLessThan((seconds - 0.7) * SECOND);
    // A timer never works longer than until the next one.
    expect(elapsed()).toBeGreaterThanOrEqual((Math.min(seconds, 60) / 3) * SECOND);
    expect(elapsed()).toBeLessThanOrEqual(61 * SECOND);
    expect(waiting.flat().length).toBeGreaterThan(0);
  });

  test.each([3, 10, 30])(
    'ends before its deadline although a query or a send hangs, with %d s left',
    async (seconds) => {
      const forever = 900 * SECOND;
      const hangs = [{ queryMs: (shard: number) => (shard === 0 ? forever : 0) }, { requestMs: forever }];
      for (const hang of hangs) {
        const { run, elapsed } = open({ shards: 4, entriesIn: () => 20, ...hang });
        await expect(run(seconds)).rejects.toThrow('a service did not answer in time');
        expect(elapsed()).toBeLessThanOrEqual((seconds - 0.7) * SECOND);
      }
    },
  );

  test('serves the other shards while a query hangs', async () => {
    const { run, waiting } = open({ shards: 3, entriesIn: () => 20, queryMs: (shard) => (shard === 0 ? 900_000 : 0) });
    await expect(run(30)).rejects.toThrow('did not answer');
    expect(waiting.map(({ length }) => length)).toEqual([20, 0, 0]);
  });

  test('serves only the shards of its part', async () => {
    const { run, taken, waiting } = open({ shards: 6, entriesIn: () => 20 });
    await run(30, { index: 1, count: 4 });
    expect(new Set(taken)).toEqual(new Set([1, 5]));
    expect(waiting.flat()).toHaveLength(80);
  });

  test('serves the other shards if one cannot be read, and throws its error', async () => {
    const broken = (shard: number) => {
      if (shard === 0) throw new Error('down');
      return 0;
    };
    const { run, waiting } = open({ shards: 3, entriesIn: () => 20, queryMs: broken });
    await expect(run(30)).rejects.toThrow('down');
    expect(waiting.map(({ length }) => length)).toEqual([20, 0, 0]);
  });

  test('measures how late each page is', async () => {
    const { run, lateness } = open({ shards: 1, entriesIn: () => 30, requestMs: 400 });
    await run(30);
    expect(lateness).toEqual([1_000, 1_400, 1_800]);
  });
});
