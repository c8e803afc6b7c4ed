import { defineMachine, type Logger } from '../../../lambda/machine';
import { StrayErrors } from '../../../lambda/runtime/stray-errors';
import { World, type ActionBody } from '../../support/world';

const machine = defineMachine({
  name: 'm',
  initial: 'working',
  maxRetries: 0,
  states: { working: { entry: 'enter', do: 'work', on: { worked: 'done' } }, done: { final: true } },
});

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Jest replaces `process`, so these tests report the errors. The tests of the bundled runtime leave them to Node.js.
function create(actions: Readonly<Record<string, ActionBody>>) {
  const lines: string[] = [];
  const write: Logger['error'] = (message, fields) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const stray = new StrayErrors({ debug: write, info: write, warn: write, error: write });
  const lookup = stray.over((_machine, name) => (context, run) => actions[name]?.(context, run, world));
  const all = Object.keys(actions).map(
    (name) => [name, (context, run) => lookup('m', name)!(context, run)] as [string, ActionBody],
  );
  const world: World = new World([machine], Object.fromEntries(all), { patience: 2_000 });
  return { world, lines, stray };
}

test('an error that an ended action left behind is logged with its execution, and harms no other', async () => {
  const { world, lines, stray } = create({
    enter: (_context, { executionId }) => {
      if (executionId === 'leaver') {
        void pause(20).then(() => {
          stray.report(new RangeError('secret'));
        });
      }
    },
    work: async (_context, { executionId }) => {
      if (executionId === 'other') await pause(100);
      return 'worked';
    },
  });
  await world.start('m', 'leaver');
  await world.start('m', 'other');
  await world.bench.run();
  await pause(50);
  expect(world.services.locks.all.map(({ executionId, status }) => [executionId, status])).toEqual([
    ['leaver', 'completed'],
    ['other', 'completed'],
  ]);
  expect(lines).toEqual([
    expect.stringMatching(/left work behind that failed with RangeError .*"executionId":"leaver"/),
  ]);
  expect(lines.join()).not.toContain('secret');
});

test('an error of an earlier action fails the attempt that still runs', async () => {
  const { world, stray } = create({
    enter: () =>
      void setTimeout(() => {
        stray.report(new RangeError('late'));
      }, 20),
    work: () => new Promise(() => undefined),
  });
  await world.start('m', 'x');
  await world.bench.run();
  expect(await world.describe('x')).toMatchObject({ status: 'failed', error: { name: 'RangeError', message: 'late' } });
});

test('on request, the log has the messages of the errors', () => {
  const lines: unknown[] = [];
  const write: Logger['error'] = (_message, fields) => void lines.push(fields);
  const logger = { debug: write, info: write, warn: write, error: write };
  new StrayErrors(logger).report(new RangeError('secret'));
  new StrayErrors(logger, true).report(new RangeError('secret'));
  expect(lines).toEqual([{}, { error: expect.objectContaining({ name: 'RangeError', message: 'secret' }) }]);
});
