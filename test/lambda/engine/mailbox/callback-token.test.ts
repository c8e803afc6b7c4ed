import { InvalidTokenError, type Executions } from '../../../../lambda/engine';
import { defineMachine } from '../../../../lambda/machine';
import { World, type ActionBody } from '../../../support/world';

/** A machine that waits for two external jobs in sequence, which end with the same events. */
const work = defineMachine({
  name: 'work',
  initial: 'first',
  states: {
    first: { do: 'begin', on: { done: 'second', broken: 'failed', skip: 'second' } },
    second: { do: 'begin', on: { done: { target: 'end', action: 'note' }, broken: 'failed' } },
    end: { final: true },
    failed: { final: true, entry: 'note' },
  },
});

const note: ActionBody = (context, run) => {
  context.noted = [run.event, run.data ?? null];
};

/** A world whose actions collect their tokens, in order. */
function create(
  options: ConstructorParameters<typeof World>[2] = {},
  afterwards: ActionBody = () => undefined,
  before: (world: World) => Promise<void> = async () => undefined,
) {
  const tokens: string[] = [];
  const begin: ActionBody = async (context, run, world) => {
    await before(world);
    tokens.push(await run.callbackToken());
    return afterwards(context, run, world);
  };
  const world = new World([work], { begin, note }, options);
  const complete = (...parameters: Parameters<Executions['complete']>) =>
    world.client((executions) => executions.complete(...parameters));
  return { world, tokens, complete };
}

test('a token continues its execution, with data', async () => {
  const { world, tokens, complete } = create();
  await world.start('work', 'x');
  await world.bench.run();
  expect(await world.describe('x')).toMatchObject({ status: 'parked', state: 'first' });
  await expect(complete(tokens[0]!, 'done')).resolves.toBe('accepted');
  await world.bench.run();
  expect(await world.describe('x')).toMatchObject({ status: 'parked', state: 'second' });
  await expect(complete(tokens[1]!, 'done', { data: { files: 3 } })).resolves.toBe('accepted');
  await world.bench.run();
  expect(await world.describe('x')).toMatchObject({
    status: 'completed',
    context: { noted: ['done', { files: 3 }] },
    waiting: [],
  });
});

test('a token needs no escaping in a URL, for every executionId', async () => {
  const { world, tokens, complete } = create();
  const executionId = '~!"/?&%'.padEnd(128, '#');
  await world.start('work', executionId);
  await world.bench.run();
  expect(tokens[0]).toMatch(/^[A-Za-z0-9._-]{1,230}$/);
  await complete(tokens[0]!, 'done');
  await world.bench.run();
  expect(world.lock(executionId)?.step).toBe(1);
});

test('a token works once, and is spent when the execution has continued', async () => {
  const { world, tokens, complete } = create();
  await world.start('work', 'x');
  await world.bench.run();
  const [token] = tokens as [string];
  expect(await Promise.all([complete(token, 'done'), complete(token, 'done'), complete(token, 'broken')])).toEqual([
    'accepted',
    'accepted',
    'accepted',
  ]);
  await world.bench.run();
  // The second job handles both events, but neither the second use nor the other event has reached it.
  expect(await world.describe('x')).toMatchObject({ status: 'parked', state: 'second', step: 1, waiting: [] });
  await expect(complete(token, 'done')).resolves.toBe('spent');
  await expect(complete(token, 'broken')).resolves.toBe('spent');
  await world.bench.run();
  expect(await world.describe('x')).toMatchObject({ status: 'parked', state: 'second', step: 1 });
  await complete(tokens[1]!, 'done');
  await world.bench.run();
  await expect(complete(tokens[1]!, 'done')).resolves.toBe('spent');
});

test('a late token does not count for the next step', async () => {
  // The first attempt dies after it has started the job; the second does not start it.
  const { world, tokens, complete } = create({}, (_, run) => {
    if (run.state === 'second') return undefined;
    if (run.attempt === 0) throw new Error('died');
    return 'skip';
  });
  await world.start('work', 'x');
  await world.bench.run({ until: () => tokens.length === 1 });
  await expect(complete(tokens[0]!, 'done')).resolves.toBe('accepted');
  await world.bench.run();
  expect(await world.describe('x')).toMatchObject({ status: 'parked', state: 'second', waiting: [] });
});

test('all attempts at a step return the same token, which may be used before the execution parks', async () => {
  const { world, tokens, complete } = create({}, (_, run) => {
    if (run.attempt < 2) throw new Error('died');
  });
  await world.start('work', 'x');
  await world.bench.run({ until: () => tokens.length === 1 });
  await expect(complete(tokens[0]!, 'done')).resolves.toBe('accepted');
  await world.bench.run();
  expect(world.lock('x')?.step).toBe(1);
  expect(new Set(tokens.slice(0, 3)).size).toBe(1);
  expect(new Set(tokens).size).toBe(2);
});

test.each([
  ['another step', (token: string) => token.replace(/\.0\./, '.1.')],
  ['another execution', (token: string) => token.replace(/^[^.]+/, Buffer.from('y').toString('base64url'))],
  ['an unknown execution', (token: string) => token.replace(/^[^.]+/, Buffer.from('z').toString('base64url'))],
  ['a guess', (token: string) => token.replace(/[^.]+$/, 'A'.repeat(43))],
  ['a truncated token', (token: string) => token.slice(0, -1)],
  ['nothing', () => ''],
])('a forged token is rejected: for %s', async (_, forge) => {
  const { world, tokens, complete } = create();
  await world.start('work', 'x');
  await world.start('work', 'y');
  await world.bench.run();
  await expect(complete(forge(tokens[0]!), 'done')).rejects.toThrow(InvalidTokenError);
  await world.bench.run();
  expect([world.lock('x')?.step, world.lock('y')?.step]).toEqual([0, 0]);
});

test('a wrong event is rejected and does not spend the token', async () => {
  const { world, tokens, complete } = create();
  await world.start('work', 'x');
  await world.bench.run();
  await expect(complete(tokens[0]!, 'dne')).rejects.toThrow(
    'Execution "x" does not wait for the event "dne": expected "done" or "broken" or "skip".',
  );
  await complete(tokens[0]!, 'done');
  await world.bench.run();
  expect(world.lock('x')?.step).toBe(1);
});

test('an event that the step cannot wait for is refused before the park, and does not spend the token', async () => {
  const { world, tokens, complete } = create({}, (_, run) => {
    if (run.attempt === 0) throw new Error('died');
  });
  await world.start('work', 'x');
  await world.bench.run({ until: () => tokens.length === 1 });
  await expect(complete(tokens[0]!, 'dne')).rejects.toThrow(
    'Execution "x" does not wait for the event "dne": expected "done" or "broken" or "skip".',
  );
  await world.bench.run();
  expect(world.lock('x')).toMatchObject({ step: 0, status: 'parked' });
  await complete(tokens[0]!, 'done');
  await world.bench.run();
  expect(world.lock('x')?.step).toBe(1);
});

test('each event of a token counts once, and only with the same data', async () => {
  const { world, tokens, complete } = create({}, (_, run) => {
    if (run.attempt === 0) throw new Error('died');
  });
  await world.start('work', 'x');
  await world.bench.run({ until: () => tokens.length === 1 });
  await expect(complete(tokens[0]!, 'done', { data: { by: 'Ada', at: 1 } })).resolves.toBe('accepted');
  await expect(complete(tokens[0]!, 'done', { data: { at: 1, by: 'Ada' } })).resolves.toBe('accepted');
  await expect(complete(tokens[0]!, 'done', { data: { by: 'Bob' } })).rejects.toMatchObject({ code: 'EVENT_CONFLICT' });
  await expect(complete(tokens[0]!, 'broken')).resolves.toBe('accepted');
});

test('senders cannot use the ids of the mails of tokens', async () => {
  const { world } = create();
  await world.start('work', 'x');
  await world.bench.run();
  await expect(world.client((executions) => executions.send('x', 'done', { id: '$callback/0/done' }))).rejects.toThrow(
    'do not begin with "$"',
  );
});

test('a token of an ended execution is spent', async () => {
  const { world, complete, tokens } = create({}, (_, run) => (run.state === 'first' ? 'skip' : 'done'));
  await world.start('work', 'x');
  await world.bench.run();
  expect(world.lock('x')?.status).toBe('completed');
  await expect(complete(tokens[0]!, 'done')).resolves.toBe('spent');
});

test('each token continues its execution exactly once under faults', async () => {
  for (let seed = 0; seed < 40; seed++) {
    const { world, tokens, complete } = create({
      seed,
      retryQueues: ['sqs'],
      faults: [
        { fault: 'fail', share: 0.05 },
        { on: 'mailbox.createSecret', fault: 'crash', share: 0.2 },
        { on: 'client', fault: 'fail', share: 0.1 },
      ],
    });
    await persist(() => world.start('work', 'x'));
    for (const step of [0, 1]) {
      await world.bench.run();
      expect(world.lock('x')).toMatchObject({ step, status: 'parked' });
      const token = tokens.at(-1)!;
      await persist(() => complete(token, 'done'));
      await persist(() =>
        complete(token, 'broken').catch((error: unknown) => {
          if (!(error instanceof InvalidTokenError)) throw error;
        }),
      );
    }
    await world.bench.run();
    expect(world.lock('x')).toMatchObject({ step: 2, status: 'completed', state: 'end' });
  }
}, 30_000);

/** Repeats a call, as clients do after a retryable error. */
async function persist(call: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await call();
      return;
    } catch (thrown) {
      if (tries === 50) throw thrown;
    }
  }
}
