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

const USAGE = `Keeps thousands of executions under way on the embedded servers while requests fail and services go down, and watches.

  npm run soak -- [--minutes M] [--executions N] [--faults SHARE] [--seed SEED]

  --minutes     how long: 3 or more (default 5). Each minute a service is down for some seconds: SQS and DynamoDB by turns
  --executions  how many executions are under way at a time (default 2000)
  --faults      the share of requests that fail, half of them after they took effect (default 0.02)
  --seed        decides which requests fail (default 1)

It fails unless the memory of the function stays as it is, the throughput after each outage is what it was before it, and every execution
ends as it must: completed, parked, or failed and put aside as a dead letter.
`;

const SAMPLE_EVERY = 1_000;
const ROW_EVERY = 10_000;
/** When no others are started, the last executions may take any time, as long as something happens. */
const PATIENCE = 90_000;

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
  // That requests fail, and which versions of Node.js the AWS SDK likes, is nothing to hear of here.
  Object.assign(process.env, { AWS_LAMBDA_LOG_LEVEL: 'FATAL', AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true', CDK_VALIDATION: 'false' });
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
  // What the construct has written: a queue as the event source and for dead letters, and a table for the locks.
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
    }, SAMPLE_EVERY),
    watch(local, load, heap, () => [...down].join(' ')),
    setTimeout(() => { warm = heap.length; }, endOfWarmUp(length)),
    ...outages.flatMap(({ service, begin: from, end }) => [
      setTimeout(() => { down.add(service); local.takeDown(service); }, from),
      setTimeout(() => { down.delete(service); local.bringUp(service); }, end),
    ]),
  ];
  await load.run(executions, begin + length);
  const measured = heap.slice(warm);
  console.log(`\nNo execution is started any more. ${load.underWay} of ${load.started} are under way.`);
  const where = { dynamodb, lockTable: lockTable.tableName, sqs, deadLetterQueue: deadLetterQueue.queueUrl };
  const result = await audit(load.started, load.foreign, where, PATIENCE);
  timers.forEach(clearInterval);
  sqs.destroy();
  dynamodb.destroy();
  return [judgeMemory(measured), ...judgeThroughput(outages, progress), judgeExecutions(load.started, result)];
}

/** Prints a row of what there is to see, again and again. */
function watch(local: Local, load: Load, heap: readonly HeapSample[], down: () => string): NodeJS.Timeout {
  const columns = ['seconds', 'under way', 'transitions/s', 'requests/s', 'faults', 'heap MB', 'process MB', 'down'];
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
      load.underWay,
      Math.round((now.transitions - last.transitions) / seconds),
      Math.round((now.requests - last.requests) / seconds),
      local.faults,
      [...environments.values()].slice(-2).join('+'),
      megabytes(process.memoryUsage.rss()),
      down(),
    ];
    console.log(row.map((value, column) => String(value).padStart(columns[column]!.length)).join('  '));
    last = now;
  }, ROW_EVERY);
}

/** Milliseconds of processor time that this process has used, or that nobody has used, since the machine was started. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000 + cpus().reduce((total, { times }) => total + times.idle, 0);
}

function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}

/** @returns whether all is well */
function report(findings: readonly Finding[]): boolean {
  const width = Math.max(...findings.map(({ what }) => what.length));
  console.log(`\n${findings.map(({ what, measured, problems }) => `${problems.length === 0 ? 'good' : 'BAD '}  ${what.padEnd(width)}  ${measured}`).join('\n')}`);
  const problems = findings.flatMap((finding) => finding.problems);
  if (problems.length > 0) console.log(`\n${problems.length} problems:\n${problems.slice(0, 20).join('\n')}`);
  return problems.length === 0;
}

function numberOf(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= least && value <= most)) {
    throw new Error(`--${name} takes a number from ${least} to ${most}, not "${text}".`);
  }
  return value;
}

main().then((good) => {
  process.exitCode = good ? 0 : 1;
}, (error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
