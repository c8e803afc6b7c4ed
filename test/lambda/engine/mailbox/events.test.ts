import {
  EventConflictError,
  ExecutionEndedError,
  InvalidRequestError,
  type Executions,
} from '../../../../lambda/engine';
import type { MachineInput } from '../../../../lambda/machine';
import { World, type ActionBody } from '../../../support/world';

const HOUR = 3_600_000;

const order: MachineInput = {
  name: 'order',
  initial: 'checking',
  states: {
    checking: { do: 'check', on: { checked: 'paying', refused: 'refused' } },
    paying: { on: { paid: { target: 'packing', action: 'note' }, reminded: { target: 'paying', action: 'note' } } },
    packing: { on: { packed: { target: 'done', action: 'note' } }, timeout: { seconds: 3_600, event: 'packed' } },
    refused: { on: { appealed: 'checking' } },
    done: { final: true },
  },
};

const actions: Record<string, ActionBody> = {
  check: () => 'checked',
  note: (context, run) => {
    context.noted = [
      ...((context.noted as string[] | undefined) ?? []),
      `${run.event} ${JSON.stringify(run.data ?? null)}`,
    ];
  },
};

/** Starts an execution, which parks in `paying`. */
async function parked(options: ConstructorParameters<typeof World>[2] = {}): Promise<World> {
  const world = new World([order], actions, options);
  await world.start('order', 'x');
  await world.bench.advance(1_000);
  expect(await world.describe('x')).toMatchObject({ status: 'parked', state: 'paying' });
  return world;
}

function send(
  world: World,
  ...[event, options, executionId = 'x']: [string, Parameters<Executions['send']>[2]?, string?]
) {
  return world.client((executions) => executions.send(executionId, event, options));
}

async function noted(world: World): Promise<unknown> {
  return (await world.describe('x'))?.context?.noted;
}

describe('an event', () => {
  test('wakes an execution that waits for it, and reaches the actions with its data', async () => {
    const world = await parked();
    await expect(send(world, 'paid', { data: { cents: 7 } })).resolves.toBe('woken');
    await world.bench.advance(1_000);
    expect(await world.describe('x')).toMatchObject({ status: 'parked', state: 'packing', waiting: [] });
    expect(await noted(world)).toEqual(['paid {"cents":7}']);
  });

  test('for a later state waits, however many events overtake it', async () => {
    const world = await parked();
    await expect(send(world, 'packed', { id: 'p', data: 1 })).resolves.toBe('waiting');
    for (let index = 0; index < 5; index += 1) {
      await expect(send(world, 'reminded', { data: index })).resolves.toBe('woken');
      await world.bench.advance(1_000);
    }
    expect(await world.describe('x')).toMatchObject({ waiting: [{ id: 'p', event: 'packed' }] });
    await send(world, 'paid');
    await world.bench.advance(5_000);
    expect(await world.describe('x')).toMatchObject({ status: 'completed', waiting: [] });
    expect((await noted(world)) as string[]).toEqual([
      ...[0, 1, 2, 3, 4].map((index) => `reminded ${index}`),
      'paid null',
      'packed 1',
    ]);
  });

  test('is taken in the order in which the events were accepted', async () => {
    const world = await parked();
    for (let index = 0; index < 20; index += 1) await send(world, 'reminded', { data: index });
    await world.bench.advance(60_000);
    expect(await noted(world)).toEqual(Array.from({ length: 20 }, (_, index) => `reminded ${index}`));
  });

  test('of each of many concurrent senders is taken once', async () => {
    const world = await parked();
    const results = await Promise.all(
      Array.from({ length: 60 }, (_, index) => send(world, 'reminded', { id: `id-${index}`, data: index })),
    );
    expect(new Set(results)).toEqual(new Set(['woken']));
    await world.bench.advance(HOUR);
    const all = (await noted(world)) as string[];
    expect([...all].sort()).toEqual(Array.from({ length: 60 }, (_, index) => `reminded ${index}`).sort());
  }, 30_000);

  test('takes the same path in every attempt, even if other events arrive in between', async () => {
    let attempts = 0;
    const world = new World([order], {
      ...actions,
      note: (context, run, of) => {
        attempts += 1;
        if (attempts < 3) throw new Error('not yet');
        return actions.note?.(context, run, of);
      },
    });
    await world.start('order', 'x');
    await world.bench.advance(1_000);
    await send(world, 'reminded', { data: 'first' });
    await world.bench.advance(10);
    await send(world, 'paid', { data: 'second' });
    await world.bench.advance(HOUR / 4);
    expect(attempts).toBeGreaterThanOrEqual(4);
    expect(await noted(world)).toEqual(['reminded "first"', 'paid "second"']);
  });

  test('wins against a timeout that is due later, and loses against an earlier one', async () => {
    const world = await parked();
    await send(world, 'paid');
    await world.bench.advance(HOUR + 10_000);
    expect(await noted(world)).toEqual(['paid null', 'packed null']);
    expect(world.count('Timeout')).toBe(1);
    await expect(send(world, 'packed')).rejects.toThrow(ExecutionEndedError);
  });
});

describe('an event that no state takes', () => {
  test('is refused by a parked execution, with the events that it can take', async () => {
    const world = await parked();
    await expect(send(world, 'payd')).rejects.toThrow(
      new InvalidRequestError(
        'Execution "x" of machine "order" cannot take the event "payd": neither its state "paying" nor a later state handles it. ' +
          'Expected "paid" or "reminded" or "packed".',
      ),
    );
    // The machine has these events, but no state from here on.
    for (const event of ['checked', 'appealed']) await expect(send(world, event)).rejects.toThrow(InvalidRequestError);
    expect(await world.describe('x')).toMatchObject({ waiting: [] });
  });

  test('is refused while the execution runs', async () => {
    const errors: unknown[] = [];
    const world = new World([order], {
      ...actions,
      check: async (_context, _run, of) => {
        await send(of, 'payd').catch((error: unknown) => errors.push(error));
        await expect(send(of, 'paid', { id: 'a' })).resolves.toBe('waiting');
        return 'checked';
      },
    });
    await world.start('order', 'x');
    await world.bench.advance(1_000);
    expect(errors).toEqual([expect.any(InvalidRequestError)]);
    expect(await world.describe('x')).toMatchObject({ state: 'packing' });
  });

  test('is refused in a state that no event leaves any more', async () => {
    const world = await parked();
    await send(world, 'paid');
    await world.bench.advance(1_000);
    await expect(send(world, 'reminded')).rejects.toThrow('Expected "packed".');
  });
});

describe('an early event', () => {
  test('waits for the execution, whatever its name', async () => {
    const world = new World([order], actions);
    await expect(send(world, 'paid', { id: 'a', data: 1 })).resolves.toBe('early');
    await expect(send(world, 'paid', { id: 'a', data: 1 })).resolves.toBe('duplicate');
    await expect(send(world, 'anything')).resolves.toBe('early');
    expect(await world.client((executions) => executions.listEvents('x'))).toMatchObject({
      events: [{ id: 'a', event: 'paid' }, { event: 'anything' }],
    });
    await world.start('order', 'x');
    await world.bench.advance(1_000);
    expect(await noted(world)).toEqual(['paid 1']);
    await expect(send(world, 'paid', { id: 'a', data: 1 })).rejects.toThrow(InvalidRequestError);
  });

  test('can be dropped', async () => {
    const world = new World([order], actions);
    await send(world, 'paid', { id: 'a' });
    await expect(world.client((executions) => executions.dropEvent('x', 'a'))).resolves.toBe('dropped');
    await world.start('order', 'x');
    await world.bench.advance(1_000);
    expect(await world.describe('x')).toMatchObject({ state: 'paying' });
  });
});

describe('an event id', () => {
  test('counts once with the same event and data', async () => {
    const world = await parked();
    await expect(send(world, 'reminded', { id: 'a', data: { x: 1, y: 2 } })).resolves.toBe('woken');
    await expect(send(world, 'reminded', { id: 'a', data: { y: 2, x: 1 } })).resolves.toBe('duplicate');
    await world.bench.advance(1_000);
    await expect(send(world, 'reminded', { id: 'a', data: { x: 1, y: 2 } })).resolves.toBe('duplicate');
    await world.bench.advance(1_000);
    expect(await noted(world)).toEqual(['reminded {"x":1,"y":2}']);
  });

  test.each<[string, string, object]>([
    ['another event', 'paid', { data: 1 }],
    ['other data', 'reminded', { data: 2 }],
    ['no data', 'reminded', {}],
    ['null', 'reminded', { data: null }],
    ['a text', 'reminded', { data: '1' }],
  ])('is refused with %s', async (_, event, content) => {
    const world = await parked();
    await send(world, 'reminded', { id: 'a', data: 1 });
    await expect(send(world, event, { id: 'a', ...content })).rejects.toThrow(
      new EventConflictError('x', { id: 'a', event }),
    );
    await world.bench.advance(1_000);
    expect(await noted(world)).toEqual(['reminded 1']);
  });
});

describe('a waiting event', () => {
  const drop = (world: World, id: string) => world.client((executions) => executions.dropEvent('x', id));

  test('is dropped, and never taken', async () => {
    const world = await parked();
    await send(world, 'packed', { id: 'a', data: 1 });
    await send(world, 'packed', { id: 'b', data: 2 });
    await expect(drop(world, 'a')).resolves.toBe('dropped');
    await expect(drop(world, 'a')).resolves.toBe('unknown');
    await expect(drop(world, 'nothing')).resolves.toBe('unknown');
    expect(await world.describe('x')).toMatchObject({ waiting: [{ id: 'b' }] });
    // Its id stays known.
    await expect(send(world, 'packed', { id: 'a', data: 1 })).resolves.toBe('duplicate');
    await send(world, 'paid');
    await world.bench.advance(5_000);
    expect(await noted(world)).toEqual(['paid null', 'packed 2']);
  });

  test('is not dropped if the present state takes it', async () => {
    const world = await parked();
    await send(world, 'paid', { id: 'a' });
    await expect(drop(world, 'a')).resolves.toBe('taken');
    await world.bench.advance(1_000);
    expect(await noted(world)).toEqual(['paid null']);
    await expect(drop(world, 'a')).resolves.toBe('unknown');
  });

  test('is listed in pages', async () => {
    const world = await parked();
    for (let index = 0; index < 230; index += 1) await send(world, 'packed', { id: `id-${index}` });
    const seen: string[] = [];
    let nextToken: string | undefined;
    do {
      const page = await world.client((executions) => executions.listEvents('x', { nextToken }));
      expect(page.events.length).toBeLessThanOrEqual(100);
      seen.push(...page.events.map(({ id }) => id));
      ({ nextToken } = page);
    } while (nextToken !== undefined);
    expect(seen).toEqual(Array.from({ length: 230 }, (_, index) => `id-${index}`));
    expect((await world.describe('x'))?.waiting).toHaveLength(100);
    await expect(world.client((executions) => executions.listEvents('x', { nextToken: '' }))).rejects.toThrow(
      InvalidRequestError,
    );
  });

  test('leaves the mailbox when the execution ends', async () => {
    const world = await parked();
    await send(world, 'packed', { id: 'a' });
    await world.client((executions) => executions.cancel('x'));
    expect(await world.client((executions) => executions.listEvents('x'))).toEqual({ events: [] });
  });
});
