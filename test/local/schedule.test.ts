import { FakeFunction, until } from './support';
import type { Poller } from '../../lambda/local/pollers/poller';
import { intervalOf, runSchedule } from '../../lambda/local/pollers/schedule';

const RULE = 'arn:aws:events:us-east-1:000000000000:rule/timer';
let schedule: Poller | undefined;

afterEach(() => schedule?.stop());

test('the function is invoked with the input of the rule, again and again', async () => {
  const target = new FakeFunction<unknown>();
  schedule = runSchedule({ ruleArn: RULE, interval: 40, input: { source: 'timer' } }, target, fail);
  await until(() => target.batches.length === 3);
  expect(target.batches.flat()).toEqual([{ source: 'timer' }, { source: 'timer' }, { source: 'timer' }]);
});

test('without an input it gets the event of EventBridge', async () => {
  const target = new FakeFunction<unknown>();
  schedule = runSchedule({ ruleArn: RULE, interval: 1_000 }, target, fail);
  await until(() => target.batches.length === 1);
  expect(target.batches[0]?.[0]).toMatchObject({ 'source': 'aws.events', 'detail-type': 'Scheduled Event', 'resources': [RULE] });
});

test('it never runs beside itself', async () => {
  const target = new FakeFunction<unknown>(() => new Promise((resolve) => setTimeout(resolve, 60)), 5);
  schedule = runSchedule({ ruleArn: RULE, interval: 10 }, target, fail);
  await until(() => target.batches.length === 3);
  expect(target.mostRunning).toBe(1);
});

test('a failure is told of, and the schedule goes on', async () => {
  const errors: string[] = [];
  const target = new FakeFunction<unknown>(() => {
    throw new Error('no');
  });
  schedule = runSchedule({ ruleArn: RULE, interval: 10 }, target, (error) => errors.push(error.message));
  await until(() => target.batches.length === 2);
  expect(errors[0]).toContain(`${RULE} invoked its function in vain: Error: no`);
});

test.each([
  ['rate(1 minute)', 60_000],
  ['rate(5 minutes)', 300_000],
  ['rate(2 hours)', 7_200_000],
  ['rate(1 day)', 86_400_000],
])('%s', (expression, interval) => {
  expect(intervalOf(expression)).toBe(interval);
});

test.each(['cron(0 12 * * ? *)', 'rate(0 minutes)', 'rate(1 week)', 'often'])('%s is refused', (expression) => {
  expect(() => intervalOf(expression)).toThrow(`not ${expression}`);
});

function fail(error: Error): void {
  throw error;
}
