import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { App } from 'aws-cdk-lib';
import { CfnQueue } from 'aws-cdk-lib/aws-sqs';
import { hitBy, NAMES, sourceName, transportsOf, type Carriers } from './demo/carriers';
import { costOfCrash } from './demo/crash';
import { LedgerReader } from './demo/ledger-reader';
import { readOptions, USAGE, type DemoOptions } from './demo/options';
import { Phases, secondsOf, transitionsOf } from './demo/phases';
import { planOrders, type PlannedOrder } from './demo/plan';
import { rateOf, reportOf } from './demo/report';
import { painter, Screen, type Paint } from './demo/screen';
import { Shop } from './demo/shop';
import { trafficOf, type Configuration } from './demo/traffic';
import { problemsOf, problemsOfOutage } from './demo/verdict';
import { killFile } from './ledger';
import { OrderStack } from './order-stack';
import { order } from './order.machine';
import { startLocal, type Faults, type Local } from '../../lambda/local';
import { WorkflowClient } from 'cdk-lambda-fsm/client';
import { normalize, toGraphviz, toMermaid } from 'cdk-lambda-fsm/machine';

const OUT = path.join(__dirname, 'out');

/**
 * On AWS, a queue hides a message for six times the timeout of the function. Here a message reappears when the lease of a crashed invocation
 * expires: after the timeout, 5 s, and 5 s for clock skew.
 */
const VISIBILITY_SECONDS = 11;

/**
 * Shares of the orders: ended before an invocation is killed, ended and placed in the healthy phase, placed by the end of the outage, and
 * ended before the last phase.
 */
const SHARES = { crash: 0.02, ended: 0.4, healthy: 0.6, outage: 0.8, recovered: 0.8 };
/** Length of the outage: the maximum applies while fewer envelopes than this have failed over. */
const OUTAGE_MS = { min: 2_500, max: 20_000 };
const MIN_FAILOVERS = 3;
/** The demo gives up after this time. */
const PATIENCE_MS = 180_000;

const TICK_MS = 50;

/** The share of failing requests, which changes with the phases: the local runner reads it for each request. */
type ChangeableFaults = { -readonly [Key in keyof Faults]: Faults[Key] };

async function main(): Promise<boolean> {
  const options = readOptions(process.argv.slice(2));
  if (!options) {
    console.log(USAGE);
    return true;
  }
  Object.assign(process.env, {
    // The failing requests would fill the log.
    AWS_LAMBDA_LOG_LEVEL: 'ERROR',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    // The template is not deployed, so it needs no validation.
    CDK_VALIDATION: 'false',
  });
  drawMachine();

  const { carriers, count, database, seed } = options;
  const resumes = database !== undefined && existsSync(database);
  const paint = painter(process.stdout);
  console.log(
    `${paint('bold', `${resumes ? 'Resuming' : 'Processing'} ${count} orders on this machine.`)} ${routeOf(carriers)}\n`,
  );
  const scratch = mkdtempSync(path.join(tmpdir(), 'order-demo-'));
  const ledgerFile = database === undefined ? path.join(scratch, 'ledger') : `${database}.ledger`;
  if (!resumes) rmSync(ledgerFile, { force: true });
  const faults: ChangeableFaults = { share: 0, seed };
  const starting = startLocal({
    assembly: synthesize(scratch, carriers),
    databaseFile: database,
    faults,
    // AWS runs the timer of the retry table, and retries asynchronous invocations, once a minute.
    scheduleInterval: 1_000,
    asynchronousRetryDelay: 1_000,
    environments: 3,
    environment: { ORDER_LEDGER: ledgerFile },
  });
  try {
    const orders = await planOrders(count);
    const demo = new Demo(options, await starting, orders, ledgerFile, faults, paint);
    return await demo.run();
  } finally {
    await starting.then((local) => local.stop());
    rmSync(scratch, { recursive: true, force: true });
  }
}

function drawMachine(): void {
  mkdirSync(OUT, { recursive: true });
  const machine = normalize(order);
  writeFileSync(path.join(OUT, 'order.mmd'), toMermaid(machine));
  writeFileSync(path.join(OUT, 'order.dot'), toGraphviz(machine));
}

function synthesize(directory: string, carriers: Carriers): string {
  const app = new App({ outdir: path.join(directory, 'cdk.out') });
  const stack = new OrderStack(app, 'Orders', transportsOf(carriers));
  for (const queue of stack.node.findAll()) {
    if (queue instanceof CfnQueue) queue.visibilityTimeout = VISIBILITY_SECONDS;
  }
  return app.synth().directory;
}

/** `Event source: SQS, failover: DynamoDB. Retry queue: SQS, failover: DynamoDB.` */
function routeOf({ source, failover, retry, failoverRetry }: Carriers): string {
  const name = (service: Carriers['failover']) => (service === undefined ? 'none' : NAMES[service]);
  return (
    `Event source: ${name(source)}, failover: ${name(failover)}. ` +
    `Retry queue: ${name(retry)}, failover: ${name(failoverRetry)}.`
  );
}

/** One run of the demo, from the first order to the verdict. */
class Demo {
  private readonly began = Date.now();
  private readonly deadline = AbortSignal.timeout(PATIENCE_MS);
  private readonly ledger: LedgerReader;
  private readonly configuration: Configuration;
  private readonly shop: Shop;
  private readonly phases: Phases;
  private readonly screen: Screen;
  /** Name of the phase in which the event source is down. */
  private readonly outage: string;
  /** Names of all phases, in order. */
  private readonly plan: readonly string[];
  private isDown = false;

  constructor(
    private readonly options: DemoOptions,
    private readonly local: Local,
    private readonly orders: readonly PlannedOrder[],
    private readonly ledgerFile: string,
    private readonly faults: ChangeableFaults,
    private readonly paint: Paint,
  ) {
    Object.assign(process.env, local.environment);
    const [configuration = ''] = Object.values(local.workflows);
    // The construct has written it.
    this.configuration = JSON.parse(configuration) as Configuration;
    this.ledger = new LedgerReader(ledgerFile);
    this.shop = new Shop(new WorkflowClient(configuration), orders, this.ledger);
    this.phases = new Phases(() => ({
      transitions: local.metrics.Transition ?? 0,
      requests: Object.values(local.requests).reduce((sum, count) => sum + count, 0),
    }));
    const { failover } = options.carriers;
    this.outage = failover ? `outage, ${NAMES[failover]} takes over` : 'outage';
    this.plan =
      options.database === undefined ? ['healthy', this.outage, 'recovered', 'drained'] : ['running', 'drained'];
    this.screen = new Screen(process.stdout, { status: () => this.status(), progress: () => this.progress() });
  }

  public async run(): Promise<boolean> {
    const closing = new AbortController();
    const open = this.shop.open(AbortSignal.any([closing.signal, this.deadline]));
    this.screen.begin();
    try {
      if (this.options.database === undefined) await this.breakThings();
      else this.faults.share = this.options.share;
      await this.drain();
    } finally {
      this.screen.end();
      closing.abort();
      await open;
    }
    return this.judge();
  }

  /** Runs the orders in a healthy environment, and then through an outage. */
  private async breakThings(): Promise<void> {
    const { source, failover } = this.options.carriers;
    const { count, share } = this.options;
    const name = sourceName(source);
    this.begin('healthy', 'All services work. One invocation is killed.');
    this.shop.admit(Math.ceil(count * SHARES.healthy));
    await this.until(() => this.shop.ended >= Math.floor(count * SHARES.crash));
    writeFileSync(killFile(this.ledgerFile), '');
    await this.until(() => this.shop.ended >= Math.floor(count * SHARES.ended));

    const failovers = this.local.metrics.Failover ?? 0;
    this.faults.share = share;
    this.local.takeDown(source, hitBy(source, this.configuration.checkpointTable.tableName));
    this.isDown = true;
    this.begin(this.outage, `${capitalize(name)} is down, ${(share * 100).toFixed(0)} % of all requests fail.`);
    this.shop.admit(Math.ceil(count * SHARES.outage));
    const begin = Date.now();
    const wasUsed = () => !failover || (this.local.metrics.Failover ?? 0) >= failovers + MIN_FAILOVERS;
    await this.until(() => Date.now() >= begin + (wasUsed() ? OUTAGE_MS.min : OUTAGE_MS.max));
    this.local.bringUp(source);
    this.isDown = false;
    this.begin(
      'recovered',
      `${capitalize(name)} is up again. ${(share * 100).toFixed(0)} % of all requests still fail.`,
    );
  }

  private async drain(): Promise<void> {
    if (this.phases.running === undefined) {
      this.begin('running', `${(this.options.share * 100).toFixed(0)} % of all requests fail.`);
    }
    this.shop.admit(this.options.count);
    const { count } = this.options;
    await this.until(() => this.shop.placed >= count && this.shop.ended >= Math.floor(count * SHARES.recovered));
    this.begin('drained', 'All orders are placed. The last ones are ending.');
    await this.shop.audit(this.deadline);
    this.phases.end();
  }

  private async judge(): Promise<boolean> {
    const { shop, ledger, local, options, paint } = this;
    await shop.describeOpen();
    ledger.update();
    const descriptions = [...shop.descriptions.values()];
    const traffic = trafficOf(descriptions, this.configuration);
    const problems = [
      ...this.orders.flatMap((each) =>
        problemsOf(each, shop.descriptions.get(each.executionId), ledger.of(each.executionId)),
      ),
      ...(options.database === undefined ? problemsOfOutage(traffic) : []),
    ];
    const { all } = this.phases;
    const report = reportOf(
      {
        descriptions,
        ledger: ledger.entries,
        traffic,
        metrics: local.metrics,
        faults: local.faults,
        healthy: all.find((phase) => phase.name === 'healthy'),
        faulty: all.filter((phase) => phase.name !== 'healthy'),
        crash: costOfCrash(descriptions, ledger.entries),
        placedAt: shop.placedAt,
      },
      paint,
    );
    console.log(`\n${report}\n`);
    console.log(
      problems.length === 0
        ? paint(
            'green',
            `All ${options.count} orders ended as planned. None was lost, and no step was committed twice.`,
          )
        : paint('red', `${problems.length} problems:\n${problems.join('\n')}`),
    );
    console.log(`Diagrams of the machine: ${path.relative('', path.join(OUT, 'order.mmd'))} and order.dot.`);
    return problems.length === 0;
  }

  // ---- progress -------------------------------------------------------------------------------------------------------------

  private begin(phase: string, explanation: string): void {
    this.phases.begin(phase);
    this.screen.note(`${this.elapsed()}  ${phase}: ${explanation}`);
  }

  private elapsed(): string {
    return `${((Date.now() - this.began) / 1000).toFixed(1)} s`.padStart(7);
  }

  private progress(): string {
    const { metrics, faults } = this.local;
    const { Transition = 0, Failover = 0 } = metrics;
    return (
      `${this.elapsed()}    ${this.shop.ended} of ${this.options.count} orders ended, ${Transition} transitions, ` +
      `${Failover} failovers, ${faults} requests made to fail`
    );
  }

  private status(): string[] {
    const { options, paint, phases, shop, local } = this;
    const begun = phases.all.map((phase) => {
      const text =
        `${phase.name.padEnd(28)}  ${secondsOf(phase).toFixed(1).padStart(5)} s` +
        `  ${String(transitionsOf(phase)).padStart(5)} transitions  ${rateOf(phase).padStart(4)} per second`;
      if (phase.name !== phases.running) return `  ${paint('green', '✓')} ${text}`;
      return `  ${paint(this.isDown ? 'red' : 'cyan', '▸')} ${paint('bold', text)}`;
    });
    const coming = this.plan.slice(begun.length).map((name) => paint('dim', `  · ${name}`));
    const width = 40;
    const done = Math.round((shop.ended / options.count) * width);
    const bar = paint('green', '█'.repeat(done)) + paint('dim', '░'.repeat(width - done));
    const { Failover = 0, Retry = 0 } = local.metrics;
    return [
      ...begun,
      ...coming,
      '',
      `  ${bar}  ${shop.ended} of ${options.count} orders ended`,
      `  ${Failover} failovers, ${Retry} retries, ${local.faults} requests made to fail`,
    ];
  }

  private async until(condition: () => boolean): Promise<void> {
    while (!condition() && !this.deadline.aborted) await pause(TICK_MS);
  }
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
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
