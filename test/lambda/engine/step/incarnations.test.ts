import { encodeEnvelope, type Envelope } from '../../../../lambda/engine';
import { defineMachine, type JsonObject } from '../../../../lambda/machine';
import { World, type ActionBody } from '../../../support/world';

const DAY = 86_400_000;
const RETENTION = 30 * DAY;

function parse(body: string): Envelope {
  return JSON.parse(body) as Envelope;
}

describe('an executionId that is used again after its execution was forgotten', () => {
  // Days of two hours: a queue delays a message by 15 minutes at most.
  const SHORT_DAY = DAY / 12;

  /** Lasts 60 days, unless its customer cancels it. The executionId is that of the customer. */
  const subscription = defineMachine({
    name: 'subscription',
    initial: 'active',
    states: {
      active: {
        on: { cancelled: 'closing', expired: 'expiring' },
        timeout: { seconds: (60 * SHORT_DAY) / 1_000, event: 'expired' },
      },
      closing: { do: 'close', on: { closed: 'done' } },
      expiring: { do: 'expire', on: { closed: 'done' } },
      done: { final: true },
    },
  });
  const payment = defineMachine({
    name: 'payment',
    initial: 'asking',
    states: {
      asking: { do: 'ask', on: { approved: 'paying', rejected: 'done' } },
      paying: { do: 'pay', on: { paid: 'done' } },
      done: { final: true },
    },
  });

  /** Executions of `payment`, with the contexts that were paid and the callback tokens that were handed out. */
  function payments() {
    const paid: JsonObject[] = [];
    const tokens: string[] = [];
    const ask: ActionBody = async (_context, run) => {
      tokens.push(await run.callbackToken());
    };
    const pay: ActionBody = (context) => {
      paid.push(structuredClone(context));
      return 'paid';
    };
    const world = new World([payment], { ask, pay }, { retention: RETENTION });
    return { world, paid, tokens, bodies: world.recordBodies() };
  }

  /** Pays an old invoice, waits until its execution is forgotten, and starts a new one. */
  async function payTwice() {
    const all = payments();
    const { world } = all;
    await world.start('payment', 'invoice-7', { payee: 'old' });
    await world.bench.run();
    await world.client((client) => client.send('invoice-7', 'approved', { id: 'a' }));
    await world.bench.run();
    expect(world.lock('invoice-7')?.status).toBe('completed');
    await world.bench.advance(40 * DAY);
    expect(world.lock('invoice-7')).toBeUndefined();
    await world.start('payment', 'invoice-7', { payee: 'new' });
    await world.bench.run();
    expect(await world.describe('invoice-7')).toMatchObject({ status: 'parked' });
    return all;
  }

  test.each(['sqs', 'dynamodb'] as const)(
    'is not ended by the timeout of the earlier execution (%s)',
    async (queue) => {
      const world = new World(
        [subscription],
        { close: () => 'closed', expire: () => 'closed' },
        { retention: 30 * SHORT_DAY, retryQueues: [queue] },
      );
      await world.start('subscription', 'customer-7');
      await world.bench.advance(SHORT_DAY);
      await world.client((client) => client.send('customer-7', 'cancelled', { id: 'first' }));
      await world.bench.advance(40 * SHORT_DAY);
      expect(world.lock('customer-7')).toBeUndefined();
      await world.start('subscription', 'customer-7');
      await world.bench.advance(25 * SHORT_DAY);
      expect(world.effects.map(({ action }) => action)).toEqual(['close']);
      expect(await world.describe('customer-7')).toMatchObject({ status: 'parked', state: 'active' });
      await world.bench.advance(36 * SHORT_DAY);
      expect(world.effects.map(({ action }) => action)).toEqual(['close', 'expire']);
    },
  );

  test('ignores every message of the earlier execution', async () => {
    const { world, paid, bodies } = await payTwice();
    const before = world.lock('invoice-7');
    const { incarnation } = parse(bodies[0]!);
    const old = bodies.filter((body) => parse(body).incarnation === incarnation);
    expect(old.length).toBeGreaterThan(2);
    for (const body of old) {
      world.services.eventSources[0]!.put(body);
      await world.bench.run();
    }
    expect(paid).toEqual([{ payee: 'old' }]);
    expect(world.lock('invoice-7')).toEqual(before);
    await world.client((client) => client.send('invoice-7', 'approved', { id: 'a' }));
    await world.bench.run();
    expect(paid).toEqual([{ payee: 'old' }, { payee: 'new' }]);
  });

  test('describes only its own steps', async () => {
    const { world } = await payTwice();
    const description = await world.describe('invoice-7');
    expect(description).toMatchObject({ step: 0, context: { payee: 'new' }, waiting: [] });
    expect(description?.steps.map(({ step, attempts }) => [step, attempts.length])).toEqual([[0, 1]]);
  });

  test('has other callback tokens, and the earlier ones are refused', async () => {
    const { world, tokens } = await payTwice();
    const [old, present] = tokens;
    expect(present).not.toBe(old);
    expect(await world.client((client) => client.complete(old!, 'approved'))).toBe('spent');
    expect(world.lock('invoice-7')).toMatchObject({ status: 'parked', step: 0 });
    const [id, incarnation, step] = present!.split('.');
    const forged = [id, incarnation, step, old!.split('.').at(-1)].join('.');
    await expect(world.client((client) => client.complete(forged, 'approved'))).rejects.toThrow(
      'Invalid callback token',
    );
    expect(await world.client((client) => client.complete(present!, 'approved'))).toBe('accepted');
  });

  test('has other idempotency keys', async () => {
    const { world } = await payTwice();
    await world.client((client) => client.send('invoice-7', 'approved'));
    await world.bench.run();
    expect(new Set(world.effects.map(({ key }) => key)).size).toBe(world.effects.length);
  });

  test('does not take an event that the earlier execution left', async () => {
    const { world } = payments();
    await world.start('payment', 'invoice-7');
    await world.bench.run();
    // No state handles the first event. The mailbox is not cleared: as if every request to clear it had failed.
    world.services.mailbox.expire = async () => undefined;
    await world.client((client) => client.send('invoice-7', 'paid', { id: 'left' }));
    await world.client((client) => client.send('invoice-7', 'rejected', { id: 'rejected' }));
    await world.bench.advance(40 * DAY);
    await world.start('payment', 'invoice-7');
    await world.bench.run();
    expect(await world.describe('invoice-7')).toMatchObject({ status: 'parked', waiting: [] });
    // The same id is an event of its own now.
    expect(await world.client((client) => client.send('invoice-7', 'rejected', { id: 'rejected' }))).toBe('woken');
    await world.bench.run();
    expect(await world.describe('invoice-7')).toMatchObject({ status: 'completed' });
  });

  test('does not take an early event of the earlier execution, although the mailbox failed when that one ended', async () => {
    const { world } = payments();
    const { mailbox } = world.services;
    const expire = mailbox.expire.bind(mailbox);
    let failures = 0;
    mailbox.expire = async (execution) => {
      if (failures++ < 3) throw new Error('The mailbox is away.');
      await expire(execution);
    };
    await world.client((client) => client.send('invoice-7', 'rejected', { id: 'early' }));
    await world.start('payment', 'invoice-7');
    await world.bench.run();
    expect(world.lock('invoice-7')?.status).toBe('completed');
    expect(failures).toBeGreaterThan(3);
    await world.bench.advance(40 * DAY);
    await world.start('payment', 'invoice-7');
    await world.bench.run();
    expect(await world.describe('invoice-7')).toMatchObject({ status: 'parked', waiting: [] });
  });
});

describe('two starts of one executionId', () => {
  const once = defineMachine({
    name: 'once',
    initial: 'working',
    states: { working: { do: 'work', on: { worked: 'done' } }, done: { final: true } },
  });

  test('the first that is acquired wins, and the other is a duplicate while the first runs', async () => {
    const seen: unknown[] = [];
    const world = new World([once], {
      work: async ({ twin }, _run, { clock }) => {
        seen.push(twin);
        await clock.sleep(5_000);
        return 'worked';
      },
    });
    const bodies = world.recordBodies();
    await world.start('once', 'x', { twin: 1 });
    await world.bench.advance(1_000);
    // The client refuses such a start. Anything else that may send to the source can make one.
    const other = { ...parse(bodies[0]!), incarnation: 'other', context: { twin: 2 } };
    world.services.eventSources[0]!.put(JSON.stringify(other));
    await world.bench.run();
    expect(seen).toEqual([1]);
    expect(world.count('Duplicate')).toBe(1);
    expect(world.count('Busy')).toBe(0);
    expect(world.lock('x')).toMatchObject({ status: 'completed', incarnation: parse(bodies[0]!).incarnation });
  });

  test('a retry of the first continues after the second arrived', async () => {
    let failures = 2;
    const world = new World([once], {
      work: () => {
        if ((failures -= 1) >= 0) throw new Error('not yet');
        return 'worked';
      },
    });
    await world.start('once', 'x');
    await world.bench.advance(10);
    await world.start('once', 'x');
    await world.bench.run();
    expect(world.lock('x')?.status).toBe('completed');
    expect(world.effects.filter(({ action }) => action === 'work')).toHaveLength(3);
  });
});

test('an event that was sent before the start goes to the execution', async () => {
  const machine = defineMachine({
    name: 'waiting',
    initial: 'waiting',
    states: { waiting: { on: { go: 'done' } }, done: { final: true } },
  });
  const world = new World([machine], {});
  await world.client((client) => client.send('x', 'go', { id: 'early' }));
  await world.start('waiting', 'x');
  await world.client((client) => client.send('x', 'go', { id: 'early' }));
  await world.bench.run();
  expect(await world.describe('x')).toMatchObject({ status: 'completed', waiting: [] });
});

test('a step of another incarnation is acknowledged as a duplicate, whatever its place in the chain is', async () => {
  const machine = defineMachine({
    name: 'waiting',
    initial: 'waiting',
    states: { waiting: { on: { go: 'done' } }, done: { final: true } },
  });
  const world = new World([machine], {});
  const bodies = world.recordBodies();
  await world.start('waiting', 'x');
  await world.bench.run();
  const start = parse(bodies[0]!);
  for (const [step, parent] of [
    [0, 0],
    [1, 1],
    [1, 0],
    [2, 5],
  ] as const) {
    const stale: Envelope = {
      ...start,
      incarnation: 'another',
      step,
      parent,
      state: step === 0 ? null : 'waiting',
      event: 'go',
    };
    // No start ends a wait.
    for (const timeout of step === 0 ? [undefined] : ([undefined, true] as const)) {
      world.services.eventSources[0]!.put(encodeEnvelope({ ...stale, timeout }));
      await world.bench.run();
    }
  }
  expect(world.lock('x')).toMatchObject({ step: 0, fence: 1, status: 'parked' });
  expect(world.services.deadLetters.letters).toEqual([]);
  expect(world.count('Duplicate')).toBe(4);
});
