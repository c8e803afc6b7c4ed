import type { Envelope } from '../../../../lambda/engine';
import { defineMachine, type MachineInput, type StateInput } from '../../../../lambda/machine';
import type { FaultRule } from '../../../../lambda/testing';
import type { SimulatedWorkflowOptions } from '../../../../lambda/testing/bench/simulated-workflow';
import { World, type ActionBody } from '../../../support/world';

const POISON = 'content-that-is-refused';

/** A machine whose first state puts the poison into the context; `mended` is where a catch leads. */
function machineOf(first: Partial<StateInput> = {}, second: StateInput = { final: true }): MachineInput {
  return defineMachine({
    name: 'm',
    initial: 'first',
    maxRetries: 2,
    backoff: { baseSeconds: 1, capSeconds: 1 },
    states: {
      first: { do: 'poison', on: { next: 'second' }, ...first },
      second,
      ...(first.catch && { mended: { do: 'clean', on: { next: 'second' } } }),
    },
  } as MachineInput);
}

const ACTIONS: Readonly<Record<string, ActionBody>> = {
  poison: (context, { executionId }) => {
    if (executionId.startsWith('x')) context.text = POISON;
    return 'next';
  },
  clean: () => 'next',
  fail: () => {
    throw new Error('The action fails.');
  },
  wait: (context) => {
    context.text = POISON;
  },
};

function refusing(...on: FaultRule['on'][]): readonly FaultRule[] {
  return on.map((call) => ({ on: call, fault: 'refuse', containing: POISON }));
}

async function run(
  machine: MachineInput,
  faults: readonly FaultRule[],
  options: SimulatedWorkflowOptions = {},
  context = {},
): Promise<World> {
  const world = new World([machine], ACTIONS, { ...options, faults });
  await world.start('m', 'x', context);
  // Without an end, the message would circulate for hours.
  await world.bench.run({ maxInvocations: 20 });
  return world;
}

/** The execution failed after its retries, with one dead letter that says why. */
async function expectFailed(world: World, attempts: number): Promise<void> {
  expect(world.lock('x')?.status).toBe('failed');
  expect(world.effects).toHaveLength(attempts);
  const { letters } = world.services.deadLetters;
  expect(letters).toMatchObject([{ executionId: 'x', reason: expect.stringContaining('ContentRefusedError') }]);
  expect(world.count('Fatal')).toBe(1);
  expect((await world.describe('x'))?.error).toMatchObject({ name: 'ContentRefusedError', state: 'first' });
}

test('an execution fails after its retries if no transport accepts the next step', async () => {
  await expectFailed(await run(machineOf(), refusing('eventSources', 'retryQueues')), 3);
});

test('a retry queue carries the next step that only the event source refuses', async () => {
  const world = await run(machineOf(), refusing('eventSources'));
  expect(world.lock('x')?.status).toBe('completed');
  expect(world.services.deadLetters.letters).toEqual([]);
});

test('an execution fails after its retries if the journal refuses its end', async () => {
  const machine = defineMachine({
    name: 'm',
    initial: 'first',
    maxRetries: 2,
    backoff: { baseSeconds: 1, capSeconds: 1 },
    states: { first: { do: 'poison', on: { next: { target: 'end', local: true } } }, end: { final: true } },
  });
  const world = await run(machine, refusing('journal.write'));
  expect(world.lock('x')?.status).toBe('failed');
  expect(world.effects).toHaveLength(3);
  expect((await world.describe('x'))?.error).toMatchObject({ name: 'ContentRefusedError', state: 'end' });
});

test('an execution fails after its retries if the journal refuses its park', async () => {
  await expectFailed(await run(machineOf({ do: 'wait' }), refusing('journal.write')), 3);
});

test('an execution fails after its retries if the lock store refuses the commit', async () => {
  const world = await run(machineOf({ do: 'wait' }), [{ on: 'locks.commit', fault: 'refuse', containing: '"parked"' }]);
  await expectFailed(world, 3);
});

test('a catch transition takes an execution whose park is refused', async () => {
  const world = await run(machineOf({ do: 'wait', catch: 'mended' }), refusing('journal.write'));
  expect(world.lock('x')?.status).toBe('completed');
  expect(world.count('Caught')).toBe(1);
  expect(world.services.deadLetters.letters).toEqual([]);
});

test('a catch transition takes an execution whose retry is refused, under the next fence', async () => {
  const world = await run(machineOf({ do: 'fail', catch: 'mended' }), [
    { on: 'retryQueues', fault: 'refuse', containing: '"step":0' },
  ]);
  expect(world.lock('x')?.status).toBe('completed');
  expect(world.effects.map(({ action }) => action)).toEqual(['fail', 'clean']);
  // The attempt that ran, the renewed lease that fails it, the catch and the end.
  expect(world.lock('x')?.fence).toBe(4);
});

test('an execution fails if its retry and its catch are refused', async () => {
  const world = await run(
    machineOf({ do: 'fail', catch: 'mended' }),
    refusing('eventSources', 'retryQueues'),
    {},
    { text: POISON },
  );
  expect(world.lock('x')?.status).toBe('failed');
  expect(world.effects).toHaveLength(1);
  expect(world.services.deadLetters.letters).toMatchObject([{ reason: 'Error: The action fails.' }]);
});

test('the entry of a failure that the journal refuses is written without its envelope', async () => {
  const world = await run(machineOf({ do: 'fail', maxRetries: 0 }), refusing('journal.write'), {}, { text: POISON });
  expect(world.lock('x')?.status).toBe('failed');
  expect(world.effects).toHaveLength(1);
  expect(world.services.deadLetters.letters).toMatchObject([{ body: expect.stringContaining(POISON) }]);
  expect((await world.describe('x'))?.error).toMatchObject({
    message: expect.stringContaining('dead letter has both'),
  });
});

test('a redrive without a stored envelope names the dead letter, which redrives the execution', async () => {
  const rule = { on: 'journal.write', fault: 'refuse', containing: POISON, until: 60_000 } as const;
  const world = await run(machineOf({ do: 'fail', maxRetries: 0 }), [rule], {}, { text: POISON });
  await expect(world.client((executions) => executions.redrive('x'))).rejects.toThrow(
    'Execution "x" is failed: only its dead letter has the envelope. Move it back to its source.',
  );
  const [letter] = world.services.deadLetters.letters;
  await world.bench.advance(60_000);
  const envelope = JSON.parse(letter?.body ?? '') as Envelope;
  await world.services.eventSources[0]?.send([{ envelope, body: letter?.body ?? '' }]);
  await world.bench.run({ maxInvocations: 20 });
  expect(world.effects).toHaveLength(2);
  expect((await world.describe('x'))?.error).toMatchObject({ message: 'The action fails.' });
});

test('an execution fails although the dead-letter queue refuses its dead letter', async () => {
  const world = await run(machineOf({ do: 'fail', maxRetries: 0 }), refusing('deadLetters.put'), {}, { text: POISON });
  expect(world.lock('x')?.status).toBe('failed');
  expect(world.effects).toHaveLength(1);
  await world.client((executions) => executions.redrive('x'));
  expect(world.lock('x')?.status).toBe('running');
});

test('an envelope whose lock is refused becomes a dead letter at once', async () => {
  const world = await run(machineOf(), [{ on: 'locks.acquire', fault: 'refuse', containing: '"x"' }]);
  expect(world.effects).toEqual([]);
  expect(world.count('LockFailure')).toBe(0);
  expect(world.services.deadLetters.letters).toMatchObject([
    { executionId: 'x', reason: expect.stringContaining('the lock of the step') },
  ]);
});

test('an envelope that must wait and that no retry queue accepts does not block a stream', async () => {
  const world = new World([machineOf()], ACTIONS, {
    eventSources: ['kinesis'],
    faults: [
      { on: 'locks.acquire', fault: 'fail', effect: 'before', call: 1 },
      { on: 'retryQueues', fault: 'refuse', containing: '"x"' },
    ],
  });
  await world.start('m', 'x');
  await world.bench.run({ maxInvocations: 20 });
  expect(world.services.deadLetters.letters).toMatchObject([{ executionId: 'x' }]);
  expect(world.bench.function.invocations).toBe(1);
});

test.each(['kinesis', 'sqs'] as const)(
  'refused content costs its neighbors in a batch nothing (%s)',
  async (source) => {
    const world = new World([machineOf({ maxRetries: 0 })], ACTIONS, {
      eventSources: [source],
      faults: refusing('eventSources', 'retryQueues'),
    });
    for (const executionId of ['a', 'x', 'b']) await world.start('m', executionId);
    await world.bench.run({ maxInvocations: 20 });
    expect(['a', 'x', 'b'].map((executionId) => world.lock(executionId)?.status)).toEqual([
      'completed',
      'failed',
      'completed',
    ]);
    expect(world.count('Retry')).toBe(0);
    expect(world.effects.map(({ executionId }) => executionId).sort()).toEqual(['a', 'b', 'x']);
  },
);

test('an envelope in a retry table that no event source accepts becomes a dead letter', async () => {
  const world = new World([machineOf({ do: 'fail' })], ACTIONS, {
    retryQueues: ['dynamodb'],
    faults: [{ on: 'eventSources', fault: 'refuse', containing: '"attempt":1' }],
  });
  await world.start('m', 'x');
  await world.bench.run({ maxInvocations: 50 });
  expect(world.services.deadLetters.letters).toMatchObject([{ reason: expect.stringContaining('a stored envelope') }]);
});

test('refused content opens no circuit', async () => {
  const world = new World([machineOf()], ACTIONS, {
    eventSources: ['sqs', 'kinesis'],
    batchSize: 1,
    concurrency: 1,
    faults: refusing('eventSources[0]'),
  });
  for (const executionId of ['x1', 'x2', 'x3', 'a']) await world.start('m', executionId);
  await world.bench.run({ maxInvocations: 20 });
  // After three failures in a row, an open circuit would send the fourth to the failover as well.
  expect(world.count('Failover')).toBe(3);
  expect(world.lock('a')?.status).toBe('completed');
});
