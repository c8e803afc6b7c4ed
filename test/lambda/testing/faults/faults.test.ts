import type { DueStore } from '../../../../lambda/engine';
import { EnvironmentDiedError, SeededRandom, type FaultRule } from '../../../../lambda/testing';
import { ExecutionEnvironment } from '../../../../lambda/testing/bench/execution-environment';
import { settle, VirtualClock } from '../../../../lambda/testing/determinism/virtual-clock';
import { Faults } from '../../../../lambda/testing/faults/faults';
import { MetricTotals, RecordedMetrics } from '../../../../lambda/testing/recording/recorded-metrics';
import { InMemoryRetryTable } from '../../../../lambda/testing/services/in-memory-retry-table';
import { createServices } from '../../../../lambda/testing/services/in-memory-services';
import { checkpoint } from '../../../contracts/journal';
import { dispatch } from '../../../contracts/transport';
import { keyOf } from '../../../support/execution-key';
import { historyOf } from '../../../support/history';
import { mailsOf } from '../../../support/mails-of';

const NAMES = [
  'eventSources[0].send',
  'eventSources[1].send',
  'locks.acquire',
  'locks.commit',
  'actions.pay',
  'client.locks.read',
] as const;

describe('Faults', () => {
  let elapsed = 0;
  const faults = (...rules: FaultRule[]) => new Faults(rules, new SeededRandom(1), () => elapsed);
  const hitNames = (rule: FaultRule) => {
    const injected = faults(rule);
    NAMES.forEach((name) => injected.plan(name));
    return injected.hits.map(({ on }) => on);
  };

  beforeEach(() => {
    elapsed = 0;
  });

  test('affect their target: a method, a port, a transport, an action, a client, or all calls of the function', () => {
    expect(hitNames({ fault: 'fail', on: 'locks.acquire' })).toEqual(['locks.acquire']);
    expect(hitNames({ fault: 'fail', on: 'locks' })).toEqual(['locks.acquire', 'locks.commit']);
    expect(hitNames({ fault: 'fail', on: 'eventSources' })).toEqual(['eventSources[0].send', 'eventSources[1].send']);
    expect(hitNames({ fault: 'fail', on: 'eventSources[1]' })).toEqual(['eventSources[1].send']);
    expect(hitNames({ fault: 'fail', on: 'actions.pay' })).toEqual(['actions.pay']);
    expect(hitNames({ fault: 'fail', on: 'client' })).toEqual(['client.locks.read']);
    expect(hitNames({ fault: 'fail' })).toEqual(NAMES.slice(0, 5));
  });

  test('affect the selected calls', () => {
    const injected = faults({ fault: 'fail', on: 'locks', call: [2, 3] });
    const failed = ['locks.acquire', 'locks.commit', 'locks.acquire', 'locks.read'].map(
      (name) => injected.plan(name as 'locks.read').fail !== undefined,
    );
    expect(failed).toEqual([false, true, true, false]);
    expect(injected.hits).toEqual([
      expect.objectContaining({ on: 'locks.commit', call: 1 }),
      expect.objectContaining({ on: 'locks.acquire', call: 2 }),
    ]);
  });

  test('affect a fraction of the calls, half before and half after they take effect', () => {
    const injected = faults({ fault: 'fail', share: 0.2 });
    const plans = Array.from({ length: 5000 }, () => injected.plan('locks.acquire').fail).filter(
      (fail) => fail !== undefined,
    );
    expect(plans.length / 5000).toBeCloseTo(0.2, 1);
    expect(plans.filter(({ effect }) => effect === 'before').length / plans.length).toBeCloseTo(0.5, 1);
  });

  test('affect calls only between "from" and "until"', () => {
    const injected = faults({ fault: 'fail', from: 100, until: 200 });
    const failed = [0, 99, 100, 199, 200].map((time) => {
      elapsed = time;
      return injected.plan('locks.acquire').fail !== undefined;
    });
    expect(failed).toEqual([false, false, true, true, false]);
  });

  test('can be replayed from their hits', () => {
    const rules: FaultRule[] = [
      { fault: 'fail', share: 0.1 },
      { fault: 'crash', share: 0.1 },
      { fault: 'pause', share: 0.1, milliseconds: 7 },
      { fault: 'delay', share: 0.1, milliseconds: [1, 100] },
      { fault: 'repeat', share: 0.1 },
      { fault: 'fail', share: 0.2, entries: 0.5 },
    ];
    const run = (injected: Faults) => {
      for (let call = 0; call < 300; call++) injected.plan(NAMES[call % NAMES.length]!, 5);
      return injected.hits;
    };
    const hits = run(faults(...rules));
    expect(new Set(hits.map(({ fault }) => fault)).size).toBe(5);
    expect(run(faults(...rules))).toEqual(hits);
    expect(run(new Faults(hits, new SeededRandom('another'), () => 0))).toEqual(expect.arrayContaining([...hits]));
  });

  test.each<[FaultRule, string]>([
    [{ fault: 'fail', share: 2 }, '"share"'],
    [{ fault: 'fail', call: 0 }, '"call"'],
    [{ fault: 'fail', from: 5, until: 5 }, '"until"'],
    [{ fault: 'fail', entries: -1 }, '"entries"'],
    [{ fault: 'delay', milliseconds: [-1, 1] }, '"milliseconds"'],
  ])('reject %j', (rule, problem) => {
    expect(() => faults(rule)).toThrow(problem);
  });
});

describe('ExecutionEnvironment', () => {
  const clock = new VirtualClock();
  const totals = new MetricTotals();

  function open(
    rules: readonly FaultRule[],
    more: { readonly clockSkew?: number; readonly client?: boolean } = {},
    dueStores: ReadonlyMap<number, DueStore> = new Map(),
  ) {
    const services = createServices({}, clock, new SeededRandom(1), 1000);
    const faults = new Faults(rules, new SeededRandom(1), () => 0);
    const environment = new ExecutionEnvironment({
      name: 'one',
      clock,
      faults,
      ...more,
      connect: () => ({ services, dueStores }),
      random: new SeededRandom(1),
      metrics: new RecordedMetrics(totals),
    });
    return { services, faults, environment, ports: environment.ports };
  }

  /** The result so far. */
  const stateOf = async (promise: Promise<unknown>) => {
    let state = 'pending';
    promise.then(
      () => {
        state = 'resolved';
      },
      () => {
        state = 'rejected';
      },
    );
    await settle();
    return state;
  };

  const mail = { id: 'a', event: 'paid' };

  test.each([
    ['before', 0],
    ['after', 1],
  ] as const)('fails a call %s it takes effect', async (effect, mails) => {
    const { ports, services } = open([{ fault: 'fail', on: 'mailbox.put', effect, message: 'no power' }]);
    await expect(ports.mailbox.put(keyOf('e'), mail)).rejects.toThrow(
      `Injected fault: mailbox.put: no power (${effect} it took effect).`,
    );
    expect(await mailsOf(services.mailbox, 'e')).toHaveLength(mails);
  });

  test.each([
    ['before', 0],
    ['after', 1],
  ] as const)('fails entries of a batch %s they take effect', async (effect, others) => {
    const { ports, services } = open([{ fault: 'fail', effect, entries: [0, 2] }]);
    const sent = await ports.eventSources[0]!.send([dispatch('a', 0), dispatch('b', 0), dispatch('c', 0)]);
    expect(sent.map(({ ok }) => ok)).toEqual([false, true, false]);
    expect(services.eventSources[0]!.size).toBe(1 + 2 * others);
    const written = await ports.journal.write([checkpoint('a', 0, 1), checkpoint('b', 0, 1)]);
    expect(written).toEqual([expect.any(Error), undefined]);
    expect([(await historyOf(services.journal, 'a')).length, (await historyOf(services.journal, 'b')).length]).toEqual([
      others,
      1,
    ]);
  });

  test.each([
    ['before', 0],
    ['after', 1],
  ] as const)('crashes %s a call takes effect, and has no effect afterwards', async (effect, mails) => {
    const { environment, ports, services } = open([{ fault: 'crash', on: 'mailbox.put', effect }]);
    const sleeping = ports.clock.sleep(5);
    const reached: string[] = [];
    const invocation = environment.run(1000, async () => {
      await ports.mailbox.put(keyOf('e'), mail);
      reached.push('after the call');
    });
    await expect(invocation).rejects.toThrow(EnvironmentDiedError);
    expect([environment.dead, await mailsOf(services.mailbox, 'e')]).toEqual([
      true,
      mails ? [expect.objectContaining({ ...mail, position: 1 })] : [],
    ]);
    expect(await stateOf(ports.mailbox.put(keyOf('e'), { ...mail, id: 'later' }))).toBe('pending');
    ports.metrics.count('Retry');
    void ports.metrics.flush();
    expect(clock.nextTimer).toBeUndefined();
    expect(await stateOf(sleeping)).toBe('pending');
    expect([reached, (await mailsOf(services.mailbox, 'e')).length, totals.of('Retry')]).toEqual([[], mails, 0]);
  });

  test('delivers a request that was sent before the crash', async () => {
    const { environment, ports, services } = open([{ fault: 'delay', on: 'mailbox.put', milliseconds: 1000 }]);
    const put = ports.mailbox.put(keyOf('e'), mail);
    await settle();
    environment.crash();
    while (clock.jump()) await settle();
    expect([await stateOf(put), await mailsOf(services.mailbox, 'e')]).toEqual([
      'pending',
      [expect.objectContaining({ ...mail, position: 1 })],
    ]);
  });

  test('freezes, and continues as if nothing had happened', async () => {
    const { environment, ports, services } = open([
      { fault: 'pause', on: 'mailbox.put', effect: 'before', milliseconds: 60_000, call: 1 },
    ]);
    const before = clock.now();
    const put = ports.mailbox.put(keyOf('e'), mail);
    const other = ports.mailbox.list(keyOf('e'), 10);
    const slept = ports.clock.sleep(10);
    await settle();
    expect([environment.paused, await mailsOf(services.mailbox, 'e')]).toEqual([true, []]);
    clock.jump(before + 59_999);
    expect([await stateOf(put), await stateOf(other), await stateOf(slept)]).toEqual(['pending', 'pending', 'pending']);
    clock.jump(before + 60_000);
    await Promise.all([put, other, slept]);
    expect([environment.paused, (await mailsOf(services.mailbox, 'e')).length]).toEqual([false, 1]);
  });

  test('delays a call', async () => {
    const { ports } = open([{ fault: 'delay', milliseconds: 500 }]);
    const before = clock.now();
    const read = ports.locks.read('e');
    while ((await stateOf(read)) === 'pending') clock.jump();
    expect(clock.now() - before).toBe(500);
  });

  test('repeats a call later', async () => {
    const { ports, services } = open([{ fault: 'repeat', on: 'eventSources', milliseconds: 86_400_000 }]);
    await ports.eventSources[0]!.send([dispatch('a', 0)]);
    expect(services.eventSources[0]!.size).toBe(1);
    clock.jump();
    await settle();
    expect(services.eventSources[0]!.size).toBe(2);
  });

  test('has its own clock, with skew', async () => {
    const { environment, ports } = open([], { clockSkew: -300 });
    expect(ports.clock.now()).toBe(clock.now() - 300);
    expect(await environment.run(1000, async ({ deadline }) => deadline)).toBe(clock.now() + 700);
  });

  test('prefixes the names of calls of a client', async () => {
    const { ports, faults } = open([{ fault: 'fail', on: 'client.locks' }], { client: true });
    await expect(ports.locks.read('e')).rejects.toThrow('client.locks.read');
    expect(faults.hits).toEqual([expect.objectContaining({ on: 'client.locks.read' })]);
  });

  test('injects faults into calls to a table of due envelopes', async () => {
    const table = new InMemoryRetryTable({ clock });
    const { environment, faults } = open(
      [{ fault: 'fail', on: 'retryQueues[0].remove', effect: 'before' }],
      {},
      new Map([[0, table]]),
    );
    await table.send([dispatch('a', 0)]);
    const store = environment.dueStore(0);
    expect(() => environment.dueStore(1)).toThrow('Retry queue 1 is not a table');
    for await (const page of store.due(Infinity, 0)) {
      expect(page).toHaveLength(1);
      await expect(store.remove(page)).rejects.toThrow('retryQueues[0].remove');
    }
    expect([table.size, faults.hits.length]).toEqual([1, 1]);
  });
});
