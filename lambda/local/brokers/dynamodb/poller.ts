import {
  DescribeStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type AttributeValue,
  type DynamoDBStreamsClient,
  type _Record as DynamoDBRecord,
} from '@aws-sdk/client-dynamodb-streams';
import type { Template } from '../../template/template';
import type { StartPoller, Trigger } from '../shared/broker';
import type { StreamMapping, StreamRecord } from '../shared/shard';
import { readStreamTrigger, type Page, type ShardDescription, type StreamReader } from '../shared/stream-poller';

/** Maximum number of records in one response. @see https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html */
const MAX_RECORDS_PER_REQUEST = 1000;

/** Reads an event source mapping from the stream of a DynamoDB table. */
export function readTableTrigger(template: Template, trigger: Trigger): StartPoller {
  return readStreamTrigger(
    template,
    trigger,
    ({ dynamodbStreams }) => new DynamoDbStreamReader(dynamodbStreams, trigger.address),
  );
}

/** Reads the stream of a DynamoDB table. */
export class DynamoDbStreamReader implements StreamReader {
  public readonly batchInfo = 'DDBStreamBatchInfo';

  constructor(
    private readonly client: DynamoDBStreamsClient,
    private readonly streamArn: string,
  ) {}

  public async shards(signal: AbortSignal): Promise<ShardDescription[]> {
    const shards: ShardDescription[] = [];
    let after: string | undefined;
    do {
      const { StreamDescription } = await this.client.send(
        new DescribeStreamCommand({
          StreamArn: this.streamArn,
          ExclusiveStartShardId: after,
        }),
        { abortSignal: signal },
      );
      shards.push(
        ...(StreamDescription?.Shards ?? []).map(({ ShardId = '', ParentShardId }) => ({
          id: ShardId,
          parents: ParentShardId === undefined ? [] : [ParentShardId],
        })),
      );
      after = StreamDescription?.LastEvaluatedShardId;
    } while (after !== undefined);
    return shards;
  }

  public async iterator(
    shardId: string,
    position: StreamMapping['startingPosition'],
    after: string | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { ShardIterator } = await this.client.send(
      new GetShardIteratorCommand({
        StreamArn: this.streamArn,
        ShardId: shardId,
        ShardIteratorType: after === undefined ? position : 'AFTER_SEQUENCE_NUMBER',
        SequenceNumber: after,
      }),
      { abortSignal: signal },
    );
    return ShardIterator;
  }

  public async records(_shardId: string, iterator: string, signal: AbortSignal): Promise<Page> {
    const { Records = [], NextShardIterator } = await this.client.send(
      new GetRecordsCommand({ ShardIterator: iterator, Limit: MAX_RECORDS_PER_REQUEST }),
      { abortSignal: signal },
    );
    return { records: Records.map((record) => toStreamRecord(record, this.streamArn)), next: NextShardIterator };
  }
}

function toStreamRecord(record: DynamoDBRecord, streamArn: string): StreamRecord {
  const { ApproximateCreationDateTime, Keys, NewImage, OldImage, ...rest } = record.dynamodb ?? {};
  const arrivedAt = ApproximateCreationDateTime?.getTime() ?? Date.now();
  const payload = {
    eventID: record.eventID,
    eventName: record.eventName,
    eventVersion: record.eventVersion,
    eventSource: record.eventSource,
    awsRegion: record.awsRegion,
    dynamodb: {
      ApproximateCreationDateTime: arrivedAt / 1000,
      Keys: itemAsJson(Keys),
      NewImage: itemAsJson(NewImage),
      OldImage: itemAsJson(OldImage),
      ...rest,
    },
    eventSourceARN: streamArn,
  };
  return {
    sequenceNumber: rest.SequenceNumber ?? '',
    key: JSON.stringify(itemAsJson(Keys)),
    arrivedAt,
    payload,
    filterable: payload,
  };
}

function itemAsJson(item: Record<string, AttributeValue> | undefined): Record<string, unknown> | undefined {
  return item && Object.fromEntries(Object.entries(item).map(([name, value]) => [name, attributeAsJson(value)]));
}

/** Converts an attribute to the form in which Lambda passes it to functions: DynamoDB JSON, with bytes in Base64. */
function attributeAsJson(value: AttributeValue): unknown {
  if (value.B) {
    return { B: Buffer.from(value.B).toString('base64') };
  }
  if (value.BS) {
    return { BS: value.BS.map((bytes) => Buffer.from(bytes).toString('base64')) };
  }
  if (value.L) {
    return { L: value.L.map(attributeAsJson) };
  }
  if (value.M) {
    return { M: itemAsJson(value.M) };
  }
  return value;
}
