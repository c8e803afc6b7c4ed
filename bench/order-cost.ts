import { DynamoDBClient, ScanCommand, type AttributeValue, type ConsumedCapacity } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { createWorkflow } from './sources';
import { EmbeddedMetrics } from '../lambda/aws/cloudwatch/embedded-metrics';
import { connect } from '../lambda/aws/connect';
import { defaultSystem } from '../lambda/aws/system';
import type { WorkflowConfiguration } from '../lambda/contract/configuration';
import { actionsOf, Engine, Executions, type Delivery } from '../lambda/engine';
import { normalize } from '../lambda/machine';
import type { Implementation } from '../lambda/runtime';

/** The event sources of the price table in the README. */
export type PricedSource = 'sqs' | 'dynamodb';

/** The AWS usage of one order: an average if several orders share their batches. */
export interface OrderUsage {
  /** Number of transitions, including the start. */
  readonly transitions: number;
  /** Units of 1 KB; a transaction takes twice as many. */
  readonly writeUnits: number;
  /** Units of 4 KB. */
  readonly readUnits: number;
  /** Sends, receives and deletes. */
  readonly sqsRequests: number;
  readonly invocations: number;
  /** Bytes of metrics in the embedded metric format, which CloudWatch bills as logs. */
  readonly metricBytes: number;
  /** Bytes in the tables until they expire. */
  readonly storedBytes: number;
  /** Number of custom metrics that the orders of this workflow share. */
  readonly customMetrics: number;
}

/** Dollars for a million units, or for a GB, in us-east-1 as of November 2026. Storage includes point-in-time recovery. */
export const PRICES = {
  writeUnits: 0.625,
  readUnits: 0.125,
  sqsRequests: 0.4,
  invocations: 0.2,
  gigabyteSeconds: 13.3334,
  logGigabytes: 0.5,
  storedGigabyteMonths: 0.45,
} as const;

/** The billed quantities of one order. A million orders cost the price of a million units, or of a GB for each KB. */
export type BilledQuantities = { readonly [Unit in keyof typeof PRICES]: number };

/** The default memory of the function. */
const MEMORY_GB = 0.5;
/** Assumed duration of an invocation in seconds, without the user's own work: alone, and with a batch of 10. */
const DURATION = { alone: 0.05, batch: 0.1 };
/** Bytes of the lines with which Lambda logs each invocation, including the overhead that CloudWatch bills for each line. */
const PLATFORM_LOG_BYTES = 400;

export function billedQuantities(usage: OrderUsage, batch: number): BilledQuantities {
  const { writeUnits, readUnits, sqsRequests, invocations, metricBytes, storedBytes: stored } = usage;
  return {
    writeUnits,
    readUnits,
    sqsRequests,
    invocations,
    gigabyteSeconds: invocations * MEMORY_GB * (batch === 1 ? DURATION.alone : DURATION.batch),
    logGigabytes: (metricBytes + invocations * PLATFORM_LOG_BYTES) / 1_000,
    storedGigabyteMonths: stored / 1_000,
  };
}

/** Dollars for a million orders. */
export function priceOf(quantities: BilledQuantities): number {
  // The keys of both objects are the same.
  const units = Object.keys(PRICES) as (keyof typeof PRICES)[];
  return units.reduce((sum, unit) => sum + quantities[unit] * PRICES[unit], 0);
}

const DAY_MS = 86_400_000;
/** The timeout of the README's order is due after a week. */
const AFTER_TIMEOUT_MS = 8 * DAY_MS;
/** @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html */
const ITEM_OVERHEAD_BYTES = 100;

/**
 * Runs orders of the README from the start through the payment to the delivery, and their timeouts a week later. The clients of the runtime
 * use the embedded servers that the environment variables name, and the servers report the consumed capacity.
 *
 * @param batch number of orders in each batch
 */
export async function measureOrder(
  source: PricedSource,
  { machine, actions }: Implementation,
  batch: number,
): Promise<OrderUsage> {
  const configuration: WorkflowConfiguration = {
    ...(await createWorkflow(source)),
    machines: [machine.name],
    retryQueues: [{ service: 'dynamodb', tableName: `${source}-retries`, shards: 4 }],
  };
  const system = defaultSystem();
  let ahead = 0;
  const clock: typeof system.clock = {
    now: () => Date.now() + ahead,
    sleep: (milliseconds, signal) => system.clock.sleep(milliseconds, signal),
  };
  let metricLines = '';
  const metrics = new EmbeddedMetrics(configuration.workflow, clock, (lines) => (metricLines += lines));
  const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const { ports, dueStores, close } = await connect(configuration, { ...system, clock, metrics, logger: silent });
  const [eventSource] = ports.eventSources;
  if (!eventSource) throw new Error('The workflow has no event source.');

  const waiting: string[] = [];
  const send = eventSource.send.bind(eventSource);
  eventSource.send = (envelopes) => {
    waiting.push(...envelopes.map(({ body }) => body));
    return send(envelopes);
  };
  const engine = new Engine(ports, [normalize(machine)], actionsOf(actions));
  const client = new Executions(ports, [machine.name]);
  let invocations = 0;
  const invocation = () => ({ deadline: clock.now() + 30_000 });
  const deliverAll = async () => {
    while (waiting.length > 0) {
      const deliveries = waiting.splice(0, batch).map((body, index): Delivery => {
        const id = `00000000-0000-4000-8000-${String(invocations * batch + index).padStart(12, '0')}`;
        return {
          id,
          body,
          place: { service: source, resource: QUEUE_URL, messageId: id },
          blocking: source !== 'sqs',
          ordered: false,
        };
      });
      const outcomes = await engine.process(deliveries, invocation());
      if ([...outcomes.values()].includes('redeliver')) {
        throw new Error('The workflow returned a message to its source.');
      }
      invocations++;
    }
  };

  const meter = new Meter();
  const executionIds = Array.from({ length: batch }, (_, index) => `8f14e45f-ceea-467f-9d8c-${1_000 + index}`);
  await client.startMany(
    executionIds.map((executionId) => ({ machine: machine.name, executionId, context: { sku: 'tea' } })),
  );
  await deliverAll();
  for (const id of executionIds) await client.send(id, 'paid', { id: 'payment-4711', data: 499 });
  await deliverAll();
  ahead = AFTER_TIMEOUT_MS;
  await engine.sendDue(dueStores, clock.now() + 10_000, invocation());
  await deliverAll();
  meter.stop();

  const found = await Promise.all(executionIds.map((id) => client.describe(id)));
  const transitions = found.reduce((sum, execution) => sum + (execution?.steps.length ?? 0), 0);
  if (found.some((execution) => execution?.status !== 'completed')) throw new Error('An order has not completed.');
  const tables = ['locks', 'checkpoints', 'retries'].map((name) => `${source}-${name}`);
  const stored = await Promise.all(tables.map(storedBytes));
  close();
  // Lambda receives and deletes the messages of an invocation in one request each.
  const polling = source === 'sqs' ? 2 * invocations : 0;
  return {
    transitions: transitions / batch,
    writeUnits: meter.writeUnits / batch,
    readUnits: meter.readUnits / batch,
    sqsRequests: (meter.sqsRequests + polling) / batch,
    invocations: invocations / batch,
    metricBytes: Buffer.byteLength(metricLines) / batch,
    storedBytes: stored.reduce((sum, bytes) => sum + bytes, 0) / batch,
    customMetrics: customMetrics(metricLines),
  };
}

/** As long as the URL of a queue in AWS. */
const QUEUE_URL =
  'https://sqs.us-east-1.amazonaws.com/123456789012/Orders-OrdersEventSourceSqsQueue0A1B2C3D-abcdefghijkl';

type Send = (command: { readonly input: object }) => Promise<unknown>;

/** Counts the usage of the AWS clients in this process, from its creation until it is stopped. */
class Meter {
  public writeUnits = 0;
  public readUnits = 0;
  public sqsRequests = 0;
  private readonly restore: (() => void)[] = [];

  constructor() {
    this.wrap(DynamoDBClient.prototype, async (command, send) => {
      Object.assign(command.input, { ReturnConsumedCapacity: 'TOTAL' });
      const answer = await send();
      // The input requested the consumed capacity.
      const { ConsumedCapacity } = answer as { ConsumedCapacity?: ConsumedCapacity | readonly ConsumedCapacity[] };
      for (const { CapacityUnits = 0, TableName = '' } of [ConsumedCapacity ?? []].flat() as ConsumedCapacity[]) {
        if (!/^(Get|Query)/.test(command.constructor.name)) this.writeUnits += CapacityUnits;
        // The timer queries the retry table once a minute in any case.
        else if (!TableName.endsWith('-retries')) this.readUnits += CapacityUnits;
      }
      return answer;
    });
    this.wrap(SQSClient.prototype, async (_, send) => {
      this.sqsRequests++;
      return send();
    });
  }

  public stop(): void {
    for (const restore of this.restore) restore();
  }

  private wrap(
    prototype: object,
    around: (command: Parameters<Send>[0], send: () => Promise<unknown>) => Promise<unknown>,
  ): void {
    // Both prototypes inherit `send` from the client of the SDK.
    const client = prototype as { send?: Send };
    const { send: original } = client;
    if (!original) throw new Error('The AWS client has no method "send".');
    client.send = function (this: unknown, command) {
      return around(command, () => original.call(this, command));
    };
    this.restore.push(() => delete client.send);
  }
}

async function storedBytes(TableName: string): Promise<number> {
  const { Items = [] } = await new DynamoDBClient().send(new ScanCommand({ TableName }));
  return Items.reduce((sum, item) => sum + ITEM_OVERHEAD_BYTES + sizeOfMap(item), 0);
}

function sizeOfMap(map: Record<string, AttributeValue>): number {
  return Object.entries(map).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + sizeOf(value), 0);
}

/** @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html */
function sizeOf({ S, N, B, SS, L, M }: AttributeValue): number {
  if (S !== undefined) return Buffer.byteLength(S);
  if (N !== undefined) return Math.ceil(N.length / 2) + 1;
  if (B !== undefined) return B.length;
  if (SS !== undefined) return SS.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (L !== undefined) return L.reduce((sum, value) => sum + 1 + sizeOf(value), 3);
  if (M !== undefined) return 3 + sizeOfMap(M);
  return 1;
}

interface MetricLine {
  readonly _aws: {
    readonly CloudWatchMetrics: readonly {
      readonly Dimensions: readonly (readonly string[])[];
      readonly Metrics: readonly { readonly Name: string }[];
    }[];
  };
  readonly [dimension: string]: unknown;
}

/** CloudWatch bills each combination of a name and the values of its dimensions as one metric. */
function customMetrics(lines: string): number {
  const metrics = new Set<string>();
  for (const text of lines.split('\n').filter((each) => each !== '')) {
    // EmbeddedMetrics wrote the line.
    const line = JSON.parse(text) as MetricLine;
    for (const { Dimensions, Metrics } of line._aws.CloudWatchMetrics) {
      for (const { Name } of Metrics) {
        for (const names of Dimensions) metrics.add([Name, ...names.map((name) => `${name}=${line[name]}`)].join());
      }
    }
  }
  return metrics.size;
}
