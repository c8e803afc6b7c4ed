import {
  DescribeStreamCommand, GetRecordsCommand, GetShardIteratorCommand,
  type AttributeValue, type DynamoDBStreamsClient, type _Record as DynamoDBRecord, type Shard,
} from '@aws-sdk/client-dynamodb-streams';
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { pause, stopper, type Invocable, type OnPollerError, type Poller } from './poller';
import { processBatch, ShardDelivery, type Discarded, type StreamMapping, type StreamRecord } from './shard';

/** How long a shard that has nothing new is left alone, in milliseconds. (Lambda asks four times a second.) */
const IDLE = 100;
/** How often new shards are looked for, in milliseconds. */
const DISCOVERY = 5_000;
/** How long a stream that failed is left alone, in milliseconds. */
const PAUSE_AFTER_ERROR = 200;
/** The most records that one GetRecords gives. */
const MOST_RECORDS_A_REQUEST = 1000;

export interface StreamClients {
  readonly streams: DynamoDBStreamsClient;
  /** For the queue that is told of records that were given up. */
  readonly queues: SQSClient;
}

/**
 * Polls the stream of a table for a function, as Lambda does: each shard in order, a shard after its parent.
 *
 * The position in a shard is kept in memory only. A poller that is started anew begins again at the starting position, so the
 * function may see a record twice, as it must expect of Lambda, too.
 */
export function pollDynamoDbStream(mapping: StreamMapping, target: Invocable, clients: StreamClients, onError: OnPollerError): Poller {
  const stopped = stopper();
  const ended = new StreamPoller(mapping, target, clients, onError, stopped.signal).run();
  return {
    stop: async () => {
      stopped.abort();
      await ended;
    },
  };
}

class StreamPoller {
  /** The shards that are or were read, each with the end of its reading. */
  private readonly shards = new Map<string, Promise<void>>();

  constructor(
    private readonly mapping: StreamMapping,
    private readonly target: Invocable,
    private readonly clients: StreamClients,
    private readonly onError: OnPollerError,
    private readonly signal: AbortSignal,
  ) {}

  public async run(): Promise<void> {
    // Records in shards that are found later were written after the start, so they are read from the first on.
    let position = this.mapping.startingPosition;
    while (!this.signal.aborted) {
      for (const shard of await this.again(() => this.describeShards()) ?? []) {
        const id = shard.ShardId ?? '';
        if (!this.shards.has(id)) {
          this.shards.set(id, this.readShard(id, shard.ParentShardId, position));
        }
      }
      position = 'TRIM_HORIZON';
      await pause(DISCOVERY, this.signal);
    }
    await Promise.all(this.shards.values());
  }

  private async describeShards(): Promise<Shard[]> {
    const shards: Shard[] = [];
    let after: string | undefined;
    do {
      const { StreamDescription } = await this.clients.streams.send(new DescribeStreamCommand({
        StreamArn: this.mapping.streamArn,
        ExclusiveStartShardId: after,
      }), { abortSignal: this.signal });
      shards.push(...StreamDescription?.Shards ?? []);
      after = StreamDescription?.LastEvaluatedShardId;
    } while (after !== undefined);
    return shards;
  }

  private async readShard(shardId: string, parent: string | undefined, position: StreamMapping['startingPosition']): Promise<void> {
    await (parent === undefined ? undefined : this.shards.get(parent));
    const delivery = new ShardDelivery(this.mapping, this.signal, (batch) =>
      processBatch(shardId, batch, this.mapping, this.target, (discarded) => this.discard(discarded), this.signal));
    let iterator = await this.iterator(shardId, position);
    let last: string | undefined;
    while (iterator !== undefined && !this.signal.aborted) {
      const current: string = iterator;
      const page = await this.again(async () => {
        try {
          return await this.clients.streams.send(
            new GetRecordsCommand({ ShardIterator: current, Limit: MOST_RECORDS_A_REQUEST }), { abortSignal: this.signal });
        } catch (error) {
          if ((error as Error).name !== 'ExpiredIteratorException') {
            throw error;
          }
          return { Records: [], NextShardIterator: await this.iterator(shardId, position, last) };
        }
      });
      const records = (page?.Records ?? []).map((record) => toStreamRecord(record, this.mapping.streamArn));
      await delivery.add(records);
      last = records.at(-1)?.sequenceNumber ?? last;
      iterator = page?.NextShardIterator;
      if (records.length === 0) {
        await pause(IDLE, this.signal);
      }
    }
    await delivery.end();
  }

  private async iterator(shardId: string, position: StreamMapping['startingPosition'], after?: string): Promise<string | undefined> {
    const answer = await this.again(() => this.clients.streams.send(new GetShardIteratorCommand({
      StreamArn: this.mapping.streamArn,
      ShardId: shardId,
      ShardIteratorType: after === undefined ? position : 'AFTER_SEQUENCE_NUMBER',
      SequenceNumber: after,
    }), { abortSignal: this.signal }));
    return answer?.ShardIterator;
  }

  /** Tells the destination where the records lie; as on Lambda they are not copied. */
  private async discard({ shardId, condition, records, invocations, requestId }: Discarded): Promise<void> {
    const { onFailureQueueUrl } = this.mapping;
    const [first, last] = [records[0], records.at(-1)];
    if (onFailureQueueUrl === undefined || !first || !last) {
      return;
    }
    const body = JSON.stringify({
      requestContext: { requestId, condition, approximateInvokeCount: invocations },
      version: '1.0',
      timestamp: new Date().toISOString(),
      DDBStreamBatchInfo: {
        shardId,
        startSequenceNumber: first.sequenceNumber,
        endSequenceNumber: last.sequenceNumber,
        approximateArrivalOfFirstRecord: new Date(first.arrivedAt).toISOString(),
        approximateArrivalOfLastRecord: new Date(last.arrivedAt).toISOString(),
        batchSize: records.length,
        streamArn: this.mapping.streamArn,
      },
    });
    await this.again(() => this.clients.queues.send(
      new SendMessageCommand({ QueueUrl: onFailureQueueUrl, MessageBody: body }), { abortSignal: this.signal }));
  }

  /** Repeats a request until it succeeds, or the poller is stopped: then there is no answer. */
  private async again<T>(request: () => Promise<T>): Promise<T | undefined> {
    while (!this.signal.aborted) {
      try {
        return await request();
      } catch (error) {
        if (!this.signal.aborted) {
          this.onError(new Error(`The stream ${this.mapping.streamArn} cannot be polled: ${(error as Error).message}`, { cause: error }));
          await pause(PAUSE_AFTER_ERROR, this.signal);
        }
      }
    }
    return undefined;
  }
}

function toStreamRecord(record: DynamoDBRecord, streamArn: string): StreamRecord {
  const { ApproximateCreationDateTime, Keys, NewImage, OldImage, ...rest } = record.dynamodb ?? {};
  const arrivedAt = ApproximateCreationDateTime?.getTime() ?? Date.now();
  return {
    sequenceNumber: rest.SequenceNumber ?? '',
    key: JSON.stringify(itemAsJson(Keys)),
    arrivedAt,
    payload: {
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
    },
  };
}

function itemAsJson(item: Record<string, AttributeValue> | undefined): Record<string, unknown> | undefined {
  return item && Object.fromEntries(Object.entries(item).map(([name, value]) => [name, attributeAsJson(value)]));
}

/** As Lambda gives it to functions: the service's own JSON, bytes as base64. */
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
