import { CloudWatch } from '../../../../lambda/aws/cloudwatch';
import { systemClock } from '../../../../lambda/aws/system';
import { CloudWatchServer, type PutMetric } from '../../../support/servers/cloudwatch-server';

const NOW = 1_900_000_000_000;

let server: CloudWatchServer;
let cloudWatch: CloudWatch;
let warnings: string[];

beforeEach(async () => {
  server = await CloudWatchServer.start();
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_CLOUDWATCH: server.endpoint,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'x',
    AWS_SECRET_ACCESS_KEY: 'y',
  });
  warnings = [];
  cloudWatch = new CloudWatch({
    clock: { ...systemClock, now: () => NOW },
    logger: {
      ...console,
      warn: (message: string) => {
        warnings.push(message);
      },
    },
  });
});

afterEach(async () => {
  cloudWatch.close();
  await server.stop();
});

/** Formats each metric as a line: name, dimensions, value or values. */
function linesOf(metrics: readonly PutMetric[] = []): string[] {
  return metrics
    .map(
      ({ MetricName, Dimensions, Unit, Value, Values }) =>
        `${MetricName} ${Dimensions.map((dimension) => dimension.Value).join('/')} ${Values ? Values.join(',') : Value} ${Unit}`,
    )
    .sort();
}

test('sends no request if nothing was counted', async () => {
  await cloudWatch.metrics('Orders').flush();
  expect(server.requests).toEqual([]);
});

test('sums the metrics of each dimension set, and sends them in one request', async () => {
  const metrics = cloudWatch.metrics('Orders');
  metrics.count('Transition', 'order', 'charging');
  metrics.count('Transition', 'order', 'charging');
  metrics.count('Transition', 'order', 'shipping');
  metrics.count('Transition', 'refund', 'charging');
  metrics.count('Retry', 'order');
  metrics.count('LockFailure');
  metrics.measure('StepDuration', 12, 'order', 'charging');
  metrics.measure('StepDuration', 30, 'order', 'shipping');
  await metrics.flush();
  expect(server.requests).toHaveLength(1);
  expect(linesOf(server.requests[0])).toEqual([
    'LockFailure Orders 1 Count',
    'Retry Orders 1 Count',
    'Retry Orders/order 1 Count',
    'StepDuration Orders 12,30 Milliseconds',
    'StepDuration Orders/order 12,30 Milliseconds',
    'StepDuration Orders/order/charging 12 Milliseconds',
    'StepDuration Orders/order/shipping 30 Milliseconds',
    'Transition Orders 4 Count',
    'Transition Orders/order 3 Count',
    'Transition Orders/order/charging 2 Count',
    'Transition Orders/order/shipping 1 Count',
    'Transition Orders/refund 1 Count',
    'Transition Orders/refund/charging 1 Count',
  ]);
  expect(server.requests[0]?.[0]?.Timestamp).toBe(NOW / 1_000);
  await metrics.flush();
  expect(server.requests).toHaveLength(1);
});

test('sends every measured value, in any number', async () => {
  const metrics = cloudWatch.metrics('Orders');
  for (let value = 1; value <= 400; value += 1) metrics.measure('EnvelopeAge', value, 'order', 'charging');
  await metrics.flush();
  const all = (server.requests[0] ?? []).filter(({ Dimensions: { length } }) => length === 1);
  expect(all.map(({ Values }) => Values?.length)).toEqual([150, 150, 100]);
  expect(new Set(all.flatMap(({ Values = [] }) => Values)).size).toBe(400);
});

test('splits more metrics than one request may have', async () => {
  const metrics = cloudWatch.metrics('Orders');
  for (let state = 0; state < 1_500; state += 1) metrics.count('Transition', 'order', `state-${state}`);
  await metrics.flush();
  expect(server.requests.map(({ length }) => length).sort()).toEqual([1_000, 502]);
  expect(warnings).toEqual([]);
});

test('splits more bytes than one request may have, with any name as a dimension', async () => {
  const metrics = cloudWatch.metrics('Orders');
  for (let state = 0; state < 600; state += 1) {
    metrics.count('Transition', ':größe'.repeat(300), `${state}-${'x'.repeat(1_100)}`);
  }
  await metrics.flush();
  expect(server.requests.length).toBeGreaterThan(1);
  expect(server.requests.flat()).toHaveLength(602);
  expect(warnings).toEqual([]);
});

test('loses only metrics if CloudWatch is down', async () => {
  server.mood = 'broken';
  const metrics = cloudWatch.metrics('Orders');
  metrics.count('Transition');
  await metrics.flush();
  expect(warnings).toEqual([expect.stringMatching(/^CloudWatch did not accept 1 metrics: /)]);
});

test('does not wait long if CloudWatch does not respond', async () => {
  server.mood = 'silent';
  const metrics = cloudWatch.metrics('Orders');
  metrics.count('Transition');
  const began = Date.now();
  await metrics.flush();
  expect(Date.now() - began).toBeLessThan(4_000);
  expect(warnings).toHaveLength(1);
}, 10_000);
