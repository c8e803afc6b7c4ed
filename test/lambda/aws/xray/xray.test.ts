import { systemClock } from '../../../../lambda/aws/system';
import { XRay } from '../../../../lambda/aws/xray';
import { TraceCarrier, XRayTracer } from '../../../../lambda/aws/xray/tracer';
import type { TracedAttempt } from '../../../../lambda/engine';
import { XRayServer } from '../../../support/servers/xray-server';

const SAMPLED = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1';

let server: XRayServer;
let xRay: XRay;
let warnings: string[];
const logger = {
  ...console,
  warn: (message: string) => {
    warnings.push(message);
  },
};

beforeEach(async () => {
  server = await XRayServer.start();
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_XRAY: server.endpoint,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'x',
    AWS_SECRET_ACCESS_KEY: 'y',
    _X_AMZN_TRACE_ID: SAMPLED,
  });
  warnings = [];
  xRay = new XRay({ clock: systemClock, logger });
});

afterEach(async () => {
  xRay.close();
  await server.stop();
  delete process.env._X_AMZN_TRACE_ID;
});

function attempt(machine = 'order', state = 'charging', trace?: string): TracedAttempt {
  return { envelope: { executionId: 'one', machine, step: 0, trace }, state, attempt: 0 };
}

/** Records `count` attempts. */
function runThrough(tracer: XRayTracer, attempts: number): void {
  for (let index = 0; index < attempts; index += 1) tracer.begin(attempt())?.end();
}

test('sends segments in as few requests as X-Ray allows', async () => {
  const tracer = xRay.tracer();
  runThrough(tracer, 120);
  await tracer.flush();
  expect(server.requests.map(({ length }) => length).sort()).toEqual([20, 50, 50]);
  expect(warnings).toEqual([]);
  await tracer.flush();
  expect(server.requests).toHaveLength(3);
});

test('X-Ray accepts the segments of any machine and state, with encoded names', async () => {
  const tracer = xRay.tracer();
  tracer.begin(attempt('Zürich "1"', '☃<script>'))?.end('TypeError');
  tracer.begin(attempt('m'.repeat(150), 's'.repeat(150)))?.end();
  await tracer.flush();
  expect(warnings).toEqual([]);
  expect(server.requests[0]).toMatchObject([
    {
      name: 'Zürich _1_/__script_',
      fault: true,
      cause: { exceptions: [{ type: 'TypeError' }] },
      annotations: { state: '☃<script>' },
    },
    { name: `${'m'.repeat(150)}/${'s'.repeat(49)}` },
  ]);
});

test('each segment is the parent of the next', async () => {
  const tracer = xRay.tracer();
  const first = tracer.begin(attempt());
  const second = tracer.begin(attempt('order', 'shipping', first?.trace));
  first?.end();
  second?.end();
  await tracer.flush();
  const [[a, b] = []] = server.requests;
  expect(b).toMatchObject({ trace_id: a?.trace_id, parent_id: a?.id });
  expect(a).not.toHaveProperty('parent_id');
});

test('logs a rejected segment, while the others are accepted', async () => {
  const broken = { now: () => -5, sleep: systemClock.sleep };
  const tracer = new XRay({ clock: broken, logger }).tracer();
  tracer.begin(attempt())?.end();
  await tracer.flush();
  expect(warnings).toEqual(['X-Ray rejected 1 of 1 segments: InvalidTraceId']);
});

test('loses only traces if X-Ray is down', async () => {
  server.mood = 'broken';
  const tracer = xRay.tracer();
  runThrough(tracer, 1);
  await tracer.flush();
  expect(warnings).toEqual([expect.stringMatching(/^X-Ray did not accept 1 segments: /)]);
});

test('does not wait long if X-Ray does not respond', async () => {
  server.mood = 'silent';
  const tracer = xRay.tracer();
  runThrough(tracer, 1);
  const began = Date.now();
  await tracer.flush();
  expect(Date.now() - began).toBeLessThan(4_000);
  expect(warnings).toHaveLength(1);
}, 10_000);

test.each([
  ['none', undefined],
  ['one that is not sampled', 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0'],
  ['one without a decision', 'Root=1-5759e988-bd862e3fe1be46a994272793'],
  ['one of another form', 'Root=2-5759e988;Parent=53995c3f42cd8ad8;Sampled=1'],
])('traces no execution because of the header: %s', (_, header) => {
  const tracer = new XRayTracer(
    systemClock,
    async () => undefined,
    () => header,
  );
  expect(tracer.current()).toBeUndefined();
  expect(tracer.begin(attempt())).toBeUndefined();
});

test('a client passes the trace of its invocation on to the executions that it starts', () => {
  expect(new TraceCarrier().current()).toBe('00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01');
  expect(new TraceCarrier().begin(attempt())).toBeUndefined();
});
