import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { App } from 'aws-cdk-lib';
import { audit } from './audit';
import { HEAP_PREFIX, type HeapSample } from './heap';
import { Load } from './load';
import { endOfWarmUp, outagesOf, type Progress } from './schedule';
import { addParcels } from './stack';
import { judgeExecutions, judgeMemory, judgeThroughput, type Finding } from './verdict';
import { startLocal, type Local } from '../../lambda/local';
import { WorkflowClient } from 'cdk-lambda-fsm/client';

const USAGE = `Runs thousands of executions on the embedded servers while requests fail and services have outages.

  npm run soak -- [--minutes M] [--executions N] [--faults SHARE] [--seed SEED]

  --minutes     duration, 3 or more (default 5). Each minute has an outage of some seconds, of SQS and DynamoDB in turn
  --executions  number of concurrent executions (default 2000)
  --faults      share of requests that fail, half of them after they took effect, and a quarter throttled (default 0.02)
  --seed        selects the requests that fail (default 1)

The soak test passes if the function's memory does not grow, the throughput recovers after each outage, and every execution ends as expected:
completed, parked, or failed with a dead letter.
`;

const SAMPLE_INTERVAL_MS = 1_000;
const ROW_INTERVAL_MS = 10_000;
/** The last executions may take any time, unless nothing changes for this long. */
const PATIENCE_MS = 90_000;

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '5' },
      executions: { type: 'string', default: '2000' },
      faults: { type: 'string', default: '0.02' },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return true;
  }
  const minutes = numberOf('minutes', values.minutes, 3, 10_000);
  const executions = numberOf('executions', values.executions, 1, 100_000);
  const share = numberOf('faults', values.faults, 0, 0.5);
  // Suppresses logs of failing requests, and warnings of the AWS SDK about versions of Node.js.
  Object.assign(process.env, {
    AWS_LAMBDA_LOG_LEVEL: 'FATAL',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    CDK_VALIDATION: 'false',
  });
  const scratch = mkdtempSync(path.join(tmpdir(), 'soak-'));
  const heap: HeapSample[] = [];
  try {
    const app = new App({ outdir: path.join(scratch, 'cdk.out') });
    addParcels(app);
    const local = await startLocal({
      assembly: app.synth().directory,
      faults: { share, seed: values.seed },
      // The timer of the retry table fires every second instead of every minute.
      scheduleInterval: 1_000,
      onLine: (line) => {
        if (line.startsWith(HEAP_PREFIX)) heap.push(JSON.parse(line.slice(HEAP_PREFIX.length)) as HeapSample);
      },
    });
    try {
      return report(await soak(local, minutes * 60_000, executions, heap));
    } finally {
      await local.stop();
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function soak(local: Local, length: number, executions: number, heap: HeapSample[]): Promise<Finding[]> {
  Object.assign(process.env, local.environment);
  const [configuration = ''] = Object.values(local.workflows);
  // The construct writes this configuration for the stack in stack.ts.
  const { eventSource, deadLetterQueue, lockTable } = JSON.parse(configuration) as {
    readonly eventSource: { readonly queueUrl: string };
    readonly deadLetterQueue: { readonly queueUrl: string };
    readonly lockTable: { readonly tableName: string };
  };
  const [sqs, dynamodb] = [new SQSClient(), new DynamoDBClient()];
  const ended = () => (local.metrics.Completed ?? 0) + (local.metrics.Fatal ?? 0);
  const load = new Load(new WorkflowClient(configuration), { sqs, url: eventSource.queueUrl }, ended);

  const begin = Date.now();
  const outages = outagesOf(length);
  const progress: Progress[] = [];
  const down = new Set<string>();
  let warm = 0;
  const timers = [
    setInterval(() => {
      progress.push({ at: Date.now() - begin, transitions: local.metrics.Transition ?? 0, processor: processorTime() });
    }, SAMPLE_INTERVAL_MS),
    watch(local, load, heap, () => [...down].join(' ')),
    setTimeout(() => {
      warm = heap.length;
    }, endOfWarmUp(length)),
    ...outages.flatMap(({ service, begin: from, end }) => [
      setTimeout(() => {
        down.add(service);
        local.takeDown(service);
      }, from),
      setTimeout(() => {
        down.delete(service);
        local.bringUp(service);
      }, end),
    ]),
  ];
  await load.run(executions, begin + length);
  const measured = heap.slice(warm);
  console.log(`\nStarted ${load.started} executions, of which ${load.running} are running. Waiting for them to end.`);
  const where = { dynamodb, lockTable: lockTable.tableName, sqs, deadLetterQueue: deadLetterQueue.queueUrl };
  const result = await audit(load.started, load.foreign, where, PATIENCE_MS);
  timers.forEach(clearInterval);
  sqs.destroy();
  dynamodb.destroy();
  return [judgeMemory(measured), ...judgeThroughput(outages, progress), judgeExecutions(load.started, result)];
}

/** Prints a row of measurements at an interval. */
function watch(local: Local, load: Load, heap: readonly HeapSample[], outages: () => string): NodeJS.Timeout {
  const columns = ['seconds', 'running', 'transitions/s', 'requests/s', 'faults', 'heap MB', 'process MB', 'outage'];
  console.log(columns.join('  '));
  const begin = Date.now();
  let last = { at: begin, transitions: 0, requests: 0 };
  return setInterval(() => {
    const requests = Object.values(local.requests).reduce((total, count) => total + count, 0);
    const now = { at: Date.now(), transitions: local.metrics.Transition ?? 0, requests };
    const seconds = (now.at - last.at) / 1000;
    const environments = new Map(heap.map(({ environment, bytes }) => [environment, megabytes(bytes)]));
    const row = [
      Math.round((now.at - begin) / 1000),
      load.running,
      Math.round((now.transitions - last.transitions) / seconds),
      Math.round((now.requests - last.requests) / seconds),
      local.faults,
      [...environments.values()].slice(-2).join('+'),
      megabytes(process.memoryUsage.rss()),
      outages(),
    ];
    console.log(row.map((value, column) => String(value).padStart(columns[column]!.length)).join('  '));
    last = now;
  }, ROW_INTERVAL_MS);
}

/** Returns the processor time available to this process since the system started, in milliseconds: its own and the idle time. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000 + cpus().reduce((total, { times }) => total + times.idle, 0);
}

function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}

/** Prints the results, and returns whether all checks passed. */
function report(findings: readonly Finding[]): boolean {
  const width = Math.max(...findings.map(({ what }) => what.length));
  console.log(
    `\n${findings.map(({ what, measured, problems }) => `${problems.length === 0 ? 'pass' : 'FAIL'}  ${what.padEnd(width)}  ${measured}`).join('\n')}`,
  );
  const problems = findings.flatMap((finding) => finding.problems);
  if (problems.length > 0) console.log(`\nProblems (${problems.length}):\n${problems.slice(0, 20).join('\n')}`);
  return problems.length === 0;
}

function numberOf(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= min && value <= max)) {
    throw new Error(`Invalid --${name} "${text}": expected a number from ${min} to ${max}.`);
  }
  return value;
}

main().then(
  (passed) => {
    process.exitCode = passed ? 0 : 1;
  },
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  },
);
