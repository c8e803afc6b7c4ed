import { defineMachine } from '../../../../lambda/machine';
import { InMemoryQueue } from '../../../../lambda/testing/services/in-memory-queue';
import { World } from '../../../support/world';

const line = defineMachine({
  name: 'line',
  initial: 'a',
  states: { a: { do: 'work', on: { go: 'b' } }, b: { final: true } },
});

const SECOND = 1_000;

/** The messages of a queue of the workflow in memory. */
function queueOf(world: World, kind: 'eventSources' | 'retryQueues'): InMemoryQueue {
  const [queue] = world.services[kind];
  if (!(queue instanceof InMemoryQueue)) throw new Error('The workflow has no queue there.');
  return queue;
}

test.each(['sqs', 'sqs-fifo'] as const)(
  'an execution that waits for room stays one message on %s, even if every answer of the retry queues is lost',
  async (source) => {
    const world = new World(
      [line],
      { work: (_context, { executionId }) => (executionId === 'first' ? new Promise<void>(() => undefined) : 'go') },
      {
        eventSources: [source],
        retryQueues: ['sns', 'sqs'],
        concurrency: 5,
        timeout: 300 * SECOND,
        faults: [{ on: 'retryQueues', fault: 'fail', effect: 'after' }],
      },
      { maxRunningExecutions: { line: 1 } },
    );
    await world.start('line', 'first');
    await world.bench.advance(SECOND);
    await world.start('line', 'second');
    await world.bench.advance(200 * SECOND);
    expect(world.count('Delayed')).toBeGreaterThan(4);
    expect(queueOf(world, 'eventSources').size).toBe(2);
    expect(world.services.retryQueues.map(({ size }) => size)).toEqual([0, 0]);
  },
);

test('a lock store that was away for seconds delays an execution by seconds only', async () => {
  const world = new World(
    [line],
    { work: () => 'go' },
    {
      eventSources: ['sqs'],
      retryQueues: ['sqs'],
      timeout: 900 * SECOND,
      faults: [{ on: 'locks', fault: 'fail', effect: 'before', until: 3 * SECOND }],
    },
  );
  const began = world.clock.now();
  for (let index = 0; index < 20; index += 1) await world.start('line', `e${index}`);
  await world.bench.run();
  const ended = world.services.locks.all.map(({ status, updatedAt }) => ({ status, late: updatedAt - began }));
  expect(ended).toHaveLength(20);
  expect(ended.every(({ status, late }) => status === 'completed' && late < 15 * SECOND)).toBe(true);
});

test('after a long outage of the lock store, work resumes within seconds', async () => {
  const away = 3_600 * SECOND;
  const world = new World(
    [line],
    { work: () => 'go' },
    {
      eventSources: ['sqs'],
      retryQueues: ['sqs'],
      faults: [{ on: 'locks', fault: 'fail', effect: 'before', until: away }],
    },
  );
  const began = world.clock.now();
  await world.start('line', 'e');
  await world.bench.run();
  const { status, updatedAt } = world.lock('e') ?? {};
  expect(status).toBe('completed');
  expect((updatedAt ?? 0) - began - away).toBeLessThan(25 * SECOND);
  // The queue would have dead-lettered the message after 100 deliveries.
  expect(world.services.deadLetters.letters).toEqual([]);
});

test('after a crash, a message is redelivered soon after the lease of its step ends, not after the visibility timeout of its queue', async () => {
  const timeout = 60 * SECOND;
  const world = new World(
    [line],
    { work: () => 'go' },
    {
      eventSources: ['sqs'],
      retryQueues: ['sqs'],
      timeout,
      // The first invocation dies with both messages of the execution.
      faults: [{ on: 'actions.work', fault: 'crash', call: 1 }],
    },
  );
  const began = world.clock.now();
  await world.start('line', 'e');
  await world.start('line', 'e');
  await world.bench.run();
  expect(world.lock('e')?.status).toBe('completed');
  expect((world.lock('e')?.updatedAt ?? 0) - began).toBeLessThan(timeout + 35 * SECOND);
});

test.each([2, 3, 10])(
  'a queue that allows %i deliveries dead-letters no execution whose action kills every invocation',
  async (maxReceives) => {
    const world = new World(
      [line],
      { work: () => 'go' },
      {
        eventSources: ['sqs'],
        retryQueues: ['sqs'],
        maxReceives,
        faults: [{ on: 'actions.work', fault: 'crash' }],
      },
    );
    await world.start('line', 'e');
    await world.bench.run();
    expect(world.lock('e')?.status).toBe('failed');
    expect(world.services.deadLetters.letters).toHaveLength(1);
    expect(world.services.deadLetters.letters[0]?.executionId).toBe('e');
  },
);

test('an execution whose action kills every invocation fails with Amazon SNS alone, and can be redriven', async () => {
  let deadly = true;
  const world = new World(
    [line],
    { work: () => (deadly ? new Promise<void>(() => undefined) : 'go') },
    {
      eventSources: ['sns'],
      retryQueues: ['sns'],
      faults: [{ on: 'actions.work', fault: 'crash', until: 3_600 * SECOND }],
    },
  );
  await world.start('line', 'e');
  await world.bench.run();
  expect(world.lock('e')?.status).toBe('failed');
  expect(world.services.deadLetters.letters).toMatchObject([{ executionId: 'e' }]);
  deadly = false;
  await world.bench.advance(3_600 * SECOND);
  await world.client((client) => client.redrive('e'));
  await world.bench.run();
  expect(world.lock('e')?.status).toBe('completed');
});

describe('with retry queues that cannot delay', () => {
  const worlds = (source: 'sns' | 'kinesis') =>
    new World([line], { work: () => 'go' }, { eventSources: [source], retryQueues: [source], timeout: 30 * SECOND });
  const envelope = (world: World, members: object) => ({
    version: 1,
    executionId: 'e',
    incarnation: 'i',
    machine: 'line',
    step: 0,
    parent: 0,
    attempt: 0,
    state: null,
    event: '$start',
    context: {},
    sentAt: world.clock.now(),
    ...members,
  });

  test.each(['sns', 'kinesis'] as const)(
    'a message of a newer version circulates slowly on %s, and not for ever',
    async (source) => {
      const world = worlds(source);
      const body = JSON.stringify(envelope(world, { version: 99 }));
      world.services.eventSources[0]!.put(body);
      await world.bench.advance(500 * SECOND);
      expect(world.bench.function.invocations).toBeLessThan(150);
      await world.bench.run();
      expect(world.services.deadLetters.letters).toMatchObject([
        { body, reason: expect.stringContaining('no retry queue of the workflow can delay it') },
      ]);
    },
  );

  test.each(['sns', 'kinesis'] as const)('a message for next year is dead-lettered on %s', async (source) => {
    const world = worlds(source);
    const notBefore = world.clock.now() + 300 * 86_400 * SECOND;
    const body = JSON.stringify(envelope(world, { notBefore }));
    world.services.eventSources[0]!.put(body);
    await world.bench.run();
    expect(world.bench.function.invocations).toBe(1);
    expect(world.services.deadLetters.letters).toMatchObject([
      { body, reason: expect.stringContaining(`must not run before ${new Date(notBefore).toISOString()}`) },
    ]);
  });
});

test('a timeout of a week leaves the retry queue at its next hop once its execution has ended', async () => {
  const waiting = defineMachine({
    name: 'waiting',
    initial: 'a',
    states: {
      a: { on: { go: 'b' }, timeout: { seconds: 7 * 86_400, event: 'go' } },
      b: { final: true },
    },
  });
  const world = new World([waiting], {}, { eventSources: ['kinesis'], retryQueues: ['sqs'] });
  const began = world.clock.now();
  await world.start('waiting', 'e');
  await world.bench.advance(60 * SECOND);
  await world.client((client) => client.send('e', 'go'));
  await world.bench.run();
  expect(world.lock('e')?.status).toBe('completed');
  expect(world.clock.now() - began).toBeLessThan(20 * 60 * SECOND);
  expect(queueOf(world, 'retryQueues').size).toBe(0);
});
