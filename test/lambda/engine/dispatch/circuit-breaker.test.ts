import { Executions } from '../../../../lambda/engine';
import { CircuitBreaker } from '../../../../lambda/engine/dispatch/circuit-breaker';
import { defineMachine } from '../../../../lambda/machine';
import { VirtualClock } from '../../../../lambda/testing/determinism/virtual-clock';
import { World } from '../../../support/world';

describe('a circuit breaker', () => {
  test('opens after three failures in a row, and closes with a success', () => {
    const breaker = new CircuitBreaker(new VirtualClock());
    breaker.report(false);
    breaker.report(false);
    breaker.report(true);
    breaker.report(false);
    breaker.report(false);
    expect(breaker.admits()).toBe(true);
    breaker.report(false);
    expect(breaker.admits()).toBe(false);
    breaker.report(true);
    expect(breaker.admits()).toBe(true);
  });

  test('lets one probe through after each pause, which doubles up to a minute', () => {
    const clock = new VirtualClock(0);
    const breaker = new CircuitBreaker(clock);
    for (let failure = 0; failure < 3; failure++) breaker.report(false);
    const pauses: number[] = [];
    for (let probe = 0; probe < 8; probe++) {
      const from = clock.now();
      while (!breaker.admits()) clock.jump(clock.now() + 500);
      expect(breaker.admits()).toBe(false);
      pauses.push(clock.now() - from);
      breaker.report(false);
    }
    expect(pauses).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  });
});

test('an outage costs a few requests instead of one for each transition, and the primary returns when the outage ends', async () => {
  const ring = defineMachine({
    name: 'ring',
    initial: 'a',
    states: { a: { do: 'turn', on: { again: 'a', stop: 'end' } }, end: { final: true } },
  });
  const outage = 30_000;
  const world = new World(
    [ring],
    {
      turn: async (context, _run, { bench, clock }) => {
        context.turns = Number(context.turns) + 1;
        await bench.activity.sleep(() => clock.sleep(500));
        return Number(context.turns) < 100 ? 'again' : 'stop';
      },
    },
    {
      eventSources: ['sqs', 'dynamodb'],
      concurrency: 1,
      faults: [{ on: 'eventSources[0]', fault: 'fail', effect: 'before', until: outage }],
    },
  );
  const [primary, failover] = world.services.eventSources;
  const sends = { primary: [] as number[], failover: [] as number[] };
  const began = world.clock.now();
  for (const [name, source] of [
    ['primary', primary],
    ['failover', failover],
  ] as const) {
    const send = source?.send.bind(source);
    const watched = (dispatches: never) => {
      sends[name].push(world.clock.now() - began);
      return send?.(dispatches);
    };
    Object.assign(source ?? {}, { send: watched });
  }
  await world.start('ring', 'x', { turns: 0 });
  sends.primary.length = 0;
  await world.bench.run();
  expect(world.lock('x')?.status).toBe('completed');
  const tried = world.bench.faults.hits.filter(({ on }) => on.startsWith('eventSources[0]')).length;
  expect(tried).toBeGreaterThanOrEqual(3);
  expect(tried).toBeLessThan(12);
  expect(sends.failover.length).toBeGreaterThan(40);
  // At most a minute after the outage, a probe finds the primary up again. From then on every envelope goes there.
  expect(sends.primary.length).toBeGreaterThan(10);
  expect(Math.max(...sends.failover)).toBeLessThan(Math.min(...sends.primary));
});

test('requests are still sent when the circuits of all services are open', async () => {
  const world = new World(
    [{ name: 'm', initial: 'only', states: { only: { final: true } } }],
    {},
    {
      eventSources: ['sqs', 'kinesis'],
      faults: [{ on: 'client.eventSources', fault: 'fail', call: [1, 2, 3, 4, 5, 6] }],
    },
  );
  const executions = await world.bench.asClient(async (ports) => new Executions(ports, world.names));
  const start = () => world.bench.asClient(() => executions.start({ machine: 'm', executionId: 'x' }));
  for (let failure = 0; failure < 3; failure++) {
    await expect(start()).rejects.toThrow('No event source of the workflow accepted');
  }
  await start();
  await world.bench.run();
  expect(world.lock('x')?.status).toBe('completed');
});
