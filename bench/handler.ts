import { subscribe } from 'node:diagnostics_channel';
import { pathToFileURL } from 'node:url';
import { BareClient } from './bare-client';
import { answer } from './child';
import { Batches, eventOf } from './ring';
import { createWorkflow, type Source } from './sources';

/** The cost of the built handler on the embedded servers. */
export interface HandlerCost {
  /** AWS requests per transition. */
  readonly requests: { readonly alone: number; readonly batchOf10: number };
  /** Milliseconds of processor time per transition in batches of 10, including the AWS SDK. */
  readonly cpu: number;
  /** Transitions per second in consecutive batches of 100. */
  readonly throughput: number;
  /** Transitions per second of a bare DynamoDB client that makes the same writes, measured in alternation with the throughput. */
  readonly bareClient: number;
}

/** The throughput is measured in turns of several batches, each with this number of records. */
const THROUGHPUT = { size: 100, batches: 3, turns: 6 };

type Handler = (
  event: unknown,
  context: { getRemainingTimeInMillis(): number },
) => Promise<{ readonly batchItemFailures: readonly unknown[] }>;

async function main(source: Source, runtime: string): Promise<void> {
  const configuration = await createWorkflow(source);
  process.env.FSM_WORKFLOW = JSON.stringify(configuration);
  // The bundle exports what lambda/runtime/handler.mts exports.
  const { handler } = (await import(pathToFileURL(runtime).href)) as { readonly handler: Handler };
  let requests = 0;
  subscribe('http.client.request.start', () => {
    requests++;
  });

  const invoke = async (bodies: readonly string[]) => {
    const { batchItemFailures } = await handler(eventOf(source, bodies), { getRemainingTimeInMillis: () => 30_000 });
    if (batchItemFailures.length > 0) {
      throw new Error(`${batchItemFailures.length} of ${bodies.length} records were returned to ${source}.`);
    }
  };
  const measure = async (name: string, size: number, batches: number) => {
    const ring = new Batches(name, size);
    // The first step is the start. It also does all one-time work.
    await invoke(ring.next());
    requests = 0;
    const cpu = process.cpuUsage();
    for (let batch = 0; batch < batches; batch++) await invoke(ring.next());
    const { user, system } = process.cpuUsage(cpu);
    const transitions = size * batches;
    return { requests: requests / transitions, cpu: (user + system) / 1000 / transitions };
  };

  await measure('warm-up', 10, 20);
  // This comes first, because the embedded server slows down as a stream grows.
  const throughput = await compareThroughput(source, invoke);
  const alone = await measure('alone', 1, 50);
  const ten = await measure('ten', 10, 100);
  const cost: HandlerCost = {
    requests: { alone: alone.requests, batchOf10: ten.requests },
    cpu: ten.cpu,
    ...throughput,
  };
  answer(cost);
}

async function compareThroughput(
  source: Source,
  invoke: (bodies: readonly string[]) => Promise<void>,
): Promise<Pick<HandlerCost, 'throughput' | 'bareClient'>> {
  const { size, batches, turns } = THROUGHPUT;
  const ring = new Batches('hundred', size);
  const bare = await BareClient.create(size, source === 'dynamodb');
  await invoke(ring.next());
  await bare.next();
  const fastest = { handler: Infinity, bare: Infinity };
  for (let turn = 0; turn < turns; turn++) {
    const bodies = Array.from({ length: batches }, () => ring.next());
    const began = performance.now();
    for (const batch of bodies) await invoke(batch);
    const between = performance.now();
    for (let batch = 0; batch < batches; batch++) await bare.next();
    fastest.handler = Math.min(fastest.handler, between - began);
    fastest.bare = Math.min(fastest.bare, performance.now() - between);
  }
  const transitions = size * batches;
  return { throughput: (transitions / fastest.handler) * 1000, bareClient: (transitions / fastest.bare) * 1000 };
}

const [source, runtime] = process.argv.slice(2);
// bench/run.ts passes the arguments.
void main(source as Source, runtime as string);
