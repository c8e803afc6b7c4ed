import { World, type ActionBody, type Effect } from './world';
import { defineMachine } from '../../lambda/machine';
import { InMemoryQueue, type BenchOptions, type FaultRule } from '../../lambda/testing';

/*
 * The invariants of the protocol, judged from what actions did, what leases were granted and what the executions came to, under faults
 * that a
 * seed chooses. To replay a failure, run its configuration with its seed alone.
 */

const SECRET = 'planted-secret-7f3a';
const SEEDS = 6;
const EXECUTIONS = 6;
const POISON = ['no JSON at all', '{"version":1}', '[]'];

/** Loops, goes local, fails now and then, catches, parks: every path of the protocol. */
const machine = defineMachine({
  name: 'all',
  initial: 'a',
  maxRetries: 6,
  states: {
    a: { entry: 'mark', do: 'work', exit: 'mark', on: { go: 'b' } },
    b: { do: 'work', on: { go: { target: 'c', local: true } } },
    c: { entry: 'mark', do: 'work', on: { go: 'waiting', again: 'a' } },
    waiting: { entry: 'mark', on: { wake: { target: 'risky', action: 'mark' } } },
    risky: { do: 'fail', on: { go: 'done' }, maxRetries: 1, catch: 'mended' },
    mended: { do: 'work', on: { go: 'done' } },
    done: { final: true, entry: 'mark' },
  },
});

/** Appends the step to the context: in a completed execution, each step must have left its mark once, in order. */
const mark: ActionBody = async (context, run, world) => {
  context.marks = [...context.marks as string[], `${run.step} ${run.state}`];
  context.secret = SECRET;
  await world.bench.activity.sleep(() => world.clock.sleep(10 * (run.step % 3)));
};

const actions: Record<string, ActionBody> = {
  mark,
  work: async (context, run, world) => {
    await mark(context, run, world);
    return 'go';
  },
  fail: async (context, run, world) => {
    await mark(context, run, world);
    throw new Error(`refused with ${SECRET}`);
  },
};

const MARKS = [
  '0 a', '0 a', '1 a', '1 b', '1 c', '1 c', '2 waiting', '4 mended', '5 done',
];

const FAULTS: readonly FaultRule[] = [
  { fault: 'fail', share: 0.04 },
  { fault: 'crash', share: 0.01 },
  { fault: 'pause', share: 0.004, milliseconds: 70_000 },
  { fault: 'delay', share: 0.1, milliseconds: [1, 2_000] },
  { fault: 'repeat', share: 0.02, milliseconds: 5_000 },
  { on: 'eventSources', fault: 'fail', share: 0.1, entries: 0.5 },
  { on: 'journal.write', fault: 'fail', share: 0.1, entries: 0.5 },
  { on: 'eventSources[0]', fault: 'fail', effect: 'before', from: 20_000, until: 200_000 },
];

const CONFIGURATIONS: readonly (readonly [string, BenchOptions])[] = [
  ['SQS, retries in DynamoDB', { eventSources: ['sqs'], retryQueues: ['dynamodb'], disorder: true }],
  ['SQS with DynamoDB as failover, retries in SQS', { eventSources: ['sqs', 'dynamodb'], retryQueues: ['sqs', 'dynamodb'], disorder: true }],
  ['DynamoDB alone', { eventSources: ['dynamodb'], retryQueues: ['dynamodb'] }],
  ['a FIFO queue', { eventSources: ['sqs-fifo'], retryQueues: ['sqs'] }],
  ['clocks that differ by up to two seconds', { eventSources: ['sqs'], retryQueues: ['sqs'], clockSkew: 2_000 }],
];

/** Starts, sends early, late and twice, and goes on until nothing is left to do. */
async function runAll(options: BenchOptions, seed: number): Promise<World> {
  const world = new World([machine], actions, { ...options, seed, faults: FAULTS });
  const ids = Array.from({ length: EXECUTIONS }, (_, n) => `x${n}`);
  for (const [n, executionId] of ids.entries()) {
    await world.start('all', executionId, { marks: [], secret: SECRET });
    if (n % 2 === 0) await world.start('all', executionId, { marks: [], secret: SECRET });
    if (n % 3 === 0) await world.client((executions) => executions.send(executionId, 'wake', { id: 'w', data: SECRET }));
  }
  const [source] = world.services.eventSources;
  if (source instanceof InMemoryQueue) POISON.forEach((body) => source.put(body));
  await world.bench.run();
  for (const executionId of ids) {
    const { status } = world.lock(executionId) ?? {};
    if (status === 'completed' || status === 'cancelled') continue;
    await world.client((executions) => executions.send(executionId, 'wake', { id: 'w', data: SECRET }));
    await world.client((executions) => executions.send(executionId, 'wake', { id: 'w', data: SECRET }));
  }
  await world.bench.run();
  return world;
}

/** Everything that is wrong with a run. */
async function violations(world: World, hasPoison: boolean): Promise<string[]> {
  const wrong: string[] = [];
  for (let n = 0; n < EXECUTIONS; n++) {
    const executionId = `x${n}`;
    const description = await world.describe(executionId);
    const letters = world.services.deadLetters.letters.filter((letter) => letter.executionId === executionId);
    switch (description?.status) {
      case 'completed':
        if (JSON.stringify(description.context?.marks) !== JSON.stringify(MARKS)) {
          wrong.push(`I2 ${executionId}: the steps that count have left ${JSON.stringify(description.context?.marks)}`);
        }
        break;
      case 'failed':
        if (letters.length === 0) wrong.push(`I1 ${executionId}: failed without a dead letter`);
        break;
      default:
        wrong.push(`I1 ${executionId}: ${description?.status ?? 'lost'} in state ${description?.state}`);
    }
    wrong.push(...chainViolations(world, executionId), ...overlaps(world, executionId));
    const grants = world.grants.filter((grant) => grant.executionId === executionId && grant.step === 0);
    const starts = new Set(grants.map(({ parent }) => parent));
    if (starts.size !== 1) wrong.push(`I6 ${executionId}: started from ${starts.size} lineages`);
  }
  const letters = world.services.deadLetters.letters.filter(({ executionId }) => executionId === undefined);
  const foreign = new Set(letters.map(({ body }) => body));
  if (hasPoison && POISON.some((body) => !foreign.has(body))) wrong.push('I5: a poison record is neither in its source nor among the dead letters');
  const leaks = world.log.filter((line) => line.includes(SECRET));
  if (leaks.length > 0) wrong.push(`I7: ${leaks[0]}`);
  return wrong;
}

/** I2 and I4: fences grow, and each step continues one attempt of the step before, which nothing else continues. */
function chainViolations(world: World, executionId: string): string[] {
  const grants = world.grants.filter((grant) => grant.executionId === executionId);
  const wrong: string[] = [];
  const parents = new Map<number, number>();
  let last = { step: -1, fence: 0 };
  for (const { step, parent, fence } of grants) {
    if (fence !== last.fence + 1) wrong.push(`I4 ${executionId}: fence ${fence} after ${last.fence}`);
    if (step < last.step || step > last.step + 1) wrong.push(`I2 ${executionId}: step ${step} after ${last.step}`);
    if ((parents.get(step) ?? parent) !== parent) wrong.push(`I2 ${executionId}: step ${step} continues both ${parents.get(step)} and ${parent}`);
    parents.set(step, parent);
    last = { step, fence };
  }
  return wrong;
}

/** I3: while a lease is valid, nobody but its holder and the successor of a holder who has finished runs actions. */
function overlaps(world: World, executionId: string): string[] {
  const wrong: string[] = [];
  const effects = world.effects.filter((effect) => effect.executionId === executionId);
  const grants = world.grants.filter((grant) => grant.executionId === executionId);
  const expiryOf = (effect: Effect) => grants.find(({ fence }) => fence === effect.fence)?.expires ?? 0;
  for (const later of effects) {
    for (const earlier of effects) {
      if (earlier.fence >= later.fence || earlier.until <= later.at || later.at < earlier.at) continue;
      if (later.at <= expiryOf(earlier) && !diedBefore(world, earlier, later.at)) {
        wrong.push(`I3 ${executionId}: fence ${later.fence} ran ${later.action} at ${later.at}, while fence ${earlier.fence} was running until ${earlier.until}`);
      }
    }
  }
  return wrong;
}

/** An action whose invocation was killed never ends, but runs no more: nothing of that attempt is seen afterwards. */
function diedBefore(world: World, effect: Effect, at: number): boolean {
  const ofAttempt = world.effects.filter(({ executionId, fence }) => executionId === effect.executionId && fence === effect.fence);
  const goesOn = ofAttempt.some((other) => other.at > at);
  return effect.until === Infinity && !goesOn;
}

describe.each(CONFIGURATIONS)('%s', (_, options) => {
  test(`holds I1 to I7 under faults, over ${SEEDS} seeds`, async () => {
    const failures: Record<number, string[]> = {};
    let hits = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const world = await runAll(options, seed);
      hits += world.bench.faults.hits.length;
      const wrong = await violations(world, options.eventSources?.[0]?.startsWith('sqs') ?? false);
      if (wrong.length > 0) failures[seed] = wrong;
    }
    expect(failures).toEqual({});
    expect(hits).toBeGreaterThan(SEEDS * 10);
  }, 60_000);
});
