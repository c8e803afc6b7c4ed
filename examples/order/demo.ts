import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { App } from 'aws-cdk-lib';
import { hitBy, NAMES, transportsOf, type Carriers } from './demo/carriers';
import { trafficOf, type Configuration } from './demo/envelopes';
import { readOptions, USAGE, type DemoOptions } from './demo/options';
import { planOrders } from './demo/plan';
import { tableOf } from './demo/report';
import { Shop } from './demo/shop';
import { problemsOf, problemsOfOutage } from './demo/verdict';
import { readLedger } from './ledger';
import { OrderStack } from './order-stack';
import { order } from './order.machine';
import { startLocal, type Local } from '../../lambda/local';
import { WorkflowClient } from 'cdk-lambda-fsm/client';
import { normalize, toGraphviz, toMermaid } from 'cdk-lambda-fsm/machine';

const OUT = path.join(__dirname, 'out');
/**
 * When the event source goes down and for how long, how often it is looked whether the failover has been used, and when the demo gives up.
 * In milliseconds.
 */
const OUTAGE = { begin: 2_000, length: 5_000, look: 250 };
const PATIENCE = 180_000;

async function main(): Promise<boolean> {
  const options = readOptions(process.argv.slice(2));
  if (!options) {
    console.log(USAGE);
    return true;
  }
  // That requests fail, and which versions of Node.js the AWS SDK likes, is nothing to hear of here. Nor are the templates deployed, so
  // their validation would only take time.
  Object.assign(process.env, { AWS_LAMBDA_LOG_LEVEL: 'ERROR', AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true', CDK_VALIDATION: 'false' });

  mkdirSync(OUT, { recursive: true });
  const machine = normalize(order);
  writeFileSync(path.join(OUT, 'order.mmd'), toMermaid(machine));
  writeFileSync(path.join(OUT, 'order.dot'), toGraphviz(machine));

  const { database, carriers, count, share, seed } = options;
  const scratch = mkdtempSync(path.join(tmpdir(), 'order-demo-'));
  const resumes = database !== undefined && existsSync(database);
  const ledgerFile = database === undefined ? path.join(scratch, 'ledger') : `${database}.ledger`;
  if (!resumes) {
    rmSync(ledgerFile, { force: true });
  }
  const local = await startLocal({
    assembly: synthesize(scratch, carriers),
    databaseFile: database,
    faults: { share, seed },
    // What AWS does each minute, the timer of the retry table and asynchronous invocations that have failed, is done each second.
    scheduleInterval: 1_000,
    asynchronousRetryDelay: 1_000,
    environment: { ORDER_LEDGER: ledgerFile },
  });
  console.log(`${resumes ? 'Going on with' : 'Starting'} ${count} orders ${routeOf(carriers)}. ` +
    `Of all requests, ${share * 100} % fail, half of them after they took effect (seed ${seed}).`);
  try {
    return await run(local, options, ledgerFile);
  } finally {
    await local.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}

function synthesize(directory: string, carriers: Carriers): string {
  const app = new App({ outdir: path.join(directory, 'cdk.out') });
  new OrderStack(app, 'Orders', transportsOf(carriers));
  return app.synth().directory;
}

/** `over SQS (failover: DynamoDB), retries over SQS (failover: DynamoDB)` */
function routeOf({ source, failover, retry, failoverRetry }: Carriers): string {
  const withFailover = (service: string, other?: string) => `over ${service}${other === undefined ? '' : ` (failover: ${other})`}`;
  return `${withFailover(NAMES[source], failover && NAMES[failover])}, retries ${withFailover(NAMES[retry], failoverRetry && NAMES[failoverRetry])}`;
}

async function run(local: Local, { count, carriers, database }: DemoOptions, ledgerFile: string): Promise<boolean> {
  Object.assign(process.env, local.environment);
  const [configuration = ''] = Object.values(local.workflows);
  // Written by the construct.
  const transports = JSON.parse(configuration) as Configuration;
  const orders = await planOrders(count);
  const shop = new Shop(new WorkflowClient(configuration), orders, () => local.metrics.Completed ?? 0);
  const begin = Date.now();
  const elapsed = () => (Date.now() - begin) / 1000;
  const progress = setInterval(() => {
    const { Transition = 0, Retry = 0, Failover = 0 } = local.metrics;
    console.log(`${elapsed().toFixed(0).padStart(4)} s  ${shop.ended} of ${count} ended, ` +
      `${Transition} transitions, ${Retry} retries, ${Failover} failovers, ${local.faults} requests made to fail`);
  }, 2_000);
  const outage = new AbortController();
  // In a file there is nothing but DynamoDB, and so nothing else that could take over.
  const withOutage = database === undefined;
  const over = withOutage ? breakDown(local, carriers, transports, outage.signal) : undefined;
  await Promise.all([shop.placeOrders(), shop.attend(begin + PATIENCE)]);
  const seconds = elapsed();
  clearInterval(progress);
  outage.abort();
  await over;

  const ledger = readLedger(ledgerFile);
  const descriptions = [...shop.descriptions.values()];
  const traffic = trafficOf(descriptions, transports);
  const problems = [
    ...orders.flatMap((each) => problemsOf(each, shop.descriptions.get(each.executionId), ledger.get(each.executionId) ?? [])),
    ...withOutage ? problemsOfOutage(traffic) : [],
  ];
  console.log(`\n${tableOf({ descriptions, ledger, traffic, local, seconds })}\n`);
  console.log(`The machine is drawn in ${path.relative('', OUT)}: order.mmd (Mermaid) and order.dot (Graphviz).`);
  console.log(problems.length === 0
    ? `All ${count} orders have ended as they must, and every step counts once (${seconds.toFixed(0)} s).`
    : `${problems.length} problems:\n${problems.join('\n')}`);
  return problems.length === 0;
}

/** Takes the event source down for a while, and longer when the failover was not needed yet. */
async function breakDown(
  local: Local, { source, failover }: Carriers, { checkpointTable }: Configuration, signal: AbortSignal,
): Promise<void> {
  const name = source === 'dynamodb' ? 'The event source on DynamoDB' : NAMES[source];
  await pause(OUTAGE.begin, undefined, { signal }).catch(() => undefined);
  if (signal.aborted) return;
  const before = local.metrics.Failover ?? 0;
  local.takeDown(source, hitBy(source, checkpointTable.tableName));
  console.log(`        ${name} goes down.`);
  await pause(OUTAGE.length, undefined, { signal }).catch(() => undefined);
  while (!signal.aborted && failover && (local.metrics.Failover ?? 0) === before) {
    await pause(OUTAGE.look, undefined, { signal }).catch(() => undefined);
  }
  local.bringUp(source);
  console.log(`        ${name} is up again.`);
}

main().then((good) => {
  process.exitCode = good ? 0 : 1;
}, (error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
