import { Engine, Executions, FailoverLockStore, type AcquireRequest, type Lock, type LockStore } from '../../lambda/engine';
import { normalize } from '../../lambda/machine';
import { InMemoryLockStore, SeededRandom, TestBench, type FaultRule } from '../../lambda/testing';
import { describeLockStoreContract } from '../contract/lock-store';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 1_440 * MINUTE;
const STRIDE = 2 ** 32;
const LEASE = 35 * SECOND;
const SYSTEM = { metrics: { count: () => undefined }, logger: { debug: ignore, info: ignore, warn: ignore, error: ignore } };

function ignore(): void {}

/** A store that can fail. */
class Outage implements LockStore {
  public down = false;

  constructor(public readonly inner: LockStore & Pick<InMemoryLockStore, 'all'>) {}

  public acquire: LockStore['acquire'] = (...given) => this.ask(() => this.inner.acquire(...given));
  public release: LockStore['release'] = (...given) => this.ask(() => this.inner.release(...given));
  public commit: LockStore['commit'] = (...given) => this.ask(() => this.inner.commit(...given));
  public read: LockStore['read'] = (...given) => this.ask(() => this.inner.read(...given));
  public reopen: LockStore['reopen'] = (...given) => this.ask(() => this.inner.reopen(...given));
  public cancel: LockStore['cancel'] = (...given) => this.ask(() => this.inner.cancel(...given));
  public install: LockStore['install'] = (...given) => this.ask(() => this.inner.install(...given));

  private async ask<T>(call: () => Promise<T>): Promise<T> {
    if (this.down) throw new Error('down');
    return call();
  }
}

/** Two stores, and the environments of invocations that use them, each with what it knows of them. */
class Stores {
  public now = 1_900_000_000_000;
  public readonly clock = { now: () => this.now, sleep: async () => undefined };
  public readonly first = new Outage(new InMemoryLockStore({ clock: this.clock, retention: 30 * DAY }));
  public readonly second = new Outage(new InMemoryLockStore({ clock: this.clock, retention: 30 * DAY }));
  private holders = 0;

  public environment(): FailoverLockStore {
    return new FailoverLockStore(this.first, this.second, LEASE, { clock: this.clock, ...SYSTEM });
  }

  public request(step: number, parent: number, executionId = 'x'): AcquireRequest {
    this.holders += 1;
    return {
      ...{ executionId, machine: 'order', step, parent, state: `state-${step}` },
      ...{ holder: `holder-${this.holders}`, now: this.now, expires: this.now + LEASE },
    };
  }

  public async acquire(locks: LockStore, step: number, parent: number, executionId?: string): Promise<Lock> {
    const answer = await locks.acquire(this.request(step, parent, executionId));
    if (!answer.acquired) throw new Error(`Step ${step} was refused: ${JSON.stringify(answer.lock)}`);
    return answer.lock;
  }

  /** Lets the first store fail until the second is in use. */
  public async fail(locks: LockStore): Promise<void> {
    this.first.down = true;
    for (let minutes = 0; minutes < 6; minutes += 0.5) {
      this.now += MINUTE / 2;
      await locks.acquire(this.request(0, 0, 'probe')).catch(() => undefined);
    }
  }

  /** Lets the first store answer again, until it is in use. */
  public async heal(locks: LockStore): Promise<void> {
    this.first.down = false;
    for (let minutes = 0; minutes < 6; minutes += 0.5) {
      this.now += MINUTE / 2;
      await locks.acquire(this.request(0, 0, 'probe')).catch(() => undefined);
    }
  }
}

describeLockStoreContract('FailoverLockStore, which has never turned,', async () => new Stores().environment());

describeLockStoreContract('FailoverLockStore, which has turned and come back,', async () => {
  const stores = new Stores();
  const locks = stores.environment();
  await stores.fail(locks);
  await stores.heal(locks);
  return locks;
});

describe('while the first store answers', () => {
  test('the second is asked for nothing but the switch, and need not be there', async () => {
    const stores = new Stores();
    stores.second.down = true;
    const locks = stores.environment();
    expect(await stores.acquire(locks, 0, 0)).toMatchObject({ fence: 1 });
    expect(await locks.read('x')).toMatchObject({ fence: 1 });
    expect(stores.second.inner.all).toEqual([]);
  });

  test('single failures are told, and change nothing', async () => {
    const stores = new Stores();
    const locks = stores.environment();
    for (let minute = 0; minute < 10; minute += 1) {
      stores.now += MINUTE;
      stores.first.down = minute % 2 === 0;
      await locks.acquire(stores.request(0, 0, `e${minute}`)).catch(() => undefined);
    }
    expect(stores.second.inner.all).toEqual([]);
  });
});

describe('when the first store fails', () => {
  test('nobody is granted anything before all know of it and every lease is over', async () => {
    const stores = new Stores();
    const [early, late] = [stores.environment(), stores.environment()];
    await stores.acquire(late, 0, 0, 'held');
    const heldUntil = stores.now + LEASE;
    stores.first.down = true;
    const refused: number[] = [];
    for (let seconds = 0; seconds < 300; seconds += 5) {
      stores.now += 5 * SECOND;
      const granted = await early.acquire(stores.request(1, 1, 'other')).then(({ acquired }) => acquired, () => false);
      if (granted) break;
      refused.push(stores.now);
    }
    expect(refused.at(-1)).toBeGreaterThan(heldUntil);
    expect(refused.at(-1)! - refused[0]!).toBeGreaterThanOrEqual(MINUTE + LEASE);
    // Another environment, which has seen nothing fail, comes to the same conclusion within seconds.
    expect(await stores.acquire(late, 2, STRIDE + 2, 'other')).toMatchObject({ fence: STRIDE + 3 });
  });

  test('an execution goes on under a fence beyond all that the first store can have given', async () => {
    const stores = new Stores();
    const locks = stores.environment();
    await stores.acquire(locks, 0, 0);
    await stores.fail(locks);
    const lock = await stores.acquire(locks, 1, 1);
    expect(lock).toMatchObject({ step: 1, parent: 1, fence: STRIDE + 2, released: 1, done: false, status: 'running' });
    const next = await stores.acquire(locks, 2, lock.fence);
    expect(next).toMatchObject({ fence: lock.fence + 1 });
    expect(await locks.commit(next, 'completed', stores.now)).toBe(true);
  });

  test('one lineage goes on, whichever envelope comes first', async () => {
    for (const order of [[1, 2], [2, 1]]) {
      const stores = new Stores();
      const locks = stores.environment();
      await stores.acquire(locks, 0, 0);
      await stores.acquire(locks, 1, 1);
      await stores.fail(locks);
      const granted = [];
      for (const step of order) granted.push((await locks.acquire(stores.request(step, step))).acquired);
      expect(granted).toEqual([true, false]);
    }
  });

  test('of many who take over one step, one is granted it', async () => {
    const stores = new Stores();
    const locks = stores.environment();
    await stores.fail(locks);
    const answers = await Promise.all(Array.from({ length: 9 }, () => stores.environment().acquire(stores.request(4, 7))));
    expect(answers.filter(({ acquired }) => acquired)).toHaveLength(1);
  });

  test('what only the first store can know is not made up', async () => {
    const stores = new Stores();
    const locks = stores.environment();
    await locks.commit(await stores.acquire(locks, 0, 0), 'parked', stores.now);
    await stores.fail(locks);
    await expect(locks.read('x')).rejects.toThrow('the second does not know execution "x"');
    await expect(locks.cancel('x', stores.now)).rejects.toThrow('not available');
    await expect(locks.reopen('x', 1, stores.now)).rejects.toThrow('not available');
  });

  test('a lease of before is committed where it was granted, or not at all', async () => {
    const stores = new Stores();
    const locks = stores.environment();
    const lease = await stores.acquire(locks, 0, 0);
    await stores.fail(locks);
    await expect(locks.commit(lease, 'completed', stores.now)).rejects.toThrow('down');
    stores.first.down = false;
    expect(await locks.commit(lease, 'completed', stores.now)).toBe(true);
  });
});

describe('when the first store answers again', () => {
  test('an execution goes on where the second has left it, with growing fences', async () => {
    const stores = new Stores();
    const locks = stores.environment();
    await stores.acquire(locks, 0, 0);
    await stores.fail(locks);
    const left = await stores.acquire(locks, 1, 1);
    await stores.heal(locks);
    expect(await stores.acquire(locks, 2, left.fence)).toMatchObject({ step: 2, fence: left.fence + 1 });
    expect(await stores.first.inner.read('x')).toMatchObject({ step: 2, fence: left.fence + 1 });
  });

  test('an envelope that the second store has dealt with is not run again', async () => {
    const stores = new Stores();
    const locks = stores.environment();
    await stores.acquire(locks, 0, 0);
    await stores.fail(locks);
    const left = await stores.acquire(locks, 1, 1);
    await stores.acquire(locks, 2, left.fence);
    await stores.heal(locks);
    expect((await locks.acquire(stores.request(1, 1))).acquired).toBe(false);
  });

  test('a lease that the second store has granted is respected, and can be committed', async () => {
    const stores = new Stores();
    const locks = stores.environment();
    await stores.fail(locks);
    await stores.heal(locks);
    const left = { ...await lockOf(stores), expires: stores.now + MINUTE, fence: 5 * STRIDE };
    const { lock } = await stores.second.inner.install(left, 6 * STRIDE);
    expect((await locks.acquire(stores.request(3, 9))).acquired).toBe(false);
    expect(await locks.commit(lock!, 'parked', stores.now)).toBe(true);
    expect(await locks.read('x')).toMatchObject({ status: 'parked', fence: 5 * STRIDE });
  });

  test('a commit asks the second store for nothing any more', async () => {
    const stores = new Stores();
    const locks = stores.environment();
    await stores.fail(locks);
    await stores.heal(locks);
    const lease = await stores.acquire(locks, 0, 0);
    stores.second.down = true;
    expect(await locks.commit(lease, 'completed', stores.now)).toBe(true);
  });

  test('what is parked for years is found where it was left', async () => {
    const stores = new Stores();
    const locks = stores.environment();
    await stores.acquire(locks, 0, 0);
    await stores.fail(locks);
    const parked = await stores.acquire(locks, 1, 1);
    await locks.commit(parked, 'parked', stores.now);
    await stores.heal(locks);
    stores.now += 900 * DAY;
    expect(await locks.read('x')).toMatchObject({ status: 'parked', step: 1 });
    expect(await stores.acquire(locks, 2, parked.fence)).toMatchObject({ step: 2, fence: parked.fence + 1 });
  });

  test('the second time that it fails, nothing of the first time is taken for the present', async () => {
    const stores = new Stores();
    const locks = stores.environment();
    await stores.acquire(locks, 0, 0);
    await stores.fail(locks);
    const parked = await stores.acquire(locks, 1, 1);
    await locks.commit(parked, 'parked', stores.now);
    await stores.heal(locks);
    const later = await stores.acquire(locks, 2, parked.fence);
    await stores.fail(locks);
    await expect(locks.read('x')).rejects.toThrow('does not know');
    expect((await locks.acquire(stores.request(2, parked.fence))).acquired).toBe(true);
    expect(await locks.read('x')).toMatchObject({ step: 2, fence: parked.fence + STRIDE + 1 });
    expect((await locks.acquire(stores.request(3, later.fence))).acquired).toBe(false);
  });

  test('an execution that is cancelled stays so', async () => {
    const stores = new Stores();
    const locks = stores.environment();
    await stores.fail(locks);
    const lock = await stores.acquire(locks, 1, 1);
    await locks.cancel('x', stores.now);
    await stores.heal(locks);
    expect(await locks.read('x')).toMatchObject({ status: 'cancelled' });
    expect((await locks.acquire(stores.request(2, lock.fence))).acquired).toBe(false);
  });
});

/** A lock for the second store. */
async function lockOf(stores: Stores): Promise<Lock> {
  const { lock } = await stores.second.inner.acquire({ ...stores.request(0, 0), executionId: 'shape' });
  return { ...lock!, executionId: 'x', step: 3, parent: 9 };
}

/** A line of states, in each of which an action takes some seconds. */
const STEPS = 25;
const LINE = normalize({
  name: 'line',
  initial: 's0',
  maxRetries: 100,
  backoff: { capSeconds: 5 },
  states: {
    ...Object.fromEntries(Array.from({ length: STEPS }, (_, index) => [`s${index}`, { do: 'work', on: { go: index === STEPS - 1 ? 'end' : `s${index + 1}` } }])),
    end: { final: true },
  },
});
const ALL = Array.from({ length: STEPS }, (_, step) => step);
const IDS = Array.from({ length: 6 }, (_, index) => `e${index}`);

/** A workflow on two lock stores. */
function workflowOn(seed: number, faults: readonly FaultRule[]) {
  const stores: { first?: Outage; second?: Outage } = {};
  const granted = new Map<string, number[]>();
  const bench = new TestBench((environment, each) => {
    const lookup = each.instrument(environment, () => async (context, run) => {
      await each.activity.sleep(() => environment.ports.clock.sleep(12 * SECOND));
      context.steps = [...context.steps as number[] ?? [], run.step];
      return 'go';
    });
    return new Engine(environment.ports, [LINE], lookup);
  }, { seed, faults, clockSkew: 2 * SECOND, patience: 100 }, {
    connect: (services, { clock }) => {
      const first = stores.first ??= new Outage(services.locks);
      const second = stores.second ??= new Outage(new InMemoryLockStore({ clock }));
      const locks = new FailoverLockStore(first, second, LEASE, { clock, ...SYSTEM });
      const acquire = locks.acquire.bind(locks);
      locks.acquire = async (request) => {
        const answer = await acquire(request);
        const fences = granted.get(request.executionId) ?? [];
        if (answer.acquired && !fences.includes(answer.lock.fence)) granted.set(request.executionId, [...fences, answer.lock.fence]);
        return answer;
      };
      return { ...services, locks };
    },
  });
  const client = <T>(code: (executions: Executions) => Promise<T>) => bench.asClient((ports) => code(new Executions(ports, ['line'])));
  return { bench, client, stores, granted };
}

test('executions go on through outages of both stores, each along one line of steps, under growing fences', async () => {
  const switched: boolean[] = [];
  for (let seed = 1; seed <= 12; seed += 1) {
    const random = new SeededRandom(seed);
    const { bench, client, stores, granted } = workflowOn(seed, [
      { on: 'eventSources', share: 0.03, fault: 'repeat', milliseconds: random.between(1, 400) * SECOND },
      { on: 'locks.acquire', share: 0.03, fault: 'fail', effect: 'after' },
      { on: 'actions.work', share: 0.02, fault: 'crash' },
    ]);
    await client((executions) => executions.startMany(IDS.map((executionId) => ({ machine: 'line', executionId, context: { steps: [] } }))));
    for (let outage = 0; outage < 3; outage += 1) {
      const { first, second } = stores;
      await bench.advance(random.between(5, 90) * SECOND);
      first!.down = true;
      await bench.advance(random.between(30, 420) * SECOND);
      second!.down = random.chance(0.3);
      await bench.advance(random.between(5, 60) * SECOND);
      second!.down = false;
      first!.down = false;
      await bench.advance(random.between(10, 240) * SECOND);
    }
    await bench.run();
    switched.push([...granted.values()].flat().some((fence) => fence > STRIDE));
    for (const executionId of IDS) {
      // Whatever is delivered again in an outage, an end is that of one line of steps.
      const ends = (await bench.services.journal.history(executionId)).filter(({ outcome }) => outcome === 'completed');
      expect({ seed, ends: ends.map(({ context }) => context?.steps) }).toEqual({ seed, ends: ends.map(() => ALL) });
      expect({ seed, ends: ends.length }).not.toEqual({ seed, ends: 0 });
      const fences = granted.get(executionId) ?? [];
      expect(fences).toEqual([...fences].sort((a, b) => a - b));
    }
  }
  // Outages that are too short for a turn may be among them.
  expect(switched).toContain(true);
}, 120_000);
