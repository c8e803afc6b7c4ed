import { defineMachine } from '../../../../lambda/machine';
import type { EventSourceKind } from '../../../../lambda/testing';
import { World } from '../../../support/world';

const line = defineMachine({
  name: 'line',
  initial: 'a',
  states: {
    a: { do: 'go', on: { go: 'b' } },
    b: { do: 'go', on: { go: 'c' } },
    c: { do: 'go', on: { go: 'end' } },
    end: { final: true },
  },
});

function worldOn(...eventSources: EventSourceKind[]): World {
  return new World([line], { go: () => 'go' }, { eventSources });
}

/** Takes the next delivery of the source and never processes it. */
function lose(world: World): void {
  const [source] = world.services.eventSources;
  const batch = source?.take(10) ?? [];
  expect(batch).not.toEqual([]);
  source?.settle(batch, new Map(batch.map(({ id }) => [id, 'acknowledge'])));
}

/** Runs until the execution has sent the envelope of that step. */
async function runTo(world: World, step: number): Promise<void> {
  await world.bench.run({ until: () => world.count('Transition') === step });
}

const resume = (world: World) => world.client((executions) => executions.resume('x'));

test.each(['kinesis', 'dynamodb'] as const)(
  'a stalled execution continues from the place that the checkpoint on %s records',
  async (source) => {
    const world = worldOn(source);
    await world.start('line', 'x');
    await runTo(world, 2);
    lose(world);
    await world.bench.run();
    expect(world.lock('x')).toMatchObject({ status: 'running', step: 1 });

    await world.bench.advance(60_000);
    await expect(resume(world)).resolves.toBe('resumed');
    await world.bench.run();
    expect(await world.describe('x')).toMatchObject({ status: 'completed', step: 3 });
    expect(new Set(world.effects.map(({ key }) => key)).size).toBe(world.effects.length);
  },
);

test('a healthy execution is not disturbed', async () => {
  const world = worldOn('kinesis');
  await world.start('line', 'x');
  await runTo(world, 1);
  await expect(resume(world)).resolves.toBe('running');
  await world.bench.advance(60_000, { until: () => world.count('Transition') === 2 });
  await resume(world);
  await world.bench.run();
  await expect(resume(world)).resolves.toBe('completed');
  expect(world.effects).toHaveLength(3);
});

test('an envelope that was only late runs once after a resume', async () => {
  const world = worldOn('kinesis');
  await world.start('line', 'x');
  await runTo(world, 1);
  const grant = world.services.locks;
  const lock = world.lock('x');
  if (!lock) throw new Error('expected a lock');
  await grant.release({ ...lock });
  await expect(resume(world)).resolves.toBe('resumed');
  await world.bench.run();
  expect(world.lock('x')?.status).toBe('completed');
  expect(world.count('Duplicate')).toBe(1);
  expect(world.effects).toHaveLength(3);
});

test('the error for a queue, which cannot be read, contains the place of the envelope', async () => {
  const world = worldOn('sqs');
  await world.start('line', 'x');
  await runTo(world, 2);
  lose(world);
  await world.bench.advance(60_000);
  await expect(resume(world)).rejects.toThrow(
    /The envelope after step 1 of execution "x" cannot be read\. It was sent to: sqs event-source-1 event-source-1-3/,
  );
  await expect(world.client((executions) => executions.resume('nobody'))).rejects.toThrow(
    'Execution "nobody" does not exist.',
  );
});

test('the lost timeout of a parked execution is scheduled again, and ends the wait when it is due', async () => {
  const waiting = defineMachine({
    name: 'waiting',
    initial: 'open',
    states: {
      open: { on: { answered: 'end', expired: 'late' }, timeout: { seconds: 600, event: 'expired' } },
      late: { final: true },
      end: { final: true },
    },
  });
  const world = new World([waiting], {}, { eventSources: ['sqs'], retryQueues: ['sqs'] });
  const [retryQueue] = world.services.retryQueues;
  if (!retryQueue) throw new Error('expected a retry queue');
  // The message is accepted and never delivered, as in a queue that the workflow no longer reads.
  const send = jest
    .spyOn(retryQueue, 'send')
    .mockImplementation(async (dispatches) =>
      dispatches.map(() => ({ ok: true, place: { service: 'sqs', resource: 'removed queue' }, journaled: false })),
    );
  await world.start('waiting', 'x');
  await world.bench.run();
  expect(send).toHaveBeenCalledTimes(1);
  send.mockRestore();
  await world.bench.advance(300_000);
  await expect(resume(world)).resolves.toBe('parked');
  await expect(resume(world)).resolves.toBe('parked');
  await world.bench.advance(290_000);
  expect(world.lock('x')?.status).toBe('parked');
  await world.bench.advance(60_000);
  expect(await world.describe('x')).toMatchObject({ status: 'completed', state: 'late', step: 1 });
});
