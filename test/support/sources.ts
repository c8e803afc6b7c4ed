import type { Embedded } from './servers/embedded';
import type { BrokerName } from '../../lambda/contract/brokers';
import type { EventSourceConfiguration } from '../../lambda/contract/configuration';

/** An event source on the embedded servers. */
export interface Source {
  readonly configuration: EventSourceConfiguration;
  /** The records that arrived since the last call, in the form in which Lambda delivers them. */
  records(): Promise<readonly object[]>;
}

/** Filters the items that no earlier list contained. */
function fresh<T>(keyOf: (item: T) => string): (items: readonly T[]) => readonly T[] {
  const seen = new Set<string>();
  return (items) => items.filter((item) => seen.size < seen.add(keyOf(item)).size);
}

/** Creates an event source of each broker. `checkpoints` is the name of the checkpoint table. */
export const SOURCES: Readonly<Record<BrokerName, (embedded: Embedded, checkpoints: string) => Promise<Source>>> = {
  sqs: async (embedded) => {
    const queueUrl = await embedded.queue();
    return {
      configuration: { service: 'sqs', queueUrl },
      records: async () =>
        (await embedded.receive(queueUrl)).map(({ MessageId, ReceiptHandle, Body }) => ({
          eventSource: 'aws:sqs',
          eventSourceARN: 'arn:aws:sqs:eu-west-1:000000000000:queue',
          messageId: MessageId,
          receiptHandle: ReceiptHandle,
          body: Body,
          attributes: { ApproximateReceiveCount: '1' },
        })),
    };
  },
  dynamodb: async (embedded, checkpoints) => {
    type Item = Awaited<ReturnType<Embedded['items']>>[number];
    const keyOf = ({ executionId, entry }: Item) => `${executionId?.S} ${entry?.S}`;
    const isNew = fresh(keyOf);
    return {
      configuration: { service: 'dynamodb' },
      records: async () =>
        isNew((await embedded.items(checkpoints)).filter(({ envelope }) => envelope)).map((item) => ({
          eventSource: 'aws:dynamodb',
          eventSourceARN: 'arn',
          dynamodb: { SequenceNumber: keyOf(item), NewImage: item },
        })),
    };
  },
  kinesis: async (embedded) => {
    const streamName = await embedded.stream(2);
    type Record = Awaited<ReturnType<Embedded['records']>>[string][number];
    const isNew = fresh<Record & { readonly shard: string }>(({ sequenceNumber = '' }) => sequenceNumber);
    return {
      configuration: { service: 'kinesis', streamName },
      records: async () =>
        isNew(
          Object.entries(await embedded.records(streamName)).flatMap(([shard, records]) =>
            records.map((record) => ({ ...record, shard })),
          ),
        ).map(({ shard, sequenceNumber, data }) => ({
          eventSource: 'aws:kinesis',
          eventSourceARN: `arn:aws:kinesis:eu-west-1:000000000000:stream/${streamName}`,
          eventID: `${shard}:${sequenceNumber}`,
          kinesis: { sequenceNumber, data: Buffer.from(data).toString('base64') },
        })),
    };
  },
  sns: async (embedded) => {
    const { topicArn, queueUrl } = await embedded.topic();
    return {
      configuration: { service: 'sns', topicArn },
      records: async () =>
        (await embedded.receive(queueUrl)).map(({ MessageId, Body }) => ({
          EventSource: 'aws:sns',
          Sns: { MessageId, TopicArn: topicArn, Message: Body },
        })),
    };
  },
};
