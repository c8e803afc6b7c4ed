import type { Embedded } from './embedded';
import type { EventSourceConfiguration } from '../../lambda/aws/configuration';

/** Where envelopes lie, and how Lambda would deliver those that have come since the last look. */
export interface Source {
  readonly configuration: EventSourceConfiguration;
  records(): Promise<readonly object[]>;
}

/** The items of a list that were not in it before. */
function fresh<T>(keyOf: (item: T) => string): (items: readonly T[]) => readonly T[] {
  const seen = new Set<string>();
  return (items) => items.filter((item) => seen.size < seen.add(keyOf(item)).size);
}

/**
 * The four services on the embedded servers.
 *
 * @param checkpoints name of the checkpoint table
 */
export const SOURCES: Record<string, (embedded: Embedded, checkpoints: string) => Promise<Source>> = {
  sqs: async (embedded) => {
    const queueUrl = await embedded.queue();
    return {
      configuration: { service: 'sqs', queueUrl },
      records: async () => (await embedded.receive(queueUrl)).map(({ MessageId, Body }) => (
        { eventSource: 'aws:sqs', eventSourceARN: 'arn:aws:sqs:eu-west-1:000000000000:queue', messageId: MessageId, body: Body }
      )),
    };
  },
  dynamodb: async (embedded, checkpoints) => {
    type Item = Awaited<ReturnType<Embedded['items']>>[number];
    const keyOf = ({ executionId, entry }: Item) => `${executionId?.S} ${entry?.S}`;
    const isNew = fresh(keyOf);
    return {
      configuration: { service: 'dynamodb' },
      records: async () => isNew((await embedded.items(checkpoints)).filter(({ envelope }) => envelope)).map((item) => (
        { eventSource: 'aws:dynamodb', eventSourceARN: 'arn', dynamodb: { SequenceNumber: keyOf(item), NewImage: item } }
      )),
    };
  },
  kinesis: async (embedded) => {
    const streamName = await embedded.stream(2);
    type Record = Awaited<ReturnType<Embedded['records']>>[string][number];
    const isNew = fresh<Record & { readonly shard: string }>(({ sequenceNumber = '' }) => sequenceNumber);
    return {
      configuration: { service: 'kinesis', streamName },
      records: async () => isNew(
        Object.entries(await embedded.records(streamName)).flatMap(([shard, records]) => records.map((record) => ({ ...record, shard }))),
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
      records: async () => (await embedded.receive(queueUrl)).map(({ MessageId, Body }) => (
        { EventSource: 'aws:sns', Sns: { MessageId, TopicArn: topicArn, Message: Body } }
      )),
    };
  },
};
