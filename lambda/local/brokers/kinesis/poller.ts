import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListShardsCommand,
  type KinesisClient,
  type _Record as KinesisRecord,
} from '@aws-sdk/client-kinesis';
import { LOCAL_ACCOUNT, LOCAL_REGION, type Template } from '../../template/template';
import type { StartPoller, Trigger } from '../shared/broker';
import type { StreamMapping, StreamRecord } from '../shared/shard';
import { readStreamTrigger, type Page, type ShardDescription, type StreamReader } from '../shared/stream-poller';

/** Reads an event source mapping from a Kinesis data stream, or from one of its consumers. */
export function readKinesisTrigger(template: Template, trigger: Trigger): StartPoller {
  return readStreamTrigger(
    template,
    trigger,
    ({ kinesis }) => new KinesisStreamReader(kinesis, trigger.address, trigger.sourceArn),
  );
}

/** Reads a Kinesis data stream. */
export class KinesisStreamReader implements StreamReader {
  public readonly batchInfo = 'KinesisBatchInfo';
  private readonly streamName: string;

  /** @param sourceArn the ARN in the records that the function receives: the stream, or a consumer with enhanced fan-out */
  constructor(
    private readonly client: KinesisClient,
    streamArn: string,
    private readonly sourceArn: string,
  ) {
    this.streamName = streamArn.slice(streamArn.indexOf('/') + 1);
  }

  public async shards(signal: AbortSignal): Promise<ShardDescription[]> {
    const shards: ShardDescription[] = [];
    let next: string | undefined;
    do {
      const { Shards = [], NextToken } = await this.client.send(
        new ListShardsCommand(next === undefined ? { StreamName: this.streamName } : { NextToken: next }),
        { abortSignal: signal },
      );
      shards.push(
        ...Shards.map(({ ShardId = '', ParentShardId, AdjacentParentShardId }) => ({
          id: ShardId,
          parents: [ParentShardId, AdjacentParentShardId].filter((parent) => parent !== undefined),
        })),
      );
      next = NextToken;
    } while (next !== undefined);
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
        StreamName: this.streamName,
        ShardId: shardId,
        ShardIteratorType: after === undefined ? position : 'AFTER_SEQUENCE_NUMBER',
        StartingSequenceNumber: after,
      }),
      { abortSignal: signal },
    );
    return ShardIterator;
  }

  public async records(shardId: string, iterator: string, signal: AbortSignal): Promise<Page> {
    const { Records = [], NextShardIterator } = await this.client.send(
      new GetRecordsCommand({ ShardIterator: iterator }),
      { abortSignal: signal },
    );
    return {
      records: Records.map((record) => toStreamRecord(record, shardId, this.sourceArn)),
      next: NextShardIterator,
    };
  }
}

function toStreamRecord(record: KinesisRecord, shardId: string, sourceArn: string): StreamRecord {
  const {
    SequenceNumber: sequenceNumber = '',
    PartitionKey: partitionKey = '',
    ApproximateArrivalTimestamp,
    Data = new Uint8Array(),
  } = record;
  const data = Buffer.from(Data);
  const arrivedAt = ApproximateArrivalTimestamp?.getTime() ?? Date.now();
  const kinesis = {
    kinesisSchemaVersion: '1.0',
    partitionKey,
    sequenceNumber,
    approximateArrivalTimestamp: arrivedAt / 1000,
  };
  return {
    sequenceNumber,
    key: partitionKey,
    arrivedAt,
    payload: {
      kinesis: { ...kinesis, data: data.toString('base64') },
      eventSource: 'aws:kinesis',
      eventVersion: '1.0',
      eventID: `${shardId}:${sequenceNumber}`,
      eventName: 'aws:kinesis:record',
      invokeIdentityArn: `arn:aws:iam::${LOCAL_ACCOUNT}:role/local`,
      awsRegion: LOCAL_REGION,
      eventSourceARN: sourceArn,
    },
    filterable: { ...kinesis, data: readData(data) },
  };
}

/** Filters see the data of a record as JSON if it can be parsed, and as text otherwise. */
function readData(data: Buffer): unknown {
  const text = data.toString();
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
