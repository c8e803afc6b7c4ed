import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { App } from 'aws-cdk-lib';
import { planOrders } from './demo/plan';
import { tableOf } from './demo/report';
import { Shop } from './demo/shop';
import { problemsOf } from './demo/verdict';
import { readLedger } from './ledger';
import { addOrderStacks, ON_DYNAMODB, ON_QUEUES } from './order-stack';
import { order } from './order.machine';
import { startLocal, type Local } from '../../lambda/local';
import { WorkflowClient } from 'cdk-lambda-fsm/client';
import { normalize, toGraphviz, toMermaid } from 'cdk-lambda-fsm/machine';

const OUT = path.join(__dirname, 'out');
/** When the primary event source goes down and for how long, and when the demo gives up. In milliseconds. */
const OUTAGE = { begin: 2_000, length: 5_000 };
const PATIENCE = 180_000;

const USAGE = `Runs the order workflow on this machine, with failing requests.

  --executions N  how many orders (default 200)
  --faults SHARE  the share of requests that fail, half of them after they took effect (default 0.05)
  --seed SEED     decides which requests fail (default 1)
  --db FILE       keep the tables in a file, and run on DynamoDB alone: kill the demo, start it again, and it goes on
`;

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      executions: { type: 'string', default: '200' },
      faults: { type: 'string', default: '0.05' },
      seed: { type: 'string', default: '1' },
      db: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return true;
  }
  const count = numberOf('executions', values.executions, 1, 100_000);
  const share = numberOf('faults', values.faults, 0, 1);
  // That requests fail, and which versions of Node.js the AWS SDK likes, is nothing to hear of here. Nor are the templates deployed, so
  // their validation would only take time.
  Object.assign(process.env, { AWS_LAMBDA_LOG_LEVEL: 'ERROR', AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true', CDK_VALIDATION: 'false' });

  mkdirSync(OUT, { recursive: true });
  const machine = normalize(order);
  writeFileSync(path.join(OUT, 'order.mmd'), toMermaid(machine));
  writeFileSync(path.join(OUT, 'order.dot'), toGraphviz(machine));

  const scratch = mkdtempSync(path.join(tmpdir(), 'order-demo-'));
  const database = values.db === undefined ? undefined : path.resolve(values.db);
  const resumes = database !== undefined && existsSync(database);
  const ledgerFile = database === undefined ? path.join(scratch, 'ledger') : `${database}.ledger`;
  if (!resumes) {
    rmSync(ledgerFile, { force: true });
  }
  const stack = database === undefined ? ON_QUEUES : ON_DYNAMODB;
  const local = await startLocal({
    assembly: synthesize(scratch),
    stack,
    databaseFile: database,
    faults: { share, seed: values.seed },
    // The timer of the retry table fires every second instead of every minute.
    scheduleInterval: 1_000,
    environment: { ORDER_LEDGER: ledgerFile },
  });
  console.log(`${resumes ? 'Going on with' : 'Starting'} ${count} orders in the stack ${stack}. ` +
    `Of all requests, ${share * 100} % fail, half of them after they took effect (seed ${values.seed}).`);
  try {
    return await run(local, count, ledgerFile, stack === ON_QUEUES);
  } finally {
    await local.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}

function synthesize(directory: string): string {
  const app = new App({ outdir: path.join(directory, 'cdk.out') });
  addOrderStacks(app);
  return app.synth().directory;
}

async function run(local: Local, count: number, ledgerFile: string, withOutage: boolean): Promise<boolean> {
  Object.assign(process.env, local.environment);
  const orders = await planOrders(count);
  const shop = new Shop(new WorkflowClient(Object.values(local.workflows)[0] ?? ''), orders, () => local.metrics.Completed ?? 0);
  const begin = Date.now();
  const elapsed = () => (Date.now() - begin) / 1000;
  const timers = [setInterval(() => {
    const { Transition = 0, Retry = 0, Failover = 0 } = local.metrics;
    console.log(`${elapsed().toFixed(0).padStart(4)} s  ${shop.ended} of ${count} ended, ` +
      `${Transition} transitions, ${Retry} retries, ${Failover} failovers, ${local.faults} requests made to fail`);
  }, 2_000)];
  if (withOutage) {
    timers.push(
      setTimeout(() => announce('SQS goes down.', () => local.takeDown('sqs')), OUTAGE.begin),
      setTimeout(() => announce('SQS is up again.', () => local.bringUp('sqs')), OUTAGE.begin + OUTAGE.length),
    );
  }
  await Promise.all([shop.placeOrders(), shop.attend(begin + PATIENCE)]);
  timers.forEach(clearInterval);
  const seconds = elapsed();

  const ledger = readLedger(ledgerFile);
  const problems = orders.flatMap((each) => problemsOf(each, shop.descriptions.get(each.executionId), ledger.get(each.executionId) ?? []));
  console.log(`\n${tableOf({ descriptions: [...shop.descriptions.values()], ledger, local, seconds })}\n`);
  console.log(`The machine is drawn in ${path.relative('', OUT)}: order.mmd (Mermaid) and order.dot (Graphviz).`);
  console.log(problems.length === 0
    ? `All ${count} orders have ended as they must, and every step counts once (${seconds.toFixed(0)} s).`
    : `${problems.length} problems:\n${problems.join('\n')}`);
  return problems.length === 0;
}

function announce(text: string, act: () => void): void {
  act();
  console.log(`        ${text}`);
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
