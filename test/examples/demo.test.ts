import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '../support/local';

/** Generous, because the demo takes longer on a busy machine. */
jest.setTimeout(240_000);

const ROOT = join(__dirname, '..', '..');

interface Run {
  readonly process: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly output: string }>;
}

const runs: Run[] = [];
afterEach(() => runs.splice(0).forEach((run) => run.process.kill('SIGKILL')));

/** Runs the demo in one process, so that killing this process ends all of it. */
function demo(...parameters: string[]): Run {
  const child = spawn(process.execPath, ['--import', 'tsx', join('examples', 'order', 'demo.ts'), ...parameters], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  }
  const run = {
    process: child,
    ended: new Promise<{ code: number | null; output: string }>((resolve) =>
      child.on('close', (code) => resolve({ code, output })),
    ),
  };
  runs.push(run);
  return run;
}

/** The number in a row of the report. */
function numberIn(output: string, row: string): number {
  return Number(new RegExp(`^ +${row} +(\\d+(\\.\\d+)?)`, 'm').exec(output)?.[1]);
}

const VERDICT = 'All 40 orders ended as planned. None was lost, and no step was committed twice.';

test('survives an outage, failing requests and a killed invocation', async () => {
  const { code, output } = await demo('--executions', '40', '--seed', '3').ended;
  expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining(VERDICT) });
  expect(numberIn(output, 'delivered') + numberIn(output, 'cancelled') + numberIn(output, 'rejected')).toBe(40);
  const phases = ['healthy:', 'outage, DynamoDB takes over:', 'recovered:', 'drained:'];
  const positions = phases.map((phase) => output.indexOf(phase));
  expect(positions.every((position) => position >= 0)).toBe(true);
  expect(positions).toEqual([...positions].sort((a, b) => a - b));
  expect(output).toMatch(/killed invocation +\d+ orders? interrupted, resumed within \d+\.\d s/);
  for (const row of [
    'SQS \\(event source\\)',
    'DynamoDB \\(failover\\)',
    'transitions',
    'transitions per second, healthy',
    'AWS requests per transition, healthy',
    'AWS requests per transition, with faults',
    'retries',
    'retries exhausted, caught',
    'failovers',
    'requests made to fail',
  ]) {
    expect({ row, isPositive: numberIn(output, row) > 0 }).toEqual({ row, isPositive: true });
  }
  expect(readFileSync(join(ROOT, 'examples', 'order', 'out', 'order.mmd'), 'utf8')).toContain('awaitingPayment');
});

test('resumes from the database file after it was killed', async () => {
  const database = join(temporaryDirectory(), 'orders.db');
  const ledger = `${database}.ledger`;
  const parameters = ['--executions', '40', '--db', database];
  const lines = () => (existsSync(ledger) ? readFileSync(ledger, 'utf8').split('\n').length : 0);

  const first = demo(...parameters);
  // The 40 orders run about 350 actions.
  while (lines() < 150 && first.process.exitCode === null) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  first.process.kill('SIGKILL');
  const killed = await first.ended;
  expect({ code: killed.code, output: killed.output }).toEqual({
    code: null,
    output: expect.stringContaining('Processing 40 orders'),
  });
  expect(lines()).toBeLessThan(320);

  const { code, output } = await demo(...parameters).ended;
  expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining(VERDICT) });
  expect(output).toContain('Resuming 40 orders');
  // The stream is read from its beginning again, so finished steps are delivered again.
  expect(numberIn(output, 'duplicates dropped')).toBeGreaterThan(0);
});

test.each([
  [
    'dynamodb',
    'sns',
    'kinesis',
    ['The event source on DynamoDB is down', 'DynamoDB (event source)', 'SNS (failover)', 'Kinesis (retry queue)'],
  ],
  ['sns', 'kinesis', 'dynamodb', ['SNS is down', 'SNS (event source)', 'Kinesis (failover)', 'DynamoDB (retry queue)']],
])('runs on %s, with the failover %s and retries on %s', async (source, failover, retry, [announced, ...carriers]) => {
  const services = ['--source', source, '--failover', failover, '--retry', retry];
  const { code, output } = await demo('--executions', '40', ...services).ended;
  expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining(VERDICT) });
  expect(output).toContain(announced);
  for (const carrier of carriers) {
    const envelopes = numberIn(output, carrier.replace(/[()]/g, '\\$&'));
    expect({ carrier, carried: envelopes > 0 }).toEqual({ carrier, carried: true });
  }
});

test('prints an error for an invalid option', async () => {
  const { code, output } = await demo('--executions', 'many').ended;
  expect({ code, output }).toEqual({
    code: 1,
    output: expect.stringContaining('Invalid --executions "many": expected a number from 1 to 100000.'),
  });
});
