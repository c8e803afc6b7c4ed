import type { Checkpoint, Outcome } from '../../../../lambda/engine';
import { SeededRandom } from '../../../../lambda/testing';
import { VirtualClock } from '../../../../lambda/testing/determinism/virtual-clock';
import { MetricTotals, RecordedMetrics } from '../../../../lambda/testing/recording/recorded-metrics';
import { InMemoryDeadLetters } from '../../../../lambda/testing/services/in-memory-dead-letters';
import { InMemoryJournal } from '../../../../lambda/testing/services/in-memory-journal';
import { InMemoryLockStore } from '../../../../lambda/testing/services/in-memory-lock-store';
import { InMemoryQueue } from '../../../../lambda/testing/services/in-memory-queue';
import { InMemoryRetryTable } from '../../../../lambda/testing/services/in-memory-retry-table';
import { InMemoryStream } from '../../../../lambda/testing/services/in-memory-stream';
import { InMemoryTopic } from '../../../../lambda/testing/services/in-memory-topic';
import type { PolledSource } from '../../../../lambda/testing/services/polled-source';
import { checkpoint } from '../../../contracts/journal';
import { dispatch } from '../../../contracts/transport';
import { INCARNATION, keyOf } from '../../../support/execution-key';
import { historyOf } from '../../../support/history';
import { acquireRecorded } from '../../../support/recorded-start';

const DAY = 86_400_000;
let clock: VirtualClock;
let deadLetters: InMemoryDeadLetters;

beforeEach(() => {
  clock = new VirtualClock();
  deadLetters = new InMemoryDeadLetters();
});

const stepsIn = (bodies: readonly { readonly body: string }[]) =>
  bodies.map(({ body }) => {
    const { executionId, step } = JSON.parse(body) as { executionId: string; step: number };
    return `${executionId}${step}`;
  });

/** Takes a batch and settles it: acknowledges the named deliveries, and redelivers the rest. */
const process = (source: PolledSource, most: number, acknowledged: readonly string[]) => {
  const batch = source.take(most);
  const names = stepsIn(batch);
  source.settle(
    batch,
    new Map(
      batch.map(({ id }, index): [string, Outcome] => [
        id,
        acknowledged.includes(names[index]!) ? 'acknowledge' : 'redeliver',
      ]),
    ),
  );
  return names;
};

describe('InMemoryQueue', () => {
  test('hides a received message until its visibility timeout expires, unless it is acknowledged', async () => {
    const queue = new InMemoryQueue({ clock, deadLetters, visibilityTimeout: 60_000 });
    await queue.send([dispatch('a', 0), dispatch('b', 0)]);
    expect(process(queue, 10, ['a0'])).toEqual(['a0', 'b0']);
    expect([queue.take(10), queue.size, queue.nextAt]).toEqual([[], 1, clock.now() + 60_000]);
    clock.jump(clock.now() + 59_999);
    expect(queue.take(10)).toEqual([]);
    clock.jump(clock.now() + 1);
    expect(stepsIn(queue.take(10))).toEqual(['b0']);
  });

  test('limits the size of a batch', async () => {
    const queue = new InMemoryQueue({ clock, deadLetters });
    await queue.send([0, 1, 2, 3, 4].map((step) => dispatch('a', step)));
    await queue.send([5, 6, 7, 8, 9].map((step) => dispatch('a', step)));
    await queue.send([10, 11].map((step) => dispatch('a', step)));
    expect(stepsIn(queue.take(3))).toEqual(['a0', 'a1', 'a2']);
    expect(queue.take(1000)).toHaveLength(9);
  });

  test.each([
    [1, 1000],
    [1000, 1000],
    [1001, 2000],
    [900_000, 900_000],
    [DAY, 900_000],
    [-5, 0],
  ])('delays %d ms by %d ms', async (wanted, delay) => {
    const queue = new InMemoryQueue({ clock, deadLetters });
    await queue.send([dispatch('a', 0, { notBefore: clock.now() + wanted })]);
    expect(queue.nextAt! - clock.now()).toBe(delay);
  });

  test('dead-letters a message that was received too often', async () => {
    const queue = new InMemoryQueue({ clock, deadLetters, maxReceives: 2, visibilityTimeout: 1000 });
    queue.put('no envelope');
    for (let receives = 0; receives < 2; receives++) {
      expect(queue.take(10)).toHaveLength(1);
      clock.jump(clock.now() + 1000);
    }
    expect([queue.take(10), queue.size]).toEqual([[], 0]);
    expect(deadLetters.letters).toEqual([
      expect.objectContaining({ body: 'no envelope', reason: expect.stringContaining('2 times') }),
    ]);
  });

  test('delivers in a random order if configured', async () => {
    const queue = new InMemoryQueue({ clock, deadLetters, disorder: new SeededRandom(1) });
    await queue.send(Array.from({ length: 10 }, (_, step) => dispatch('a', step)));
    const taken = stepsIn(queue.take(10));
    expect(taken).not.toEqual([...taken].sort());
    expect(new Set(taken).size).toBe(10);
  });

  test('keeps the order of an execution in a FIFO queue', async () => {
    const queue = new InMemoryQueue({
      clock,
      deadLetters,
      fifo: true,
      visibilityTimeout: 1000,
      disorder: new SeededRandom(2),
    });
    await queue.send([dispatch('a', 0), dispatch('a', 1), dispatch('b', 0), dispatch('a', 2)]);
    const first = stepsIn(queue.take(3));
    expect(first.filter((name) => name.startsWith('a'))).toEqual(
      ['a0', 'a1', 'a2'].slice(0, first.includes('b0') ? 2 : 3),
    );
    expect(stepsIn(queue.take(10)).filter((name) => name.startsWith('a'))).toEqual([]);
    clock.jump(clock.now() + 1000);
    const again = stepsIn(queue.take(10));
    expect(again.filter((name) => name.startsWith('a'))).toEqual(['a0', 'a1', 'a2']);
  });
});

describe('InMemoryStream', () => {
  test('redelivers all records from the first failed one on, before any later record', async () => {
    const stream = new InMemoryStream({ clock, deadLetters, service: 'kinesis', shards: 1, retryDelay: 1000 });
    await stream.send([dispatch('a', 0), dispatch('b', 0), dispatch('c', 0), dispatch('d', 0)]);
    expect(process(stream, 3, ['a0', 'c0'])).toEqual(['a0', 'b0', 'c0']);
    expect(stream.take(10)).toEqual([]);
    clock.jump(stream.nextAt);
    expect(process(stream, 3, ['b0', 'c0', 'd0'])).toEqual(['b0', 'c0', 'd0']);
    expect([stream.size, stream.nextAt]).toEqual([0, undefined]);
  });

  test('delivers one batch of a shard at a time, with blocking records', async () => {
    const stream = new InMemoryStream({ clock, deadLetters, service: 'kinesis', shards: 1 });
    await stream.send([dispatch('a', 0), dispatch('b', 0)]);
    expect(stream.take(1)).toEqual([expect.objectContaining({ blocking: true, ordered: true })]);
    expect(stream.take(1)).toEqual([]);
  });

  test('keeps the records of an execution in one shard, and distributes executions', async () => {
    const stream = new InMemoryStream({ clock, deadLetters, service: 'kinesis', shards: 4 });
    const names = Array.from({ length: 20 }, (_, index) => `x${index}-`);
    const sent = await stream.send(names.flatMap((name) => [dispatch(name, 0), dispatch(name, 1)]));
    const shards = sent.map((answer) => (answer.ok ? answer.place.shard : undefined));
    names.forEach((_, index) => expect(shards[2 * index]).toBe(shards[2 * index + 1]));
    expect(new Set(shards).size).toBe(4);
  });

  test('dead-letters expired records', async () => {
    const stream = new InMemoryStream({ clock, deadLetters, service: 'dynamodb', retention: DAY, shards: 1 });
    await stream.send([dispatch('a', 0)]);
    process(stream, 1, []);
    clock.jump(clock.now() + DAY + 1);
    await stream.send([dispatch('a', 1)]);
    expect(stepsIn(stream.take(10))).toEqual(['a1']);
    expect(deadLetters.letters).toEqual([
      expect.objectContaining({ reason: expect.stringContaining('expired'), body: dispatch('a', 0).body }),
    ]);
  });

  test('writes the checkpoint with the envelope if it is the stream of the checkpoint table', async () => {
    const journal = new InMemoryJournal({ clock });
    const stream = new InMemoryStream({ clock, deadLetters, service: 'dynamodb', journal });
    const entry: Checkpoint = checkpoint('a', 0, 1);
    expect(await stream.send([{ ...dispatch('a', 1), checkpoint: entry }, dispatch('b', 0)])).toEqual([
      expect.objectContaining({ ok: true, journaled: true }),
      expect.objectContaining({ ok: true, journaled: false }),
    ]);
    expect(await historyOf(journal, 'a')).toEqual([
      { ...entry, place: expect.objectContaining({ service: 'dynamodb' }) },
    ]);
  });
});

describe('InMemoryTopic', () => {
  const MINUTE = 60_000;

  test('invokes with one message at a time, and keeps the message until the invocation ends', async () => {
    const topic = new InMemoryTopic({ clock, deadLetters });
    await topic.send([dispatch('a', 0), dispatch('b', 0)]);
    const [first, second, third] = [topic.take(10), topic.take(10), topic.take(10)];
    expect([stepsIn(first), stepsIn(second), third]).toEqual([['a0'], ['b0'], []]);
    expect([topic.size, topic.nextAt]).toEqual([2, undefined]);
    topic.settle(first, new Map([[first[0]!.id, 'acknowledge']]));
    expect(topic.size).toBe(1);
  });

  test('retries a failed or crashed invocation after one minute and after two more, then moves its message to the queue of failed invocations', async () => {
    const topic = new InMemoryTopic({ clock, deadLetters });
    await topic.send([dispatch('a', 0)]);
    expect(process(topic, 10, [])).toEqual(['a0']);
    expect([topic.take(1), topic.nextAt]).toEqual([[], clock.now() + MINUTE]);
    clock.jump(clock.now() + MINUTE);
    topic.settle(topic.take(1), new Map());
    expect(topic.nextAt).toBe(clock.now() + 2 * MINUTE);
    clock.jump(clock.now() + 2 * MINUTE);
    expect(process(topic, 10, [])).toEqual(['a0']);
    expect([topic.size, topic.failedInvocations.size]).toEqual([1, 1]);
    const [failed] = topic.take(10);
    expect(failed).toMatchObject({ body: dispatch('a', 0).body, blocking: false, receives: 1 });
    topic.settle([failed!], new Map([[failed!.id, 'acknowledge']]));
    expect([topic.size, topic.nextAt]).toEqual([0, undefined]);
    expect(deadLetters.letters).toEqual([]);
  });

  test('moves a message that is older than six hours to the queue of failed invocations', async () => {
    const topic = new InMemoryTopic({ clock, deadLetters });
    await topic.send([dispatch('a', 0)]);
    clock.jump(clock.now() + 6 * 60 * MINUTE + 1);
    expect(topic.take(1)).toMatchObject([{ body: dispatch('a', 0).body, receives: 1 }]);
    expect(deadLetters.letters).toEqual([]);
  });
});

describe('InMemoryRetryTable', () => {
  const due = async (table: InMemoryRetryTable, until: number) => {
    const pages = [];
    for await (const page of table.due(until)) {
      pages.push(...page);
    }
    return pages;
  };

  test('delays by any duration, and returns due envelopes, earliest first, until they are removed', async () => {
    const table = new InMemoryRetryTable({ clock });
    const now = clock.now();
    await table.send([
      dispatch('a', 0, { notBefore: now + 400 * DAY }),
      dispatch('b', 0, { notBefore: now + 5 }),
      dispatch('c', 0),
    ]);
    expect([table.size, table.nextAt]).toEqual([3, now]);
    const found = await due(table, now + 5);
    expect(stepsIn(found)).toEqual(['c0', 'b0']);
    await table.remove(found.slice(0, 1));
    expect(stepsIn(await due(table, Infinity))).toEqual(['b0', 'a0']);
  });
});

describe('retention', () => {
  const request = (executionId: string) => ({
    executionId,
    incarnation: INCARNATION,
    machine: 'm',
    step: 0,
    parent: 0,
    state: 's',
    holder: executionId,
    now: clock.now(),
    expires: clock.now() + 1,
    redriven: 0,
    alone: true,
  });

  test.each([
    ['completed', true],
    ['cancelled', true],
    ['parked', false],
    ['failed', false],
  ] as const)('a lock that is %s: %s', async (status, forgotten) => {
    const locks = new InMemoryLockStore({ clock, retention: DAY });
    const answer = await acquireRecorded(locks, request('a'));
    await locks.commit({ ...request('a'), fence: answer.lock!.fence }, status, clock.now());
    clock.jump(clock.now() + DAY);
    expect((await locks.read('a')) === undefined).toBe(forgotten);
    expect(locks.all).toHaveLength(forgotten ? 0 : 1);
  });

  test('journal entries expire, except those of parked and failed executions until they are released', async () => {
    const journal = new InMemoryJournal({ clock, retention: DAY });
    await journal.write([
      checkpoint('a', 0, 1),
      checkpoint('a', 1, 2, { outcome: 'parked' }),
      checkpoint('a', 2, 3, { outcome: 'failed' }),
    ]);
    clock.jump(clock.now() + DAY);
    expect((await historyOf(journal, 'a')).map(({ step }) => step)).toEqual([1, 2]);
    await journal.expire(keyOf('a'), 1, 2);
    clock.jump(clock.now() + DAY);
    expect((await historyOf(journal, 'a')).map(({ step }) => step)).toEqual([2]);
  });
});

describe('RecordedMetrics', () => {
  test('sums up flushed metrics by machine and state, and loses metrics that are not flushed', () => {
    const totals = new MetricTotals();
    const metrics = new RecordedMetrics(totals);
    metrics.count('Retry', 'order', 'a');
    metrics.count('Retry', 'order', 'b');
    metrics.count('Retry', 'other', 'a');
    void metrics.flush();
    void metrics.flush();
    metrics.count('Retry', 'order', 'a');
    expect([
      totals.of('Retry'),
      totals.of('Retry', 'order'),
      totals.of('Retry', 'order', 'a'),
      totals.of('Fatal'),
    ]).toEqual([3, 2, 1, 0]);
  });
});
