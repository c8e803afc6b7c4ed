import { World, type ActionBody } from './world';
import { defineMachine } from '../../lambda/machine';
import { InMemoryRunningExecutions, type BenchOptions } from '../../lambda/testing';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

const job = defineMachine({
  name: 'job',
  initial: 'a',
  maxRetries: 1,
  states: { a: { do: 'work', on: { go: 'b' } }, b: { do: 'work', on: { go: 'c' } }, c: { final: true, entry: 'work' } },
});

/** Waits for a person, and fails if that says so. */
const task = defineMachine({
  name: 'task',
  initial: 'waiting',
  maxRetries: 0,
  states: { waiting: { on: { finish: 'done', spoil: 'spoilt' } }, spoilt: { do: 'spoil', on: { go: 'done' } }, done: { final: true, entry: 'note' } },
});

const work: ActionBody = async (_, __, world) => {
  await world.bench.activity.sleep(() => world.clock.sleep(2 * SECOND));
  return 'go';
};

/** Sees how many executions are under way, by the locks alone. */
class Watched {
  public most = 0;
  public spoils = true;
  private readonly under = new Set<string>();

  constructor(public readonly world: World) {
    const { locks } = world.services;
    const { acquire, commit, cancel, reopen } = locks;
    locks.acquire = async (request) => {
      const answer = await acquire.call(locks, request);
      if (answer.acquired) this.begin(request.executionId);
      return answer;
    };
    locks.commit = async (lease, status, now) => {
      const done = await commit.call(locks, lease, status, now);
      if (done && status !== 'parked' && status !== 'running') this.under.delete(lease.executionId);
      return done;
    };
    locks.cancel = async (executionId, now) => {
      this.under.delete(executionId);
      return cancel.call(locks, executionId, now);
    };
    locks.reopen = (...parameters) => reopen.apply(locks, parameters);
  }

  public get running(): readonly string[] {
    return [...this.under].sort();
  }

  public async startMany(machine: string, ids: readonly string[]): Promise<void> {
    await this.world.client((client) => client.startMany(ids.map((executionId) => ({ machine, executionId }))));
  }

  public statuses(ids: readonly string[]) {
    return ids.map((id) => this.world.lock(id)?.status);
  }

  private begin(executionId: string): void {
    this.under.add(executionId);
    this.most = Math.max(this.most, this.under.size);
  }
}

function watched(limits: Readonly<Record<string, number>>, options: BenchOptions = {}): Watched {
  const spoil: ActionBody = () => {
    if (seen.spoils) throw new Error('spoilt');
    return 'go';
  };
  const world = new World([job, task], { work, spoil, note: () => undefined }, options, { maxRunningExecutions: limits });
  const seen: Watched = new Watched(world);
  return seen;
}

const names = (count: number, prefix = 'x') => Array.from({ length: count }, (_, n) => `${prefix}${n}`);
const all = (status: string, count: number) => Array(count).fill(status);
const send = ({ world }: Watched, id: string, event: string) => world.client((client) => client.send(id, event));

test('who waits does so in the queue that can hold him back, be it the second one', async () => {
  const seen = watched({ task: 1 }, { eventSources: ['sqs'], retryQueues: ['kinesis', 'sqs'] });
  await seen.startMany('task', names(2));
  await seen.world.bench.advance(60 * MINUTE);
  // Once in half a minute on average, not once in a second or two.
  expect(seen.world.count('Delayed')).toBeGreaterThan(60);
  expect(seen.world.count('Delayed')).toBeLessThan(250);
});

/** Of the executions that are under way, none is more than its machine may have. */
describe.each([
  { eventSources: ['sqs'], retryQueues: ['dynamodb'] },
  { eventSources: ['kinesis'], retryQueues: ['sqs'] },
  { eventSources: ['dynamodb'], retryQueues: ['dynamodb'] },
] as const)('on $eventSources with retries on $retryQueues', (services) => {
  test('executions beyond the limit wait, use up no attempt, and all end', async () => {
    const seen = watched({ job: 3 }, services);
    await seen.startMany('job', names(20));
    await seen.world.bench.run();
    expect(seen.statuses(names(20))).toEqual(all('completed', 20));
    expect(seen.most).toBe(3);
    expect(seen.world.effects.every(({ attempt }) => attempt === 0)).toBe(true);
    expect(seen.world.count('Delayed')).toBeGreaterThan(17);
    expect(seen.world.services.deadLetters.letters).toEqual([]);
  });

  test.each(names(6, 'seed '))('whatever crashes and fails, %s', async (seed) => {
    const seen = watched({ job: 3 }, {
      ...services,
      seed,
      disorder: true,
      faults: [{ fault: 'crash', share: 0.04, until: 5 * MINUTE }, { fault: 'fail', share: 0.04, until: 5 * MINUTE }],
    });
    await seen.startMany('job', names(12));
    await seen.world.bench.run();
    const ended = seen.statuses(names(12));
    // A lock that shows an end was the last to hear of it.
    expect(new Set(ended.filter((status) => status !== 'completed'))).toEqual(new Set(ended.includes('failed') ? ['failed'] : []));
    expect(seen.most).toBeLessThanOrEqual(3);

    // Nothing is counted for ever.
    await seen.startMany('job', names(6, 'later'));
    await seen.world.bench.run();
    expect(seen.statuses(names(6, 'later'))).toEqual(all('completed', 6));
  });
});

test('a machine without a limit needs nothing more', async () => {
  const seen = watched({ task: 1 });
  const { running } = seen.world.services;
  if (!running) throw new Error('expected a store');
  const enter = jest.spyOn(running, 'enter');
  const leave = jest.spyOn(running, 'leave');
  await seen.startMany('job', names(5));
  await seen.startMany('job', names(5));
  await seen.world.bench.run();
  expect(seen.statuses(names(5))).toEqual(all('completed', 5));
  expect([enter, leave].map(({ mock }) => mock.calls)).toEqual([[], []]);
});

test('limits of more than a hundred are those of groups together', async () => {
  const seen = watched({ task: 150 });
  await seen.startMany('task', names(300));
  await seen.world.bench.advance(MINUTE);
  expect(seen.running.length).toBeLessThanOrEqual(150);
  expect(seen.running.length).toBeGreaterThan(140);
}, 60_000);

test('an execution that is parked is under way; one that has ended makes room for another', async () => {
  const seen = watched({ task: 1 });
  await seen.startMany('task', ['first']);
  await seen.world.bench.run();
  await seen.startMany('task', ['second']);
  await seen.world.bench.advance(5 * MINUTE);
  expect(seen.running).toEqual(['first']);
  expect(await seen.world.describe('second')).toBeUndefined();
  await send(seen, 'first', 'finish');
  await seen.world.bench.run();
  expect(seen.running).toEqual(['second']);
});

test('one that has failed makes room, and waits for room when it is redriven', async () => {
  const seen = watched({ task: 1 });
  await seen.startMany('task', ['first']);
  await seen.world.bench.run();
  await send(seen, 'first', 'spoil');
  await seen.world.bench.run();
  expect(seen.statuses(['first'])).toEqual(['failed']);
  await seen.startMany('task', ['second']);
  await seen.world.bench.run();
  expect(seen.running).toEqual(['second']);

  seen.spoils = false;
  await seen.world.client((client) => client.redrive('first'));
  await seen.world.bench.advance(5 * MINUTE);
  expect(seen.world.effects.filter(({ action }) => action === 'spoil')).toHaveLength(1);
  await send(seen, 'second', 'finish');
  await seen.world.bench.run();
  expect(seen.statuses(['first', 'second'])).toEqual(all('completed', 2));
  expect(seen.most).toBe(1);
});

test('one that was cancelled makes room before long', async () => {
  const seen = watched({ task: 1 });
  await seen.startMany('task', ['first']);
  await seen.world.bench.run();
  await seen.world.client((client) => client.cancel('first'));
  await seen.startMany('task', ['second']);
  await seen.world.bench.advance(3 * MINUTE);
  expect(seen.running).toEqual(['second']);
});

test('who ended without being let go is found', async () => {
  const seen = watched({ job: 2 }, { faults: [{ on: 'running.leave', fault: 'fail', effect: 'before', until: 2 * MINUTE }] });
  await seen.startMany('job', names(8));
  await seen.world.bench.run();
  expect(seen.statuses(names(8))).toEqual(all('completed', 8));
  expect(seen.world.count('LockFailure')).toBeGreaterThan(0);
  expect(seen.most).toBe(2);
});

test('a start whose invocation dies before it begins keeps its place for as long as that may take, and no longer', async () => {
  const seen = watched({ job: 1 }, { faults: [{ on: 'locks.acquire', fault: 'crash', effect: 'before', call: 1 }] });
  await seen.startMany('job', ['first']);
  await seen.world.bench.run();
  await seen.startMany('job', ['second']);
  await seen.world.bench.run();
  expect(seen.statuses(['first', 'second'])).toEqual(all('completed', 2));
  const { running } = seen.world.services;
  expect(running instanceof InMemoryRunningExecutions && running.all).toEqual([]);
});

test('a start that comes again is known without room for it', async () => {
  const seen = watched({ task: 1 });
  await seen.startMany('task', ['first']);
  await seen.world.bench.run();
  await send(seen, 'first', 'finish');
  await seen.world.bench.run();
  await seen.startMany('task', ['second']);
  await seen.world.bench.run();
  await seen.startMany('task', ['first']);
  await seen.world.bench.run();
  expect(seen.world.count('Duplicate')).toBe(1);
  expect(seen.world.count('Delayed')).toBe(0);
});

test('while nobody can tell whether there is room, starts go back to their source', async () => {
  const seen = watched({ job: 1 }, { faults: [{ on: 'running.enter', fault: 'fail', effect: 'before', until: 10 * MINUTE }] });
  await seen.startMany('job', ['first']);
  await seen.world.bench.advance(9 * MINUTE);
  expect(seen.world.effects).toEqual([]);
  await seen.world.bench.run();
  expect(seen.statuses(['first'])).toEqual(['completed']);
});

test('whoever dies between the end of an execution and its leaving is found by his record', async () => {
  // The steps of an execution commit once, at its end.
  const seen = watched({ job: 1 }, { faults: [{ on: 'locks.commit', fault: 'crash', effect: 'after', call: 1 }] });
  await seen.startMany('job', ['first']);
  await seen.world.bench.run();
  const { running } = seen.world.services;
  expect(seen.world.bench.faults.hits).toHaveLength(1);
  expect(running instanceof InMemoryRunningExecutions && running.all).toEqual([]);
});

test('nobody takes the place of one that is about to begin', async () => {
  const seen = watched({ job: 1 }, { faults: [{ on: 'locks.acquire', fault: 'delay', milliseconds: 8 * SECOND, call: 1 }] });
  await seen.startMany('job', ['first']);
  await seen.world.bench.advance(SECOND);
  await seen.startMany('job', ['second']);
  await seen.world.bench.run();
  expect(seen.statuses(['first', 'second'])).toEqual(all('completed', 2));
  expect(seen.most).toBe(1);
});
