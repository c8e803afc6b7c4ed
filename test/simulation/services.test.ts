import { connectionTo, SimulatedCache } from './services/cache';
import { SimulatedDynamoDb, Table } from './services/dynamodb';
import { DeadLetterMessages, SimulatedKinesis, SimulatedSns, SimulatedSqs } from './services/messaging';
import { clientOf, type Service } from './services/service';
import { CheckpointTable } from '../../lambda/aws/dynamodb/checkpoint-table';
import { DynamoDbEventSource } from '../../lambda/aws/dynamodb/event-source';
import { LockTable } from '../../lambda/aws/dynamodb/lock-table';
import { MailboxTable } from '../../lambda/aws/dynamodb/mailbox-table';
import { DynamoDbRetryQueue } from '../../lambda/aws/dynamodb/retry-queue';
import { RunningExecutionsTable } from '../../lambda/aws/dynamodb/running-executions-table';
import { LockCache } from '../../lambda/aws/elasticache/lock-cache';
import { RunningExecutionsCache } from '../../lambda/aws/elasticache/running-executions-cache';
import { KinesisEventSource } from '../../lambda/aws/kinesis/event-source';
import { SnsEventSource } from '../../lambda/aws/sns/event-source';
import { DeadLetterQueue } from '../../lambda/aws/sqs/dead-letter-queue';
import { SqsEventSource } from '../../lambda/aws/sqs/event-source';
import { SqsRetryQueue } from '../../lambda/aws/sqs/retry-queue';
import type { Transport } from '../../lambda/engine';
import { SeededRandom } from '../../lambda/testing';
import type { EnvironmentParts } from '../../lambda/testing/bench/execution-environment';
import { VirtualClock } from '../../lambda/testing/determinism/virtual-clock';
import { InMemoryDeadLetters } from '../../lambda/testing/services/in-memory-dead-letters';
import { InMemoryQueue } from '../../lambda/testing/services/in-memory-queue';
import { InMemoryStream } from '../../lambda/testing/services/in-memory-stream';
import { InMemoryTopic } from '../../lambda/testing/services/in-memory-topic';
import type { PolledSource } from '../../lambda/testing/services/polled-source';
import { describeDeadLetterStoreContract } from '../contracts/dead-letters';
import { describeDueStoreContract } from '../contracts/due-store';
import { describeJournalContract } from '../contracts/journal';
import { describeLockStoreContract } from '../contracts/lock-store';
import { describeMailboxContract } from '../contracts/mailbox';
import { describeRunningExecutionsContract } from '../contracts/running-executions';
import { describeTransportContract, type OpenTransport } from '../contracts/transport';

const clock = new VirtualClock(1_900_000_000_000);
const deadLetters = new InMemoryDeadLetters();
/** An environment without faults, in which waiting takes no time. */
const parts: EnvironmentParts = {
  clock: { now: () => clock.now(), sleep: async () => undefined },
  random: new SeededRandom(1),
  call: (_name, effect) => effect({ entries: new Map(), delay: [0, 0] }),
};
const to = (service: Service) => clientOf(service, parts);
const checkpoints = { tableName: 'checkpoints', workflow: 'orders', retentionDays: 30 };
const retries = { tableName: 'retries', shards: 3 };

function dynamoDb(stream?: InMemoryStream): ReturnType<typeof clientOf> {
  const listen = (_before: unknown, after: { readonly envelope?: { readonly S?: string } } | undefined) => {
    if (after?.envelope?.S !== undefined) stream?.put(after.envelope.S);
  };
  return to(
    new SimulatedDynamoDb(
      new Map([
        ['locks', new Table(['executionId'], clock, 0)],
        ['checkpoints', new Table(['executionId', 'entry'], clock, 0, listen)],
        ['retries', new Table(['shard', 'due'], clock, 0)],
      ]),
      clock,
    ),
  );
}

/** Receives and acknowledges everything in a source, batch by batch. */
function polled(transport: Transport, source: PolledSource): OpenTransport {
  const bodies: string[] = [];
  return {
    transport,
    received: async () => {
      for (let batch = source.take(1000); batch.length > 0; batch = source.take(1000)) {
        bodies.push(...batch.map(({ body }) => body));
        source.settle(batch, new Map(batch.map(({ id }) => [id, 'acknowledge'])));
      }
      return bodies;
    },
  };
}

const sqs = (queue: InMemoryQueue) =>
  to(new SimulatedSqs(new Map([['queue', queue]]), new DeadLetterMessages(), clock));

describe('the adapters over simulated services', () => {
  describeLockStoreContract(
    'LockTable',
    async () => new LockTable(dynamoDb(), { tableName: 'locks', workflow: 'orders', retentionDays: 30 }),
  );
  describeLockStoreContract(
    'LockCache',
    async () =>
      new LockCache(connectionTo(new SimulatedCache(clock), parts), { workflow: 'orders', retentionDays: 30 }),
  );
  describeRunningExecutionsContract(
    'RunningExecutionsTable',
    async () => new RunningExecutionsTable(dynamoDb(), { tableName: 'locks', workflow: 'orders' }),
  );
  describeRunningExecutionsContract(
    'RunningExecutionsCache',
    async () => new RunningExecutionsCache(connectionTo(new SimulatedCache(clock), parts), { workflow: 'orders' }),
  );
  describeJournalContract('CheckpointTable', async () => new CheckpointTable(dynamoDb(), checkpoints, parts));
  describeMailboxContract('MailboxTable', async () => new MailboxTable(dynamoDb(), checkpoints, parts));
  describeDueStoreContract('DynamoDbRetryQueue', async () => new DynamoDbRetryQueue(dynamoDb(), retries, parts));
  describeDeadLetterStoreContract('DeadLetterQueue', async () => {
    const messages = new DeadLetterMessages();
    return {
      store: new DeadLetterQueue(to(new SimulatedSqs(new Map(), messages, clock)), 'queue', parts),
      letters: async () => messages.letters,
    };
  });
  describeTransportContract('SqsEventSource', async () => {
    const queue = new InMemoryQueue({ clock, deadLetters });
    return polled(new SqsEventSource(sqs(queue), { queueUrl: 'queue' }, parts), queue);
  });
  describeTransportContract('SqsEventSource, FIFO,', async () => {
    const queue = new InMemoryQueue({ clock, deadLetters, fifo: true });
    return polled(new SqsEventSource(sqs(queue), { queueUrl: 'queue', fifo: true }, parts), queue);
  });
  describeTransportContract('SqsRetryQueue', async () => {
    const queue = new InMemoryQueue({ clock, deadLetters });
    return polled(new SqsRetryQueue(sqs(queue), { queueUrl: 'queue' }, parts), queue);
  });
  describeTransportContract('Stream', async () => {
    const stream = new InMemoryStream({ clock, deadLetters, service: 'kinesis' });
    return polled(
      new KinesisEventSource(to(new SimulatedKinesis(new Map([['stream', stream]]))), 'stream', parts),
      stream,
    );
  });
  describeTransportContract('DynamoDbEventSource', async () => {
    const stream = new InMemoryStream({ clock, deadLetters, service: 'dynamodb' });
    return polled(new DynamoDbEventSource(dynamoDb(stream), checkpoints, parts), stream);
  });
  describeTransportContract('Topic', async () => {
    const topic = new InMemoryTopic({ clock, deadLetters });
    return polled(new SnsEventSource(to(new SimulatedSns(new Map([['topic', topic]]))), 'topic'), topic);
  });
});
