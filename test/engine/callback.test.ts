import { World, type ActionBody } from './world';
import { InvalidTokenError, type Executions } from '../../lambda/engine';
import { defineMachine } from '../../lambda/machine';

/** Two pieces of work that are done elsewhere, one after the other, with the same events. */
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

const note: ActionBody = (context, run) => { context.noted = [run.event, run.data ?? null]; };

/** A world whose work hands out tokens, in the order in which they were made. */
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
  const complete = (...parameters: Parameters<Executions['complete']>) => world.client((executions) => executions.complete(...parameters));
  return { world, tokens, complete };
}

test('a token takes its execution on, with data', async () => {
  const { world, tokens, complete } = create();
  await world.start('work', 'x');
  await world.bench.run();
  expect(await world.describe('x')).toMatchObject({ status: 'parked', state: 'first' });
  await expect(complete(tokens[0]!, 'done')).resolves.toBe('accepted');
  await world.bench.run();
  expect(await world.describe('x')).toMatchObject({ status: 'parked', state: 'second' });
  await expect(complete(tokens[1]!, 'done', { data: { files: 3 } })).resolves.toBe('accepted');
  await world.bench.run();
  expect(await world.describe('x')).toMatchObject({ status: 'completed', context: { noted: ['done', { files: 3 }] }, waiting: [] });
});

test('a token fits into a URL, whatever the execution is called', async () => {
  const { world, tokens, complete } = create();
  const executionId = '~!"/?&%'.padEnd(128, '#');
  await world.start('work', executionId);
  await world.bench.run();
  expect(tokens[0]).toMatch(/^[A-Za-z0-9._-]{1,230}$/);
  await complete(tokens[0]!, 'done');
  await world.bench.run();
  expect(world.lock(executionId)?.step).toBe(1);
});

test('a token is spent when the execution has gone on, and works once however often it is used', async () => {
  const { world, tokens, complete } = create();
  await world.start('work', 'x');
  await world.bench.run();
  const [token] = tokens as [string];
  expect(await Promise.all([complete(token, 'done'), complete(token, 'done'), complete(token, 'broken')])).toEqual(['accepted', 'accepted', 'accepted']);
  await world.bench.run();
  // Neither the second use nor the other event has reached the second piece of work, which would take both.
  expect(await world.describe('x')).toMatchObject({ status: 'parked', state: 'second', step: 1, waiting: [] });
  await expect(complete(token, 'done')).resolves.toBe('spent');
  await expect(complete(token, 'broken')).resolves.toBe('spent');
  await world.bench.run();
  expect(await world.describe('x')).toMatchObject({ status: 'parked', state: 'second', step: 1 });
  await complete(tokens[1]!, 'done');
  await world.bench.run();
  await expect(complete(tokens[1]!, 'done')).rejects.toThrow(InvalidTokenError);
});

test('a token that is late for its own step is not taken for the next', async () => {
  // The first attempt dies after it has started the work; the second does without.
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

test('all attempts at a step hand out the same token, which serves also when it is used before the park', async () => {
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
  ['an execution that nobody knows', (token: string) => token.replace(/^[^.]+/, Buffer.from('z').toString('base64url'))],
  ['a guess', (token: string) => token.replace(/[^.]+$/, 'A'.repeat(43))],
  ['a token that was cut', (token: string) => token.slice(0, -1)],
  ['nothing', () => ''],
])('a token that was made up is refused: for %s', async (_, forge) => {
  const { world, tokens, complete } = create();
  await world.start('work', 'x');
  await world.start('work', 'y');
  await world.bench.run();
  await expect(complete(forge(tokens[0]!), 'done')).rejects.toThrow(InvalidTokenError);
  await world.bench.run();
  expect([world.lock('x')?.step, world.lock('y')?.step]).toEqual([0, 0]);
});

test('a wrong event is refused and leaves the token as it is', async () => {
  const { world, tokens, complete } = create();
  await world.start('work', 'x');
  await world.bench.run();
  await expect(complete(tokens[0]!, 'dne')).rejects.toThrow('Execution "x" does not wait for the event "dne", but for "done" or "broken" or "skip".');
  await complete(tokens[0]!, 'done');
  await world.bench.run();
  expect(world.lock('x')?.step).toBe(1);
});

test('a wrong event that comes before anybody can tell does not use the token up', async () => {
  const { world, tokens, complete } = create({}, (_, run) => {
    if (run.attempt === 0) throw new Error('died');
  });
  await world.start('work', 'x');
  await world.bench.run({ until: () => tokens.length === 1 });
  await expect(complete(tokens[0]!, 'dne')).resolves.toBe('accepted');
  await world.bench.run();
  expect(world.lock('x')).toMatchObject({ step: 0, status: 'parked' });
  await complete(tokens[0]!, 'done');
  await world.bench.run();
  expect(world.lock('x')?.step).toBe(1);
});

test('the ids of what tokens bring cannot be taken by others', async () => {
  const { world } = create();
  await world.start('work', 'x');
  await world.bench.run();
  await expect(world.client((executions) => executions.send('x', 'done', { id: '$callback/0/done' }))).rejects.toThrow('do not begin with "$"');
});

test('the secret is forgotten with the execution, also when its token was never used', async () => {
  const { world, complete, tokens } = create({}, (_, run) => run.state === 'first' ? 'skip' : 'done');
  await world.start('work', 'x');
  await world.bench.run();
  expect(world.lock('x')?.status).toBe('completed');
  await expect(world.services.mailbox.readSecret('x')).resolves.toBeUndefined();
  await expect(complete(tokens[0]!, 'done')).rejects.toThrow(InvalidTokenError);
});

test.each<[string, ActionBody]>([
  ['waits', () => undefined],
  ['goes on', () => 'skip'],
  ['fails, and is tried again', () => { throw new Error('died'); }],
])('the secret of a token that is made when the execution was cancelled is forgotten: the step %s', async (_, afterwards) => {
  const { world } = create({}, afterwards, (world_) => world_.clock.sleep(2_000));
  await world.start('work', 'x');
  await world.bench.advance(1_000);
  await world.client((executions) => executions.cancel('x'));
  await world.bench.run();
  expect(world.lock('x')).toMatchObject({ status: 'cancelled', step: 0 });
  await expect(world.services.mailbox.readSecret('x')).resolves.toBeUndefined();
});

test.each<[string, Parameters<typeof create>[0]]>([
  ['failed', {}],
  ['died', { faults: [{ on: 'mailbox.createSecret', fault: 'crash', effect: 'after', call: 1 }] }],
])('the secret of a token is forgotten with an execution whose later attempts needed none, after the first %s', async (_, options) => {
  const once = { ...work, maxRetries: 1, states: { ...work.states, first: { ...work.states.first, catch: 'failed' } } } as const;
  let calls = 0;
  const world = new World([once], {
    begin: async (_context, run) => {
      calls += 1;
      if (calls === 1) await run.callbackToken();
      throw new Error('no');
    },
    note,
  }, options);
  await world.start('work', 'x');
  await world.bench.run({ until: () => calls === 1 });
  await world.bench.run();
  expect(await world.describe('x')).toMatchObject({ status: 'completed', state: 'failed' });
  expect(calls).toBeGreaterThan(1);
  await expect(world.services.mailbox.readSecret('x')).resolves.toBeUndefined();
});

test('whatever fails, each token takes its execution on once', async () => {
  for (let seed = 0; seed < 40; seed++) {
    const { world, tokens, complete } = create({
      seed,
      retryQueues: ['sqs'],
      faults: [{ fault: 'fail', share: 0.05 }, { on: 'mailbox.createSecret', fault: 'crash', share: 0.2 }, { on: 'client', fault: 'fail', share: 0.1 }],
    });
    await persist(() => world.start('work', 'x'));
    for (const step of [0, 1]) {
      await world.bench.run();
      expect(world.lock('x')).toMatchObject({ step, status: 'parked' });
      const token = tokens.at(-1)!;
      await persist(() => complete(token, 'done'));
      await persist(() => complete(token, 'broken').catch((error: unknown) => {
        if (!(error instanceof InvalidTokenError)) throw error;
      }));
    }
    await world.bench.run();
    expect(world.lock('x')).toMatchObject({ step: 2, status: 'completed', state: 'end' });
  }
}, 30_000);

/** As a client does that is told to try again. */
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
