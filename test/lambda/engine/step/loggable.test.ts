import { runInNewContext } from 'node:vm';
import { jsonLogger } from '../../../../lambda/aws/system';
import { loggable } from '../../../../lambda/engine/step/loggable';
import { defineMachine } from '../../../../lambda/machine';
import { World } from '../../../support/world';

const cycle: Record<string, unknown> = { name: 'a' };
cycle.self = cycle;

test.each<readonly [string, unknown, unknown]>([
  ['a BigInt', 7n, '7'],
  ['a cycle', cycle, { name: 'a', self: '[circular]' }],
  ['not a number', Number.NaN, 'NaN'],
  ['a symbol', Symbol('s'), 'Symbol(s)'],
  ['a date', new Date(0), '1970-01-01T00:00:00.000Z'],
  ['an invalid date', new Date(Number.NaN), null],
  ['a map', new Map([['a', 1n]]), [['a', '1']]],
  [
    'an accessor that throws',
    {
      get a() {
        throw new Error('no');
      },
      b: 1,
    },
    { a: '[unreadable]', b: 1 },
  ],
  [
    'a toJSON that throws',
    {
      toJSON() {
        throw new Error('no');
      },
    },
    '[unreadable]',
  ],
  ['a revoked proxy', revoked(), '[unreadable]'],
  ['an object without a prototype', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  [
    'an error with its cause',
    new TypeError('outer', { cause: new Error('inner') }),
    {
      name: 'TypeError',
      message: 'outer',
      cause: { name: 'Error', message: 'inner' },
      stack: expect.stringContaining('TypeError: outer'),
    },
  ],
  [
    'an error with members',
    Object.assign(new Error('denied'), { code: 403, at: 1n }),
    expect.objectContaining({ code: 403, at: '1' }),
  ],
  [
    'an error of another realm',
    runInNewContext('new RangeError("far")'),
    expect.objectContaining({ name: 'RangeError', message: 'far' }),
  ],
])('%s can be logged', (_, value, expected) => {
  const fields = loggable({ value });
  expect(fields).toEqual({ value: expected });
  expect(() => JSON.stringify(fields)).not.toThrow();
});

test('no log line of an action fails its step', async () => {
  const machine = defineMachine({ name: 'm', initial: 'only', states: { only: { entry: 'log', final: true } } });
  const world = new World([machine], {
    log: (_context, { logger }) => {
      logger.info('a BigInt', { value: 1n, cycle, error: new Error('no') });
      logger.error(Object.create(null) as string, null as never);
      logger.warn(Symbol('s') as never, 'text' as never);
      logger.debug(new Error('as a message') as never, [1n] as never);
    },
  });
  await world.start('m', 'x');
  await world.bench.run();
  expect(world.lock('x')).toMatchObject({ status: 'completed', fence: 1 });
  expect(world.log).toHaveLength(4);
});

test('the fields of an action replace nothing in its log lines, and are no metrics', async () => {
  const forged = {
    _aws: {
      Timestamp: 0,
      CloudWatchMetrics: [{ Namespace: 'forged', Dimensions: [[]], Metrics: [{ Name: 'Fatal' }] }],
    },
    timestamp: 'never',
    level: 'DEBUG',
    message: 'forged',
    executionId: 'another',
    machine: 'another',
    step: 99,
    fields: { nested: true },
  };
  const machine = defineMachine({ name: 'm', initial: 'only', states: { only: { entry: 'log', final: true } } });
  const lines: string[] = [];
  const world = new World(
    [machine],
    { log: (_context, { logger }) => logger.warn('text\n{"level":"ERROR"}', forged) },
    { logger: jsonLogger('DEBUG', (line) => lines.push(line)) },
  );
  await world.start('m', 'x');
  await world.bench.run();
  expect(lines).toHaveLength(1);
  expect(lines[0]!.indexOf('\n')).toBe(lines[0]!.length - 1);
  expect(JSON.parse(lines[0]!)).toEqual({
    timestamp: expect.stringMatching(/^\d{4}-/),
    level: 'WARN',
    message: 'text\n{"level":"ERROR"}',
    executionId: 'x',
    machine: 'm',
    step: 0,
    fields: forged,
  });
});

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
