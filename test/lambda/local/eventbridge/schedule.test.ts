import { intervalOf, runSchedule } from '../../../../lambda/local/eventbridge/schedule';
import type { Poller } from '../../../../lambda/local/function/poller';
import { FakeFunction, until } from '../../../support/local';

const RULE = 'arn:aws:events:us-east-1:000000000000:rule/timer';
let schedule: Poller | undefined;

afterEach(() => schedule?.stop());

test('the function is invoked repeatedly with the input of the rule', async () => {
  const target = new FakeFunction<unknown>();
  schedule = runSchedule({ ruleArn: RULE, intervalMs: 40, input: { source: 'timer' } }, target, fail);
  await until(() => target.batches.length === 3);
  expect(target.batches.flat()).toEqual([{ source: 'timer' }, { source: 'timer' }, { source: 'timer' }]);
});

test('without an input, the function gets the scheduled event of EventBridge', async () => {
  const target = new FakeFunction<unknown>();
  schedule = runSchedule({ ruleArn: RULE, intervalMs: 1_000 }, target, fail);
  await until(() => target.batches.length === 1);
  expect(target.batches[0]?.[0]).toMatchObject({
    source: 'aws.events',
    'detail-type': 'Scheduled Event',
    resources: [RULE],
  });
});

test('invocations do not overlap', async () => {
  const target = new FakeFunction<unknown>(() => new Promise((resolve) => setTimeout(resolve, 60)), 5);
  schedule = runSchedule({ ruleArn: RULE, intervalMs: 10 }, target, fail);
  await until(() => target.batches.length === 3);
  expect(target.mostRunning).toBe(1);
});

test('a failure is reported, and the schedule continues', async () => {
  const errors: string[] = [];
  const target = new FakeFunction<unknown>(() => {
    throw new Error('no');
  });
  schedule = runSchedule({ ruleArn: RULE, intervalMs: 10 }, target, (error) => errors.push(error.message));
  await until(() => target.batches.length === 2);
  expect(errors[0]).toContain(`${RULE} failed to invoke its function: Error: no`);
});

test.each([
  ['rate(1 minute)', 60_000],
  ['rate(5 minutes)', 300_000],
  ['rate(2 hours)', 7_200_000],
  ['rate(1 day)', 86_400_000],
])('%s', (expression, interval) => {
  expect(intervalOf(expression)).toBe(interval);
});

test.each(['cron(0 12 * * ? *)', 'rate(0 minutes)', 'rate(1 week)', 'often'])('%s is rejected', (expression) => {
  expect(() => intervalOf(expression)).toThrow(`Unsupported schedule ${expression}`);
});

function fail(error: Error): void {
  throw error;
}
