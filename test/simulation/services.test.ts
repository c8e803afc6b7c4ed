import { connectionTo, SimulatedCache } from './services/cache';
import { SimulatedDynamoDb, Table } from './services/dynamodb';
import { DeadLetterMessages, SimulatedKinesis, SimulatedSns, SimulatedSqs } from './services/messaging';
import { clientOf, type Service } from './services/service';
import { CheckpointTable } from '../../lambda/aws/dynamodb/checkpoint-table';
import { LockTable } from '../../lambda/aws/dynamodb/lock-table';
import { MailboxTable } from '../../lambda/aws/dynamodb/mailbox-table';
import { RetryTable } from '../../lambda/aws/dynamodb/retry-table';
import { RunningExecutionsTable } from '../../lambda/aws/dynamodb/running-executions-table';
import { StreamEventSource } from '../../lambda/aws/dynamodb/stream-event-source';
import { LockCache } from '../../lambda/aws/elasticache/lock-cache';
import { RunningExecutionsCache } from '../../lambda/aws/elasticache/running-executions-cache';
import { Stream } from '../../lambda/aws/kinesis/stream';
import { Topic } from '../../lambda/aws/sns/topic';
import { DeadLetterQueue } from '../../lambda/aws/sqs/dead-letter-queue';
import { QueueEventSource } from '../../lambda/aws/sqs/event-source';
import { RetryQueue } from '../../lambda/aws/sqs/retry-queue';
import type { Transport } from '../../lambda/engine';
import {
  InMemoryDeadLetters, InMemoryQueue, InMemoryStream, InMemoryTopic, SeededRandom, VirtualClock, type EnvironmentParts, type PolledSource,
} from '../../lambda/testing';
import { describeDeadLetterStoreContract } from '../contract/dead-letters';
import { describeDueStoreContract } from '../contract/due-store';
import { describeJournalContract } from '../contract/journal';
import { describeLockStoreContract } from '../contract/lock-store';
import { describeMailboxContract } from '../contract/mailbox';
import { describeRunningExecutionsContract } from '../contract/running-executions';
import { describeTransportContract, type OpenTransport } from '../contract/transport';

const clock = new VirtualClock(1_900_000_000_000);
const deadLetters = new InMemoryDeadLetters();
/** An environment in which nothing goes wrong and waiting takes no time. */
const parts: EnvironmentParts = {
  clock: { now: () => clock.now(), sleep: async () => undefined },
  random: new SeededRandom(1),
  call: (_name, effect) => effect({ entries: new Map(), delay: [0, 0] }),
};
const to = (service: Service) => clientOf(service, parts);
const checkpoints = { tableName: 'checkpoints', retentionDays: 30 };
const retries = { tableName: 'retries', shards: 3 };

function dynamoDb(stream?: InMemoryStream): ReturnType<typeof clientOf> {
  const listen = (_before: unknown, after: { readonly envelope?: { readonly S?: string } } | undefined) => {
    if (after?.envelope?.S !== undefined) stream?.put(after.envelope.S);
  };
  return to(new SimulatedDynamoDb(new Map([
    ['locks', new Table(['executionId'], clock, 0)],
    ['checkpoints', new Table(['executionId', 'entry'], clock, 0, listen)],
    ['retries', new Table(['shard', 'due'], clock, 0)],
  ]), clock));
}

/** Takes all that the source holds, batch by batch, and acknowledges it. */
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

const sqs = (queue: InMemoryQueue) => to(new SimulatedSqs(new Map([['queue', queue]]), new DeadLetterMessages(), clock));

describe('the adapters over simulated services', () => {
  describeLockStoreContract('LockTable', async () => new LockTable(dynamoDb(), { tableName: 'locks', retentionDays: 30 }));
  describeLockStoreContract('LockCache', async () => new LockCache(connectionTo(new SimulatedCache(clock), parts), 30));
  describeRunningExecutionsContract('RunningExecutionsTable', async () => new RunningExecutionsTable(dynamoDb(), 'locks'));
  describeRunningExecutionsContract('RunningExecutionsCache', async () => new RunningExecutionsCache(connectionTo(new SimulatedCache(clock), parts)));
  describeJournalContract('CheckpointTable', async () => new CheckpointTable(dynamoDb(), checkpoints, parts));
  describeMailboxContract('MailboxTable', async () => new MailboxTable(dynamoDb(), checkpoints, parts));
  describeDueStoreContract('RetryTable', async () => new RetryTable(dynamoDb(), retries, parts));
  describeDeadLetterStoreContract('DeadLetterQueue', async () => {
    const messages = new DeadLetterMessages();
    return { store: new DeadLetterQueue(to(new SimulatedSqs(new Map(), messages, clock)), 'queue', parts), letters: async () => messages.letters };
  });
  describeTransportContract('QueueEventSource', async () => {
    const queue = new InMemoryQueue({ clock, deadLetters });
    return polled(new QueueEventSource(sqs(queue), { queueUrl: 'queue' }, parts), queue);
  });
  describeTransportContract('QueueEventSource, FIFO,', async () => {
    const queue = new InMemoryQueue({ clock, deadLetters, fifo: true });
    return polled(new QueueEventSource(sqs(queue), { queueUrl: 'queue', fifo: true }, parts), queue);
  });
  describeTransportContract('RetryQueue', async () => {
    const queue = new InMemoryQueue({ clock, deadLetters });
    return polled(new RetryQueue(sqs(queue), { queueUrl: 'queue' }, parts), queue);
  });
  describeTransportContract('Stream', async () => {
    const stream = new InMemoryStream({ clock, deadLetters, service: 'kinesis' });
    return polled(new Stream(to(new SimulatedKinesis(new Map([['stream', stream]]))), 'stream', parts), stream);
  });
  describeTransportContract('StreamEventSource', async () => {
    const stream = new InMemoryStream({ clock, deadLetters, service: 'dynamodb' });
    return polled(new StreamEventSource(dynamoDb(stream), checkpoints, parts), stream);
  });
  describeTransportContract('Topic', async () => {
    const topic = new InMemoryTopic({ clock, deadLetters });
    return polled(new Topic(to(new SimulatedSns(new Map([['topic', topic]]))), 'topic'), topic);
  });
});
