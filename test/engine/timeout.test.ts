import { World, type ActionBody } from './world';
import type { MachineInput } from '../../lambda/machine';

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
  check: (context) => { context.checked = true; return 'checked'; },
  remind: (context) => { context.reminders = Number(context.reminders ?? 0) + 1; return 'reminded'; },
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
  test('is left by the event of the timeout when nothing comes', async () => {
    const world = await parked();
    await world.bench.advance(HOUR - 15 * SECOND);
    expect(acted(world)).toEqual(['check']);
    await world.bench.advance(30 * SECOND);
    expect(acted(world)).toEqual(['check', 'remind']);
    expect(world.count('Timeout')).toBe(1);
  });

  test('counts anew each time that an execution parks', async () => {
    const world = await parked();
    await world.bench.advance(3 * HOUR + 60 * SECOND);
    expect(acted(world)).toEqual(['check', 'remind', 'remind', 'remind']);
    expect(await world.describe('x')).toMatchObject({ status: 'parked', state: 'waiting', context: { sum: 7, checked: true, reminders: 3 } });
  });

  test('is left by an event that comes before, and the timeout comes to nothing', async () => {
    const world = await parked();
    await approve(world);
    await world.bench.run();
    expect(world.clock.now() - world.effects[0]!.at).toBeGreaterThan(HOUR - SECOND);
    expect(acted(world)).toEqual(['check', 'pay']);
    expect(await world.describe('x')).toMatchObject({ status: 'completed', waiting: [] });
    expect(world.count('Timeout')).toBe(0);
  });

  test('in which an event comes at the very moment is left once', async () => {
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

  /**
   *     timeout   ── finds the park ──                      ── puts its mail ╳     ── comes again
   *     execution                      ── goes on, completes ──
   */
  test('leaves nothing in the mailbox of an execution that has completed beside it', async () => {
    const world = await parked();
    const { mailbox } = world.services;
    const put = mailbox.put.bind(mailbox);
    let answers = false;
    jest.spyOn(mailbox, 'put').mockImplementation(async (executionId, mail) => {
      if (mail.event !== 'expired' || answers) return put(executionId, mail);
      answers = true;
      await approve(world);
      await world.clock.sleep(5 * SECOND);
      await put(executionId, mail);
      throw new Error('no answer');
    });
    await world.bench.run();
    expect(answers).toBe(true);
    expect(world.lock('x')?.status).toBe('completed');
    expect(await mailbox.list('x')).toEqual([]);
  });

  test('of an execution that is cancelled brings nothing back', async () => {
    const world = await parked();
    await world.client((executions) => executions.cancel('x'));
    await world.bench.run();
    expect(acted(world)).toEqual(['check']);
    expect(await world.describe('x')).toMatchObject({ status: 'cancelled', waiting: [] });
  });

  test('that is entered by several attempts is left by the timeout of the one that parked', async () => {
    const world = new World([machine], actions);
    // The invocation dies after it has stored the timeout, and before it has committed the park.
    let crashes = 2;
    const commit = world.services.locks.commit.bind(world.services.locks);
    world.services.locks.commit = async (lease, status, now) => {
      if (status === 'parked' && crashes-- > 0) throw new Error('no answer');
      return commit(lease, status, now);
    };
    await world.start('claim', 'x');
    await world.bench.advance(HOUR / 2);
    expect(await world.describe('x')).toMatchObject({ status: 'parked' });
    await world.bench.advance(HOUR);
    expect(acted(world)).toEqual(['check', 'remind']);
    expect(world.count('Timeout')).toBe(1);
  });

  test('cannot be entered while no retry queue takes the timeout', async () => {
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

  test('that comes before the park is committed waits for it', async () => {
    const short: MachineInput = {
      ...machine,
      states: { ...machine.states, waiting: { ...machine.states.waiting, timeout: { seconds: 1, event: 'expired' } } },
    };
    const world = new World([short], { ...actions, remind: () => undefined });
    const commit = world.services.locks.commit.bind(world.services.locks);
    world.services.locks.commit = async (lease, status, now) => {
      await world.clock.sleep(3 * SECOND);
      return commit(lease, status, now);
    };
    await world.start('claim', 'x');
    await world.bench.advance(60 * SECOND);
    expect(acted(world)).toEqual(['check', 'remind']);
  });
});

test('a timeout that a stranger makes up wakes nobody before the execution is parked there', async () => {
  const world = await parked();
  const lock = world.lock('x')!;
  const forged = {
    version: 1,
    executionId: 'x',
    machine: 'claim',
    step: lock.step + 1,
    parent: lock.fence - 1,
    attempt: 0,
    state: 'waiting',
    event: 'approved',
    context: {},
    timeout: true,
    sentAt: world.clock.now(),
  };
  const dispatch = { envelope: { ...forged, timeout: true as const }, body: JSON.stringify(forged) };
  await world.bench.asClient((ports) => ports.eventSources[0]!.send([dispatch]));
  await world.bench.advance(10 * SECOND);
  expect(acted(world)).toEqual(['check']);
});

test('an envelope that is to wait for more than a year is put aside', async () => {
  const world = new World([machine], actions);
  await world.bench.asClient((ports) => {
    const envelope = {
      ...{ version: 1, executionId: 'x', machine: 'claim', step: 0, parent: 0, attempt: 0 },
      ...{ state: null, event: '$start', context: {}, sentAt: world.clock.now(), notBefore: Number.MAX_SAFE_INTEGER },
    };
    return ports.eventSources[0]!.send([{ envelope, body: JSON.stringify(envelope) }]);
  });
  await world.bench.run();
  expect(world.services.deadLetters.letters).toMatchObject([{ executionId: 'x', reason: expect.stringContaining('more than a year') }]);
});
