import type { Delivery, Outcome } from '../../lambda/engine';
import { sendDue } from '../../lambda/engine/timer';
import { TestBench, type BenchOptions, type Environment } from '../../lambda/testing';
import { dispatch } from '../contract/transport';

const BEGIN = new TestBench(() => ({ process: async () => new Map(), sendDue: async () => undefined })).clock.now();

type Code = (deliveries: readonly Delivery[], environment: Environment, deadline: number) => Promise<unknown>;

/** A bench whose function runs that code and acknowledges everything, or what the code says. */
const open = (code: Code, options: BenchOptions = {}) => new TestBench((environment) => ({
  process: async (deliveries, { deadline }) => {
    const outcomes = await code(deliveries, environment, deadline);
    return outcomes instanceof Map ? outcomes as Map<string, Outcome> : new Map(deliveries.map(({ id }) => [id, 'acknowledge']));
  },
  sendDue: async (stores, until, invocation) => {
    await Promise.all(stores.map((store) => sendDue(environment.ports, store, until, invocation)));
    await environment.ports.metrics.flush();
  },
}), options);

const fill = async (bench: TestBench, count: number) => {
  for (let step = 0; step < count; step++) await bench.services.eventSources[0]!.send([dispatch('a', step)]);
};

describe('TestBench', () => {
  it('calls the function with batches, several at once', async () => {
    const batches: number[] = [];
    let most = 0;
    let now = 0;
    const bench = open(async (deliveries, { ports }) => {
      batches.push(deliveries.length);
      most = Math.max(most, ++now);
      await ports.clock.sleep(1000);
      now--;
    }, { batchSize: 4, concurrency: 2 });
    await fill(bench, 14);
    await bench.run();
    expect([batches, most, bench.clock.now() - BEGIN]).toEqual([[4, 4, 4, 2], 2, 2000]);
  });

  it('kills an invocation that takes too long, and delivers its batch again when it is visible', async () => {
    const deliveredAt: number[] = [];
    const bench = open(async (_, { ports }) => {
      deliveredAt.push(bench.clock.now() - BEGIN);
      if (deliveredAt.length === 1) {
        await ports.clock.sleep(10_001);
        await ports.mailbox.put('e', { id: 'too late', event: 'e' });
      }
    }, { timeout: 10_000 });
    await fill(bench, 1);
    await bench.run();
    expect([deliveredAt, await bench.services.mailbox.list('e'), bench.clock.now() - BEGIN]).toEqual([[0, 60_000], [], 60_000]);
  });

  it('lets an invocation that stood still go on after its time', async () => {
    const invocations: Environment[] = [];
    const bench = open(async (_, environment) => {
      invocations.push(environment);
      if (invocations.length === 1) {
        await environment.ports.locks.read('e');
        await environment.ports.mailbox.put('e', { id: `late by ${bench.clock.now() - BEGIN - 10_000}`, event: 'e' });
      }
    }, { timeout: 10_000, faults: [{ fault: 'pause', on: 'locks.read', call: 1, effect: 'after', milliseconds: 70_000 }] });
    await fill(bench, 1);
    await bench.run();
    expect(await bench.services.mailbox.list('e')).toEqual([expect.objectContaining({ id: 'late by 60000' })]);
    expect(invocations).toHaveLength(2);
    expect(invocations[1]).not.toBe(invocations[0]);
  });

  it('uses an environment again, unless it died', async () => {
    const names: string[] = [];
    const bench = open(async (_, environment) => {
      names.push(environment.name);
      await environment.ports.locks.read('e');
    }, { batchSize: 1, concurrency: 1, faults: [{ fault: 'crash', on: 'locks.read', call: 2 }] });
    await fill(bench, 3);
    await bench.run();
    expect(names).toEqual(['environment-1', 'environment-1', 'environment-2', 'environment-2']);
  });

  it('gives environments clocks that are wrong, and deadlines by those clocks', async () => {
    const skews = new Set<number>();
    const bench = open(async (_, { ports }, deadline) => {
      skews.add(ports.clock.now() - bench.clock.now());
      expect(deadline - ports.clock.now()).toBe(30_000);
      await ports.clock.sleep(1);
    }, { batchSize: 1, clockSkew: 2000 });
    await fill(bench, 50);
    await bench.run();
    expect(skews.size).toBe(5);
    skews.forEach((skew) => expect(Math.abs(skew)).toBeLessThanOrEqual(2000));
  });

  it('lets the time of a client pass, and delivers nothing meanwhile', async () => {
    const bench = open(async () => undefined, { faults: [{ fault: 'delay', on: 'client', milliseconds: 5000 }] });
    await fill(bench, 1);
    await bench.asClient((ports) => ports.locks.read('e'));
    expect([bench.clock.now() - BEGIN, bench.function.invocations]).toEqual([5000, 0]);
  });

  it('hands on what a handler throws, which it must not', async () => {
    const bench = open(async () => { throw new Error('a bug'); });
    await fill(bench, 1);
    await expect(bench.run()).rejects.toThrow('a bug');
  });

  it('asks a table of waiting envelopes once a minute, and not in minutes in which nothing is due', async () => {
    const deliveredAt: number[] = [];
    const bench = open(async () => deliveredAt.push(bench.clock.now() - BEGIN), { faults: [{ on: 'eventSources', fault: 'fail', effect: 'before', until: 3_700_000 }] });
    const [table] = bench.services.retryQueues;
    await table!.send([dispatch('a', 0, { notBefore: BEGIN + 3_600_000 }), dispatch('b', 0, { notBefore: BEGIN + 7_230_000 })]);
    await bench.run();
    // The first could not be sent before; the second is due in a part of its minute in which the timer's invocation has ended already.
    expect(deliveredAt).toEqual([3_720_000, 7_260_000]);
    expect(table!.size).toBe(0);
  });
});
