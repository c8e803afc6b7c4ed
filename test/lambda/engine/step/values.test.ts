import { runInNewContext } from 'node:vm';
import { defineMachine, type MachineInput, type Run } from '../../../../lambda/machine';
import { World, type ActionBody } from '../../../support/world';

const MIB = 1_048_576;

const fragile = defineMachine({
  name: 'fragile',
  initial: 'working',
  maxRetries: 0,
  states: {
    working: { do: 'work', on: { worked: 'done' }, catch: { target: 'mended', action: 'mend' } },
    mended: { final: true },
    done: { final: true },
  },
});

const strict = defineMachine({
  name: 'strict',
  initial: 'working',
  maxRetries: 0,
  states: { working: { do: 'work', on: { worked: 'done', wake: 'done' } }, done: { final: true } },
});

/** An error with other properties than an error has. */
function odd(properties: PropertyDescriptorMap): Error {
  return Object.defineProperties(new Error('odd'), properties);
}

const throwing = {
  get: () => {
    throw new Error('no access');
  },
};

const THROWN: readonly (readonly [string, () => unknown, string, RegExp])[] = [
  ['an error', () => new RangeError('too far'), 'RangeError', /^too far$/],
  ['an error whose message is null', () => odd({ message: { value: null } }), 'Error', /^$/],
  ['an error whose message is a number', () => odd({ message: { value: 42 } }), 'Error', /^42$/],
  ['an error whose message is an object', () => odd({ message: { value: { code: 7 } } }), 'Error', /^{"code":7}$/],
  ['an error whose message throws', () => odd({ message: throwing }), 'Error', /^$/],
  ['an error whose name is null', () => odd({ name: { value: null } }), 'Error', /^odd$/],
  ['an error whose name is a number', () => odd({ name: { value: 404 } }), '404', /^odd$/],
  ['an error whose name is a symbol', () => odd({ name: { value: Symbol('n') } }), 'Symbol(n)', /^odd$/],
  ['an error whose name is empty', () => odd({ name: { value: '' } }), 'Error', /^odd$/],
  ['an error whose name throws', () => odd({ name: throwing }), 'Error', /^odd$/],
  ['an error whose stack is null', () => odd({ stack: { value: null } }), 'Error', /^odd$/],
  ['an error whose stack throws', () => odd({ stack: throwing }), 'Error', /^odd$/],
  ['an error whose cause throws', () => odd({ cause: throwing }), 'Error', /^odd$/],
  [
    'an error that causes itself',
    () => {
      const error = new Error('odd');
      error.cause = error;
      return error;
    },
    'Error',
    /^odd$/,
  ],
  ['an error with a name of a megabyte', () => odd({ name: { value: 'N'.repeat(MIB) } }), 'N'.repeat(256), /^odd$/],
  ['an error with a message of a megabyte', () => new Error('\u0001'.repeat(MIB)), 'Error', /^\u0001{100,1000}$/],
  ['an error with a stack of a megabyte', () => odd({ stack: { value: 'at x\n'.repeat(MIB / 4) } }), 'Error', /^odd$/],
  [
    'an error with unpaired surrogates',
    () => odd({ name: { value: 'a\ud800' }, message: { value: '\udc00b' } }),
    'a\ufffd',
    /^\ufffdb$/,
  ],
  ['an error of another realm', () => runInNewContext('new TypeError("elsewhere")'), 'TypeError', /^elsewhere$/],
  ['an object with the shape of an error', () => ({ name: 'Denied', message: 'not yours' }), 'Denied', /^not yours$/],
  ['an error without a prototype', () => Object.setPrototypeOf(new Error('bare'), null), 'Error', /^bare$/],
  ['an object without a prototype', () => Object.create(null), 'Error', /: \{\}$/],
  [
    'an object whose toString throws',
    () => ({
      toString() {
        throw new Error('no text');
      },
      self: 1n,
    }),
    'Error',
    /: a value of type object$/,
  ],
  [
    'an object whose toJSON throws',
    () => ({
      toJSON() {
        throw new Error('no text');
      },
    }),
    'Error',
    /: a value of type object$/,
  ],
  [
    'a proxy that refuses everything',
    () =>
      new Proxy(
        {},
        {
          get() {
            throw new Error('no');
          },
          has() {
            throw new Error('no');
          },
        },
      ),
    'Error',
    /thrown: /,
  ],
  [
    'a revoked proxy',
    () => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    },
    'Error',
    /: a value of type object$/,
  ],
  ['a text', () => 'refused', 'Error', /: refused$/],
  ['nothing', () => undefined, 'Error', /: undefined$/],
  ['null', () => null, 'Error', /: null$/],
  ['a symbol', () => Symbol('s'), 'Error', /: Symbol\(s\)$/],
  ['a BigInt', () => 7n, 'Error', /: 7$/],
  ['a function', () => function refuse() {}, 'Error', /: function refuse/],
];

describe.each(THROWN)('%s, thrown by an action,', (_, thrown, name, message) => {
  test('reaches the catch transition', async () => {
    const seen: Run[] = [];
    const world = new World([fragile], {
      work: () => {
        throw thrown();
      },
      mend: (_context, run) => void seen.push(run),
    });
    await world.start('fragile', 'x');
    await world.bench.run();
    expect(world.lock('x')).toMatchObject({ status: 'completed', state: 'mended' });
    expect(seen[0]?.error).toMatchObject({
      name,
      message: expect.stringMatching(message),
      state: 'working',
      attempts: 1,
    });
    expect(world.services.deadLetters.letters).toEqual([]);
  });

  test('is the reason of the failure', async () => {
    const world = new World([strict], {
      work: async () => {
        throw thrown();
      },
    });
    await world.start('strict', 'x');
    await world.bench.run();
    expect(await world.describe('x')).toMatchObject({
      status: 'failed',
      error: { name, message: expect.stringMatching(message) },
    });
    expect(world.services.deadLetters.letters).toHaveLength(1);
  });
});

test('the causes of an error are kept', async () => {
  const world = new World([strict], {
    work: () => {
      const errors = Array.from({ length: 12 }, (_, index) => new RangeError(`part ${index}`));
      throw new Error('outer', { cause: new AggregateError(errors, 'all', { cause: 'a text' }) });
    },
  });
  await world.start('strict', 'x');
  await world.bench.run();
  const { error } = (await world.describe('x')) ?? {};
  expect(error).toMatchObject({
    message: 'outer',
    cause: { name: 'AggregateError', message: 'all', cause: { message: expect.stringContaining('a text') } },
  });
  expect(error?.cause?.errors).toHaveLength(10);
  expect(error?.cause?.errors?.[0]).toEqual({ name: 'RangeError', message: 'part 0' });
});

/** Runs one execution whose action leaves a context. */
async function leave(machine: MachineInput, work: ActionBody, options = {}) {
  const world = new World([machine], { work }, options);
  await world.start(machine.name, 'x');
  await world.bench.run();
  return { world, description: await world.describe('x') };
}

describe('a context behind a proxy', () => {
  const proxied = (value: object): object => new Proxy(value, {});

  test.each([
    ['parks', undefined, 'parked'],
    ['completes', 'worked', 'completed'],
  ])('%s', async (_, event, status) => {
    const { world, description } = await leave(strict, (context) => {
      context.cart = proxied({ items: proxied([proxied({ sku: 1 })]) }) as never;
      return event;
    });
    expect(description).toMatchObject({ status, context: { cart: { items: [{ sku: 1 }] } } });
    expect(world.services.deadLetters.letters).toEqual([]);
  });

  test('fails its step with the reason if it cannot be read', async () => {
    const { description } = await leave(strict, (context) => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      context.draft = proxy;
      revoke();
    });
    expect(description).toMatchObject({
      status: 'failed',
      error: { name: 'TypeError', message: expect.stringMatching(/revoked/) },
    });
  });
});

test.each([
  ['-0', -0, 'context.value is -0'],
  ['a symbol key', { [Symbol('s')]: 1 }, 'context.value is an object with the key Symbol(s)'],
  ['an object without a prototype', Object.create(null), 'context.value is an object without a prototype'],
  ['an array with a property', Object.assign([1], { total: 1 }), 'context.value is an array with the property "total"'],
])('%s in the context fails the step with its location', async (_, value, message) => {
  const { description } = await leave(strict, (context) => {
    context.value = value as never;
    return 'worked';
  });
  expect(description).toMatchObject({
    status: 'failed',
    error: { name: 'NotJsonError', message: expect.stringContaining(message) },
  });
});

describe('a promise that an action left behind', () => {
  const SOURCES = ['sqs', 'sqs-fifo', 'kinesis', 'dynamodb', 'sns'] as const;

  test.each(SOURCES)('changes nothing of its own execution, and nothing of others (%s)', async (source) => {
    const world = new World(
      [strict],
      {
        work: (context, run, { clock }) => {
          context.done = run.executionId;
          if (run.executionId === 'leaver') {
            void Promise.resolve().then(() => {
              context.late = 1n as never;
            });
            for (const wait of [1, 20, 49, 51, 200]) {
              void clock.sleep(wait).then(() => {
                context.late = 1n as never;
              });
            }
            queueMicrotask(() => {
              context.later = Symbol('late') as never;
            });
          }
          return 'worked';
        },
      },
      { eventSources: [source], faults: [{ on: 'journal.write', fault: 'delay', milliseconds: 100 }] },
    );
    for (let index = 0; index < 9; index += 1) await world.start('strict', `healthy-${index}`);
    await world.start('strict', 'leaver');
    await world.bench.run();
    for (const { executionId, status } of world.services.locks.all) {
      expect([executionId, status]).toEqual([
        executionId,
        executionId === 'leaver' ? expect.stringMatching(/completed|failed/) : 'completed',
      ]);
    }
    expect(world.effects.filter(({ executionId }) => executionId !== 'leaver')).toHaveLength(9);
    expect(world.count('Redelivery')).toBe(0);
  });
});

describe('the signal of an action aborts when its attempt ends:', () => {
  const machine = defineMachine({
    name: 'short',
    initial: 'working',
    maxRetries: 0,
    states: {
      working: { entry: 'begin', do: 'work', on: { worked: 'done' }, timeLimit: { seconds: 5 } },
      done: { final: true },
    },
  });

  test.each<readonly [string, ActionBody, string]>([
    ['it returned an event', () => 'worked', 'AbortError'],
    ['it parked', () => undefined, 'AbortError'],
    [
      'it threw',
      () => {
        throw new RangeError('no');
      },
      'RangeError',
    ],
    ['it returned an unknown event', () => 'unknown', 'UnknownEventError'],
    [
      'it left no JSON',
      (context) => {
        context.n = 1n as never;
      },
      'NotJsonError',
    ],
    ['it reached its time limit', () => new Promise(() => undefined), 'TimeLimitError'],
  ])('%s', async (_, work, reason) => {
    const signals: AbortSignal[] = [];
    const aborted: boolean[] = [];
    const world = new World([machine], {
      begin: (_context, run) => void signals.push(run.signal),
      work: (context, run, inWorld) => {
        aborted.push(run.signal.aborted);
        return work(context, run, inWorld);
      },
    });
    await world.start('short', 'x');
    await world.bench.run();
    expect(aborted).toEqual([false]);
    expect(signals[0]).toMatchObject({ aborted: true, reason: { name: reason } });
  });
});
