import { subscribe } from 'node:diagnostics_channel';
import { pathToFileURL } from 'node:url';
import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { answer } from './child';
import { Batches, eventOf } from './ring';
import { createWorkflow, type Source } from './sources';

/** What the built handler costs on the embedded servers. */
export interface HandlerCost {
  /** AWS requests for each transition. */
  readonly requests: { readonly alone: number; readonly batchOf10: number };
  /** Milliseconds of processor time for each transition, in batches of 10, with the AWS SDK's. */
  readonly cpu: number;
  /** Transitions a second, one batch of 100 after another. */
  readonly throughput: number;
  /** Conditional writes a second that the AWS client makes that does nothing else, 50 at once, as many as the handler has on their way. */
  readonly writes: number;
}

type Handler = (
  event: unknown, context: { getRemainingTimeInMillis(): number },
) => Promise<{ readonly batchItemFailures: readonly unknown[] }>;

async function main(source: Source, runtime: string): Promise<void> {
  const configuration = await createWorkflow(source);
  process.env.FSM_WORKFLOW = JSON.stringify(configuration);
  // The bundle's exports are those of lambda/runtime/handler.mts.
  const { handler } = await import(pathToFileURL(runtime).href) as { readonly handler: Handler };
  let requests = 0;
  subscribe('http.client.request.start', () => { requests++; });

  const invoke = async (bodies: readonly string[]) => {
    const { batchItemFailures } = await handler(eventOf(source, bodies), { getRemainingTimeInMillis: () => 30_000 });
    if (batchItemFailures.length > 0) throw new Error(`${batchItemFailures.length} of ${bodies.length} records were given back to ${source}.`);
  };
  const measure = async (name: string, size: number, batches: number) => {
    const ring = new Batches(name, size);
    // The first step is the start. Whatever else is done for the first time is done with it.
    await invoke(ring.next());
    requests = 0;
    const cpu = process.cpuUsage();
    const began = performance.now();
    for (let batch = 0; batch < batches; batch++) await invoke(ring.next());
    const milliseconds = performance.now() - began;
    const { user, system } = process.cpuUsage(cpu);
    const transitions = size * batches;
    return { requests: requests / transitions, cpu: (user + system) / 1000 / transitions, throughput: transitions / milliseconds * 1000 };
  };

  await measure('warm-up', 10, 50);
  const alone = await measure('alone', 1, 50);
  const ten = await measure('ten', 10, 100);
  const hundred = await measure('hundred', 100, 20);
  const cost: HandlerCost = {
    requests: { alone: alone.requests, batchOf10: ten.requests },
    cpu: ten.cpu,
    throughput: hundred.throughput,
    writes: await conditionalWrites(configuration.lockTable.service === 'dynamodb' ? configuration.lockTable.tableName : ''),
  };
  answer(cost);
}

async function conditionalWrites(TableName: string): Promise<number> {
  const client = new DynamoDBClient();
  const write = (n: number) => client.send(new UpdateItemCommand({
    TableName,
    Key: { executionId: { S: `write-${n}` } },
    UpdateExpression: 'SET fence = if_not_exists(fence, :zero) + :one',
    ConditionExpression: 'attribute_not_exists(fence) OR fence >= :zero',
    ExpressionAttributeValues: { ':zero': { N: '0' }, ':one': { N: '1' } },
    ReturnValues: 'ALL_NEW',
  }));
  const round = () => Promise.all(Array.from({ length: 50 }, (_, n) => write(n)));
  await round();
  const began = performance.now();
  for (let turn = 0; turn < 40; turn++) await round();
  return 40 * 50 / (performance.now() - began) * 1000;
}

const [source, runtime] = process.argv.slice(2);
// The arguments are those of bench/run.ts.
void main(source as Source, runtime as string);
