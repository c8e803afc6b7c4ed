import { DynamoDbRetryQueue } from '../../../lambda/aws/dynamodb/retry-queue';
import { SqsEventSource } from '../../../lambda/aws/sqs/event-source';
import { NO_METRICS, systemRandom } from '../../../lambda/aws/system';
import { TIMER_PARTS } from '../../../lambda/contract';
import type { Ports } from '../../../lambda/engine/ports';
import { sendDue } from '../../../lambda/engine/retries/send-due';
import { VirtualClock } from '../../../lambda/testing/determinism/virtual-clock';
import type { Call } from '../../../lambda/testing/faults/intercepted-ports';
import { InMemoryDeadLetters } from '../../../lambda/testing/services/in-memory-dead-letters';
import { InMemoryQueue } from '../../../lambda/testing/services/in-memory-queue';
import { dispatch } from '../../contracts/transport';
import { SimulatedDynamoDb, Table } from '../../simulation/services/dynamodb';
import { DeadLetterMessages, SimulatedSqs } from '../../simulation/services/messaging';
import { clientOf } from '../../simulation/services/service';
import { drive } from '../../support/drive';

const SHARDS = 32;
const RETRIES = 30_000;
/** Duration of a request, in milliseconds, and the connections of a client. */
const REQUEST_MS = 20;
const CONNECTIONS = 50;

test('30,000 retries that are due at the same second are sent within seconds, in few requests', async () => {
  const clock = new VirtualClock();
  const now = clock.now();
  const deadLetters = new InMemoryDeadLetters();
  const queue = new InMemoryQueue({ clock, resource: 'queue', deadLetters });
  const dynamoDb = new SimulatedDynamoDb(new Map([['retries', new Table(['shard', 'due'], clock, 0)]]), clock);
  const sqs = new SimulatedSqs(new Map([['queue', queue]]), new DeadLetterMessages(), clock);
  const requests: Record<string, number> = {};
  const connect = (limit: <T>(request: () => Promise<T>) => Promise<T>) => {
    const call: Call = (name, effect) => {
      requests[name] = (requests[name] ?? 0) + 1;
      return limit(() => effect({ entries: new Map(), delay: [0, 0] }));
    };
    const parts = { clock, random: systemRandom, call };
    return {
      store: new DynamoDbRetryQueue(clientOf(dynamoDb, parts), { tableName: 'retries', shards: SHARDS }, parts),
      source: new SqsEventSource(clientOf(sqs, parts), { queueUrl: 'queue', fifo: false }, parts),
    };
  };
  const { store: table } = connect((request) => request());
  for (let first = 0; first < RETRIES; first += 25) {
    const ids = Array.from({ length: 25 }, (_, index) => `execution-${first + index}`);
    await table.send(ids.map((id) => dispatch(id, 1, { notBefore: now })));
  }
  delete requests['requests.dynamodb.BatchWriteItem'];

  const deadline = now + 30_000;
  const parts = Array.from({ length: TIMER_PARTS }, (_, index) => {
    const { store, source } = connect(limited(clock));
    const ports = {
      eventSources: [source],
      clock,
      deadLetters,
      metrics: NO_METRICS,
      logger: console,
    } as unknown as Ports;
    return sendDue(ports, [store], now + 60_000, { deadline }, { index, count: TIMER_PARTS });
  });
  await drive(clock, Promise.all(parts));

  expect(queue.size).toBe(RETRIES);
  expect(requests).toEqual({
    // Each of the 32 shards: 940 entries in pages of 200, and the query that finds nothing more.
    'requests.dynamodb.Query': expect.any(Number),
    'requests.sqs.SendMessageBatch': expect.any(Number),
    'requests.dynamodb.BatchExecuteStatement': expect.any(Number),
  });
  expect(requests['requests.dynamodb.Query']).toBeLessThanOrEqual(6 * SHARDS);
  expect(requests['requests.sqs.SendMessageBatch']).toBeLessThanOrEqual(RETRIES / 10 + 6 * SHARDS);
  expect(requests['requests.dynamodb.BatchExecuteStatement']).toBeLessThanOrEqual(RETRIES / 25 + 6 * SHARDS);
  expect(clock.now() - now).toBeLessThan(1_000);
}, 60_000);

/** Returns a connection whose requests take a time, and of which a number at once are under way. */
function limited(clock: VirtualClock) {
  let free = CONNECTIONS;
  const waiting: (() => void)[] = [];
  return async <T>(request: () => Promise<T>): Promise<T> => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    await clock.sleep(REQUEST_MS);
    const first = waiting.shift();
    if (first) first();
    else free += 1;
    return request();
  };
}
