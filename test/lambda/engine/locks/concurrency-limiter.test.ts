import type { Envelope } from '../../../../lambda/engine';
import { ConcurrencyLimiter } from '../../../../lambda/engine/locks/concurrency-limiter';
import type { LockStore } from '../../../../lambda/engine/ports';
import { defineMachine } from '../../../../lambda/machine';
import type { SimulatedWorkflowOptions } from '../../../../lambda/testing';
import { VirtualClock } from '../../../../lambda/testing/determinism/virtual-clock';
import { InMemoryRunningExecutions } from '../../../../lambda/testing/services/in-memory-running-executions';
import { INCARNATION } from '../../../support/execution-key';
import { recordStartOf } from '../../../support/recorded-start';
import { World, type ActionBody } from '../../../support/world';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

const job = defineMachine({
  name: 'job',
  initial: 'a',
  maxRetries: 1,
  states: { a: { do: 'work', on: { go: 'b' } }, b: { do: 'work', on: { go: 'c' } }, c: { final: true, entry: 'work' } },
});

/** Waits for a decision, and fails if the decision is to fail. */
const task = defineMachine({
  name: 'task',
  initial: 'waiting',
  maxRetries: 0,
  states: {
    waiting: { on: { finish: 'done', spoil: 'spoilt' } },
    spoilt: { do: 'spoil', on: { go: 'done' } },
    done: { final: true, entry: 'note' },
  },
});

const work: ActionBody = async (_, __, world) => {
  await world.bench.activity.sleep(() => world.clock.sleep(2 * SECOND));
  return 'go';
};

/** Observes how many executions run concurrently, from the locks alone. */
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
    locks.commit = async (...parameters) => {
      const [lease, status] = parameters;
      const done = await commit.apply(locks, parameters);
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

function watched(limits: Readonly<Record<string, number>>, options: SimulatedWorkflowOptions = {}): Watched {
  const spoil: ActionBody = () => {
    if (seen.spoils) throw new Error('spoilt');
    return 'go';
  };
  const world = new World([job, task], { work, spoil, note: () => undefined }, options, {
    maxRunningExecutions: limits,
  });
  const seen: Watched = new Watched(world);
  return seen;
}

const names = (count: number, prefix = 'x') => Array.from({ length: count }, (_, n) => `${prefix}${n}`);
const all = (status: string, count: number) => Array(count).fill(status);
const send = ({ world }: Watched, id: string, event: string) => world.client((client) => client.send(id, event));

test('a waiting execution uses a retry queue that can delay it, even if it is the second one', async () => {
  const seen = watched({ task: 1 }, { eventSources: ['sqs'], retryQueues: ['kinesis', 'sqs'] });
  await seen.startMany('task', names(2));
  await seen.world.bench.advance(60 * MINUTE);
  // Once every 30 s on average, instead of every second or two.
  expect(seen.world.count('Delayed')).toBeGreaterThan(60);
  expect(seen.world.count('Delayed')).toBeLessThan(250);
});

/** The limit of concurrent executions is never exceeded. */
describe.each([
  { eventSources: ['sqs'], retryQueues: ['dynamodb'] },
  { eventSources: ['kinesis'], retryQueues: ['sqs'] },
  { eventSources: ['dynamodb'], retryQueues: ['dynamodb'] },
] as const)('on $eventSources with retries on $retryQueues', (services) => {
  test('executions beyond the limit wait without using up an attempt, and all of them end', async () => {
    const seen = watched({ job: 3 }, services);
    await seen.startMany('job', names(20));
    await seen.world.bench.run();
    expect(seen.statuses(names(20))).toEqual(all('completed', 20));
    expect(seen.most).toBe(3);
    expect(seen.world.effects.every(({ attempt }) => attempt === 0)).toBe(true);
    expect(seen.world.count('Delayed')).toBeGreaterThan(17);
    expect(seen.world.services.deadLetters.letters).toEqual([]);
  });

  test.each(names(6, 'seed '))('the limit holds under crashes and faults, %s', async (seed) => {
    const seen = watched(
      { job: 3 },
      {
        ...services,
        seed,
        disorder: true,
        faults: [
          { fault: 'crash', share: 0.04, until: 5 * MINUTE },
          { fault: 'fail', share: 0.04, until: 5 * MINUTE },
        ],
      },
    );
    await seen.startMany('job', names(12));
    await seen.world.bench.run();
    const ended = seen.statuses(names(12));
    // The lock is the last to show the end of an execution.
    expect(new Set(ended.filter((status) => status !== 'completed'))).toEqual(
      new Set(ended.includes('failed') ? ['failed'] : []),
    );
    expect(seen.most).toBeLessThanOrEqual(3);

    // No entry remains forever.
    await seen.world.bench.advance(5 * MINUTE);
    await seen.startMany('job', names(6, 'later'));
    await seen.world.bench.run();
    expect(seen.statuses(names(6, 'later'))).toEqual(all('completed', 6));
  });
});

test('a machine without a limit makes no additional requests', async () => {
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

test.each([7, 40, 100])(
  'all of the %d places are used, although ids are spread unevenly',
  async (limit) => {
    const seen = watched({ task: limit });
    await seen.startMany('task', names(limit + 10));
    await seen.world.bench.advance(MINUTE);
    expect(seen.running).toHaveLength(limit);
  },
  60_000,
);

test('a limit above a hundred is the sum of its groups', async () => {
  const seen = watched({ task: 150 });
  await seen.startMany('task', names(300));
  await seen.world.bench.advance(MINUTE);
  expect(seen.running.length).toBeLessThanOrEqual(150);
  expect(seen.running.length).toBeGreaterThan(145);
}, 60_000);

describe('the requests to the store', () => {
  const NOW = 1_800_000_000_000;
  const LIMIT = 1_000;

  /** Counts the changes of each group, and the reads. */
  class CountedStore extends InMemoryRunningExecutions {
    public readonly changes = new Map<string, number>();
    public reads = 0;

    public override read(groups: readonly string[]) {
      this.reads += groups.length;
      return super.read(groups);
    }

    public override enter(...parameters: Parameters<InMemoryRunningExecutions['enter']>) {
      this.count(parameters[0]);
      return super.enter(...parameters);
    }

    public override leave(...parameters: Parameters<InMemoryRunningExecutions['leave']>) {
      this.count(parameters[0]);
      return super.leave(...parameters);
    }

    private count(group: string): void {
      this.changes.set(group, (this.changes.get(group) ?? 0) + 1);
    }
  }

  function open(limit: number) {
    const store = new CountedStore();
    const clock = new VirtualClock(NOW);
    const locks = { read: async () => undefined } as unknown as LockStore;
    const limiter = new ConcurrencyLimiter({ clock, locks, running: store }, { job: limit }, 10);
    const start = (executionId: string, sentAt = clock.now()): Envelope =>
      ({ executionId, machine: 'job', step: 0, sentAt }) as Envelope;
    const admits = (executionId: string, sentAt?: number) =>
      limiter.admits(start(executionId, sentAt), clock.now() + MINUTE);
    return { store, clock, limiter, start, admits };
  }

  test('10,000 executions in a second change no item more often than a partition allows', async () => {
    const { store, limiter, start, admits } = open(LIMIT);
    const running: string[] = [];
    for (let index = 0; index < 10_000; index += 1) {
      const id = `order-${index}`;
      expect(await admits(id)).toBe(true);
      running.push(id);
      // 800 executions run at a time.
      if (running.length > 800) await limiter.leave(start(running.shift()!), 1);
    }
    for (const id of running) await limiter.leave(start(id), 1);
    expect(store.all).toEqual([]);
    const changes = [...store.changes.values()];
    expect(changes).toHaveLength(LIMIT / 10);
    // A partition accepts 1,000 write units a second, and a change of an item with ten ids takes one.
    expect(Math.max(...changes)).toBeLessThan(400);
    expect(changes.reduce((sum, each) => sum + each)).toBeLessThan(10_000 * 2.3);
    expect(store.reads).toBeLessThan(10_000 * 5);
  });

  test('executions that wait only read', async () => {
    const { store, admits } = open(LIMIT);
    for (let index = 0; store.all.length < LIMIT; index += 1) await admits(`running-${index}`);
    store.changes.clear();
    store.reads = 0;
    for (let index = 0; index < 1_000; index += 1) expect(await admits(`waiting-${index}`)).toBe(false);
    expect(store.changes.size).toBe(0);
    expect(store.reads).toBe(1_000 * 10);
  });

  test('an execution that is delivered again enters the group that counts it', async () => {
    const { store, admits } = open(20);
    const ids = Array.from({ length: 20 }, (_, index) => `order-${index}`);
    for (const id of ids) expect(await admits(id)).toBe(true);
    for (const id of ids) expect(await admits(id)).toBe(true);
    expect([...store.all].sort()).toEqual([...ids].sort());
  });

  test.each([1, 5])('an execution that has waited for long takes precedence over new ones, limit %d', async (limit) => {
    const { clock, limiter, start, admits } = open(limit);
    for (let index = 0; index < limit; index += 1) expect(await admits(`running-${index}`)).toBe(true);
    const since = clock.now() - 2 * MINUTE;
    expect(await admits('patient', since)).toBe(false);
    await limiter.leave(start('running-0'), 1);
    expect(await admits('new')).toBe(false);
    expect(await admits('patient', since)).toBe(true);
    await limiter.leave(start('patient'), 1);
    expect(await admits('new')).toBe(false);
    // An execution that waits is delivered once a minute.
    clock.jump(clock.now() + 2 * MINUTE);
    expect(await admits('newer')).toBe(true);
  });
});

test('a parked execution counts, and an ended one makes room for another', async () => {
  const seen = watched({ task: 1 });
  await seen.startMany('task', ['first']);
  await seen.world.bench.run();
  await seen.startMany('task', ['second']);
  await seen.world.bench.advance(5 * MINUTE);
  expect(seen.running).toEqual(['first']);
  expect(await seen.world.describe('second')).toMatchObject({ status: 'pending' });
  await send(seen, 'first', 'finish');
  await seen.world.bench.run();
  expect(seen.running).toEqual(['second']);
});

test('a failed execution makes room, and waits for room when it is redriven', async () => {
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

test('a canceled execution makes room after the next sweep', async () => {
  const seen = watched({ task: 1 });
  await seen.startMany('task', ['first']);
  await seen.world.bench.run();
  await seen.world.client((client) => client.cancel('first'));
  await seen.startMany('task', ['second']);
  await seen.world.bench.advance(3 * MINUTE);
  expect(seen.running).toEqual(['second']);
});

test('a sweep finds an ended execution that still counts', async () => {
  const seen = watched(
    { job: 2 },
    { faults: [{ on: 'running.leave', fault: 'fail', effect: 'before', until: 2 * MINUTE }] },
  );
  await seen.startMany('job', names(8));
  await seen.world.bench.run();
  expect(seen.statuses(names(8))).toEqual(all('completed', 8));
  expect(seen.world.count('LockFailure')).toBeGreaterThan(0);
  expect(seen.most).toBe(2);
});

test('a start whose invocation dies before it begins counts until that invocation must have ended', async () => {
  const seen = watched({ job: 1 }, { faults: [{ on: 'locks.acquire', fault: 'crash', effect: 'before', call: 1 }] });
  await seen.startMany('job', ['first']);
  await seen.world.bench.run();
  await seen.startMany('job', ['second']);
  await seen.world.bench.run();
  expect(seen.statuses(['first', 'second'])).toEqual(all('completed', 2));
  const { running } = seen.world.services;
  expect(running instanceof InMemoryRunningExecutions && running.all).toEqual([]);
});

test('a start whose message is lost before its first step keeps no place', async () => {
  const seen = watched({ job: 1 });
  const { locks, running } = seen.world.services;
  const now = seen.world.clock.now();
  await recordStartOf(locks, { executionId: 'lost', incarnation: INCARNATION, machine: 'job', now });
  await running?.enter('running job 0', 1, { executionId: 'lost', fence: 0, expires: now - 1 });
  await seen.startMany('job', ['second']);
  await seen.world.bench.run();
  expect(seen.statuses(['second'])).toEqual(all('completed', 1));
});

test('a duplicate start is recognized without room for it', async () => {
  const seen = watched({ task: 1 });
  const [source] = seen.world.services.eventSources;
  const bodies: string[] = [];
  const accept = source!.send.bind(source);
  source!.send = (dispatches) => {
    bodies.push(...dispatches.map(({ body }) => body));
    return accept(dispatches);
  };
  await seen.startMany('task', ['first']);
  await seen.world.bench.run();
  await send(seen, 'first', 'finish');
  await seen.world.bench.run();
  await seen.startMany('task', ['second']);
  await seen.world.bench.run();
  source!.put(bodies[0]!);
  await seen.world.bench.run();
  expect(seen.world.count('Duplicate')).toBe(1);
  expect(seen.world.count('Delayed')).toBe(0);
});

test('starts return to their source while the count is unavailable', async () => {
  const seen = watched(
    { job: 1 },
    { faults: [{ on: 'running.enter', fault: 'fail', effect: 'before', until: 10 * MINUTE }] },
  );
  await seen.startMany('job', ['first']);
  await seen.world.bench.advance(9 * MINUTE);
  expect(seen.world.effects).toEqual([]);
  await seen.world.bench.run();
  expect(seen.statuses(['first'])).toEqual(['completed']);
});

test('a redelivered record lets an execution leave whose invocation died after the end and before the leave', async () => {
  // An execution commits explicitly once, at its end.
  const seen = watched({ job: 1 }, { faults: [{ on: 'locks.commit', fault: 'crash', effect: 'after', call: 1 }] });
  await seen.startMany('job', ['first']);
  await seen.world.bench.run();
  const { running } = seen.world.services;
  expect(seen.world.bench.faults.hits).toHaveLength(1);
  expect(running instanceof InMemoryRunningExecutions && running.all).toEqual([]);
});

test('an execution that is about to begin keeps its place', async () => {
  const seen = watched(
    { job: 1 },
    { faults: [{ on: 'locks.acquire', fault: 'delay', milliseconds: 8 * SECOND, call: 1 }] },
  );
  await seen.startMany('job', ['first']);
  await seen.world.bench.advance(SECOND);
  await seen.startMany('job', ['second']);
  await seen.world.bench.run();
  expect(seen.statuses(['first', 'second'])).toEqual(all('completed', 2));
  expect(seen.most).toBe(1);
});
