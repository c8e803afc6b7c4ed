import type { Envelope, Lock } from '../../../../lambda/engine';
import type { MachineInput } from '../../../../lambda/machine';
import { INCARNATION } from '../../../support/execution-key';
import { World, type ActionBody } from '../../../support/world';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

const machine: MachineInput = {
  name: 'claim',
  initial: 'checking',
  states: {
    checking: { do: 'check', on: { checked: 'waiting' } },
    waiting: { on: { approved: 'paying', expired: 'reminding' }, timeout: { seconds: 3_600, event: 'expired' } },
    reminding: { do: 'remind', on: { reminded: 'waiting' } },
    paying: { do: 'pay', on: { paid: 'done' } },
    done: { final: true },
  },
};

const actions: Record<string, ActionBody> = {
  check: (context) => {
    context.checked = true;
    return 'checked';
  },
  remind: (context) => {
    context.reminders = Number(context.reminders ?? 0) + 1;
    return 'reminded';
  },
  pay: () => 'paid',
};

const approve = (world: World) => world.client((executions) => executions.send('x', 'approved'));

function acted(world: World): string[] {
  return world.effects.map(({ action }) => action);
}

/** Parks the execution. */
async function parked(world = new World([machine], actions)): Promise<World> {
  await world.start('claim', 'x', { sum: 7 });
  await world.bench.advance(10 * SECOND);
  expect(await world.describe('x')).toMatchObject({ status: 'parked', state: 'waiting' });
  return world;
}

describe('a state with a timeout', () => {
  test('is left through the event of the timeout if no event arrives', async () => {
    const world = await parked();
    await world.bench.advance(HOUR - 15 * SECOND);
    expect(acted(world)).toEqual(['check']);
    await world.bench.advance(30 * SECOND);
    expect(acted(world)).toEqual(['check', 'remind']);
    expect(world.count('Timeout')).toBe(1);
  });

  test('restarts the timeout each time that an execution parks', async () => {
    const world = await parked();
    await world.bench.advance(3 * HOUR + 60 * SECOND);
    expect(acted(world)).toEqual(['check', 'remind', 'remind', 'remind']);
    expect(await world.describe('x')).toMatchObject({
      status: 'parked',
      state: 'waiting',
      context: { sum: 7, checked: true, reminders: 3 },
    });
  });

  test('is left through an event that arrives earlier, and the timeout has no effect', async () => {
    const world = await parked();
    await approve(world);
    await world.bench.run();
    // SQS delays the timeout by 15 minutes at most, and at its next hop the wait is over.
    expect(world.clock.now() - world.effects[0]!.at).toBe(HOUR / 4);
    expect(acted(world)).toEqual(['check', 'pay']);
    expect(await world.describe('x')).toMatchObject({ status: 'completed', waiting: [] });
    expect(world.count('Timeout')).toBe(0);
  });

  test('is left once if an event arrives at the moment of the timeout', async () => {
    const world = await parked();
    const parkedAt = world.clock.now();
    for (let early = 3_000; early >= -3_000; early -= 500) {
      const each = await parked();
      await each.bench.advance(HOUR - (each.clock.now() - parkedAt) - early);
      await approve(each);
      await each.bench.advance(HOUR / 2);
      const first = acted(each)[1];
      expect(acted(each)).toEqual(first === 'pay' ? ['check', 'pay'] : ['check', 'remind', 'pay']);
      expect(await each.describe('x')).toMatchObject({ status: 'completed' });
    }
  });

  test('does not revive a canceled execution', async () => {
    const world = await parked();
    await world.client((executions) => executions.cancel('x'));
    await world.bench.run();
    expect(acted(world)).toEqual(['check']);
    expect(await world.describe('x')).toMatchObject({ status: 'cancelled', waiting: [] });
  });

  test('is left through the timeout of the attempt that parked, if several attempts entered it', async () => {
    const world = new World([machine], actions);
    // The invocation dies after it has stored the timeout, but before it has committed the park.
    let crashes = 2;
    const commit = world.services.locks.commit.bind(world.services.locks);
    world.services.locks.commit = async (lease, status, ...rest) => {
      if (status === 'parked' && crashes-- > 0) throw new Error('no answer');
      return commit(lease, status, ...rest);
    };
    await world.start('claim', 'x');
    await world.bench.advance(HOUR / 2);
    expect(await world.describe('x')).toMatchObject({ status: 'parked' });
    await world.bench.advance(HOUR);
    expect(acted(world)).toEqual(['check', 'remind']);
    expect(world.count('Timeout')).toBe(1);
  });

  test('cannot be entered while no retry queue accepts the timeout', async () => {
    const world = new World([machine], actions);
    const [retries] = world.services.retryQueues;
    const send = retries!.send.bind(retries);
    let down = true;
    retries!.send = async (dispatches) => {
      if (down) throw new Error('down');
      return send(dispatches);
    };
    await world.start('claim', 'x');
    await world.bench.advance(10 * SECOND);
    expect((await world.describe('x'))?.status).toBe('running');
    expect(world.count('Redelivery')).toBeGreaterThan(0);
    down = false;
    await world.bench.advance(HOUR / 2);
    expect(await world.describe('x')).toMatchObject({ status: 'parked' });
  });

  test('postpones a timeout that is due before the park is committed', async () => {
    const short: MachineInput = {
      ...machine,
      states: { ...machine.states, waiting: { ...machine.states.waiting, timeout: { seconds: 1, event: 'expired' } } },
    };
    const world = new World([short], { ...actions, remind: () => undefined });
    const commit = world.services.locks.commit.bind(world.services.locks);
    world.services.locks.commit = async (lease, status, ...rest) => {
      await world.clock.sleep(3 * SECOND);
      return commit(lease, status, ...rest);
    };
    await world.start('claim', 'x');
    await world.bench.advance(60 * SECOND);
    expect(acted(world)).toEqual(['check', 'remind']);
  });
});

/** A world whose parked execution has received a forged timeout. */
async function forgedTimeout(members: (lock: Lock) => Partial<Envelope>, of: MachineInput = machine): Promise<World> {
  const world = await parked(new World([of], actions));
  const lock = world.lock('x')!;
  const forged = {
    version: 1,
    executionId: 'x',
    incarnation: lock.incarnation,
    machine: 'claim',
    step: lock.step + 1,
    parent: lock.fence,
    attempt: 0,
    state: 'waiting',
    event: 'approved',
    context: {},
    sentAt: world.clock.now(),
    timeout: true as const,
    ...members(lock),
  };
  const dispatch = { envelope: forged, body: JSON.stringify(forged) };
  await world.bench.asClient((ports) => ports.eventSources[0]!.send([dispatch]));
  await world.bench.advance(10 * SECOND);
  return world;
}

test.each<[string, (lock: Lock) => Partial<Envelope>, MachineInput]>([
  ['names another attempt', (lock) => ({ parent: lock.fence - 1 }), machine],
  ['comes early, with an event of its choice', () => ({}), machine],
  [
    'is for a state without a timeout',
    () => ({}),
    { ...machine, states: { ...machine.states, waiting: { on: { approved: 'paying', expired: 'reminding' } } } },
  ],
])('a forged timeout that %s wakes no execution', async (_, members, of) => {
  const world = await forgedTimeout(members, of);
  expect(acted(world)).toEqual(['check']);
  expect(world.count('Duplicate') + world.count('Orphan')).toBe(1);
  await approve(world);
  await world.bench.run();
  expect(acted(world)).toEqual(['check', 'pay']);
});

test('a wake-up or a timeout of another machine is dead-lettered, and the execution continues', async () => {
  const world = await forgedTimeout(() => ({ machine: 'other' }));
  expect(acted(world)).toEqual(['check']);
  expect(world.services.deadLetters.letters).toMatchObject([
    {
      executionId: 'x',
      reason: expect.stringContaining('names another machine than its execution runs, which is "claim"'),
    },
  ]);
  await approve(world);
  await world.bench.run();
  expect(acted(world)).toEqual(['check', 'pay']);
});

test('an envelope that is due in more than a year is dead-lettered', async () => {
  const world = new World([machine], actions);
  await world.bench.asClient((ports) => {
    const envelope = {
      ...{ version: 1, executionId: 'x', incarnation: INCARNATION, machine: 'claim', step: 0, parent: 0, attempt: 0 },
      ...{ state: null, event: '$start', context: {}, sentAt: world.clock.now(), notBefore: Number.MAX_SAFE_INTEGER },
    };
    return ports.eventSources[0]!.send([{ envelope, body: JSON.stringify(envelope) }]);
  });
  await world.bench.run();
  expect(world.services.deadLetters.letters).toMatchObject([
    { executionId: 'x', reason: expect.stringContaining('more than a year') },
  ]);
});

test.each([
  ['wake-up', 'that nothing woke', 'checked'],
  ['timeout', 'that nothing woke', 'checked'],
  ['wake-up', 'that follows a woken one', 'paid'],
  ['timeout', 'that follows a woken one', 'paid'],
])('a forged %s of a running step %s does not block its source', async (kind, _, blockedBy) => {
  const line: MachineInput = {
    name: 'line',
    initial: 'waiting',
    states: {
      waiting: { do: 'skip', on: { approved: 'paying', checked: 'holding' } },
      paying: { do: 'pay', on: { paid: 'holding' } },
      holding: { do: 'hold', on: { held: 'done' }, timeLimit: { seconds: 20 } },
      done: { final: true },
    },
  };
  const world = new World(
    [line],
    {
      skip: () => (blockedBy === 'checked' ? 'checked' : undefined),
      pay: () => 'paid',
      hold: async (_context, _run, { bench, clock }) => {
        await bench.activity.sleep(() => clock.sleep(10 * SECOND));
        return 'held';
      },
    },
    { eventSources: ['kinesis'] },
  );
  await world.start('line', 'x');
  await world.bench.advance(2 * SECOND);
  if (blockedBy === 'paid') await world.client((executions) => executions.send('x', 'approved'));
  await world.bench.run({ until: () => acted(world).includes('hold') });
  const { incarnation, step, parent } = world.lock('x')!;
  const members = { version: 1, executionId: 'x', incarnation, machine: 'line', step, parent, attempt: 0 };
  const more = { state: 'waiting', event: 'approved', context: {}, sentAt: world.clock.now() };
  const envelope = {
    ...members,
    ...more,
    ...(kind === 'timeout' ? { timeout: true as const } : { wakes: true as const }),
  };
  // Another stream shard may deliver it while the step runs, so it comes through the retry queue here.
  await world.services.retryQueues[0]!.send([{ envelope, body: JSON.stringify(envelope) }]);
  await world.bench.run();
  expect(world.count('Redelivery')).toBe(0);
  expect(world.lock('x')).toMatchObject({ status: 'completed' });
});

/**
 *     function   ── acquires step 0 ╳
 *     wake-up                          ── waits, and waits … until no invocation can commit any more
 */
test.each([
  ['has released its lease', true, 0, 10 * SECOND],
  ['has died', false, 15 * 60 * SECOND, 17 * 60 * SECOND],
])('a wake-up waits only while the attempt that it names may commit: one that %s', async (_, releases, least, most) => {
  const world = new World([machine], actions);
  const now = world.clock.now();
  const key = { executionId: 'x', incarnation: INCARNATION };
  await world.bench.asClient((ports) => ports.locks.recordStart({ ...key, machine: 'claim', contextHash: '', now }));
  const request = { ...key, machine: 'claim', step: 0, parent: 0, state: 'checking', redriven: 0, holder: 'died', now };
  const { locks, eventSources } = world.services;
  const answer = await locks.acquire({ ...request, expires: now + SECOND, alone: true });
  if (!answer.acquired) throw new Error('The lock was not acquired.');
  if (releases) await locks.release(answer.lock);
  const members = {
    version: 1,
    ...key,
    machine: 'claim',
    step: 1,
    parent: answer.lock.fence,
    attempt: 0,
    state: 'checking',
  };
  const envelope = { ...members, event: 'checked', context: {}, sentAt: now, wakes: true as const };
  await eventSources[0]!.send([{ envelope, body: JSON.stringify(envelope) }]);
  let ended: number | undefined;
  await world.bench.advance(20 * 60 * SECOND, {
    until: () => {
      if (world.count('Duplicate') > 0) ended ??= world.clock.now();
      return ended !== undefined;
    },
  });
  expect((ended ?? Infinity) - now).toBeGreaterThanOrEqual(least);
  expect((ended ?? Infinity) - now).toBeLessThan(most);
  expect(acted(world)).toEqual([]);
});
