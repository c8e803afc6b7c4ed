import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from './support';

/** The machine that tests run on may have much else to do. */
jest.setTimeout(240_000);

const ROOT = join(__dirname, '..', '..');

interface Run {
  readonly process: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly output: string }>;
}

const runs: Run[] = [];
afterEach(() => runs.splice(0).forEach((run) => run.process.kill('SIGKILL')));

/** Runs the demo in one process, so that whoever kills it kills all of it. */
function demo(...parameters: string[]): Run {
  const child = spawn(process.execPath, ['--import', 'tsx', join('examples', 'order', 'demo.ts'), ...parameters], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => output += chunk.toString());
  }
  const run = { process: child, ended: new Promise<{ code: number | null; output: string }>((resolve) => child.on('close', (code) => resolve({ code, output }))) };
  runs.push(run);
  return run;
}

/** The number in a row of the table at the end. */
function numberIn(output: string, row: string): number {
  return Number(new RegExp(`^ +${row} +(\\d+)`, 'm').exec(output)?.[1]);
}

test('requests fail, the queue goes down, and every order ends as it must', async () => {
  const { code, output } = await demo('--executions', '40', '--seed', '3').ended;
  expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('All 40 orders have ended as they must, and every step counts once') });
  expect(numberIn(output, 'executions delivered') + numberIn(output, 'executions cancelled') + numberIn(output, 'executions rejected')).toBe(40);
  expect(output).toContain('SQS goes down.');
  expect(numberIn(output, 'envelopes by SQS, the event source')).toBeGreaterThan(0);
  expect(numberIn(output, 'envelopes by DynamoDB, the failover')).toBeGreaterThan(0);
  for (const row of ['transitions', 'retries', 'caught', 'failovers', 'requests that were made to fail']) {
    expect({ row, number: numberIn(output, row) > 0 }).toEqual({ row, number: true });
  }
  expect(readFileSync(join(ROOT, 'examples', 'order', 'out', 'order.mmd'), 'utf8')).toContain('awaitingPayment');
});

test('killed half-way and started again with the same file, it goes on and every order ends as it must', async () => {
  const database = join(temporaryDirectory(), 'orders.db');
  const ledger = `${database}.ledger`;
  const parameters = ['--executions', '40', '--db', database];
  const lines = () => existsSync(ledger) ? readFileSync(ledger, 'utf8').split('\n').length : 0;

  const first = demo(...parameters);
  // The forty orders make about 350 runs of actions.
  while (lines() < 150 && first.process.exitCode === null) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  first.process.kill('SIGKILL');
  const killed = await first.ended;
  expect({ code: killed.code, output: killed.output }).toEqual({ code: null, output: expect.stringContaining('Starting 40 orders') });
  expect(lines()).toBeLessThan(320);

  const { code, output } = await demo(...parameters).ended;
  expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('All 40 orders have ended as they must, and every step counts once') });
  expect(output).toContain('Going on with 40 orders');
  // The stream is read again from its beginning, and what was done before is known.
  expect(numberIn(output, 'duplicates dropped')).toBeGreaterThan(0);
});

test.each([
  ['dynamodb', 'sns', 'kinesis', ['The event source on DynamoDB goes down.', 'DynamoDB, the event source', 'SNS, the failover', 'Kinesis, the retry queue']],
  ['sns', 'kinesis', 'dynamodb', ['SNS goes down.', 'SNS, the event source', 'Kinesis, the failover', 'DynamoDB, the retry queue']],
])('over %s, with %s as failover and retries over %s, it comes to the same', async (source, failover, retry, [announced, ...carriers]) => {
  const { code, output } = await demo('--executions', '40', '--source', source, '--failover', failover, '--retry', retry).ended;
  expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('All 40 orders have ended as they must, and every step counts once') });
  expect(output).toContain(announced);
  for (const carrier of carriers) {
    expect({ carrier, carried: numberIn(output, `envelopes by ${carrier}`) > 0 }).toEqual({ carrier, carried: true });
  }
});

test('what it cannot run is said', async () => {
  const { code, output } = await demo('--executions', 'many').ended;
  expect({ code, output }).toEqual({ code: 1, output: expect.stringContaining('--executions takes a number from 1 to 100000, not "many".') });
});
