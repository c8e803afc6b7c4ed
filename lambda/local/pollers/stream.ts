import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { pause, stopper, type Invocable, type OnPollerError, type Poller } from './poller';
import { processBatch, ShardDelivery, type Discarded, type StreamMapping, type StreamRecord } from './shard';

/** How long a shard that has nothing new is left alone, in milliseconds. (Lambda asks four times a second at most.) */
const IDLE = 100;
/** How often new shards are looked for, in milliseconds. */
const DISCOVERY = 5_000;
/** How long a stream that failed is left alone, in milliseconds. */
const PAUSE_AFTER_ERROR = 200;

/** What can be read of a stream, whichever service it is of. Whatever rejects is tried again, with the same arguments. */
export interface StreamReader {
  /** What the report on records that were given up calls the place where they lie. */
  readonly batchInfo: 'DDBStreamBatchInfo' | 'KinesisBatchInfo';
  /** All shards of the stream, those that take no more records, too. */
  shards(signal: AbortSignal): Promise<readonly ShardDescription[]>;
  /**
   * An iterator at a position of a shard.
   *
   * @param after the sequence number of the last record that was read, if there is one
   */
  iterator(
    shardId: string, position: StreamMapping['startingPosition'], after: string | undefined, signal: AbortSignal,
  ): Promise<string | undefined>;
  /** @throws Error named `ExpiredIteratorException` when the iterator was not used in time */
  records(shardId: string, iterator: string, signal: AbortSignal): Promise<Page>;
}

export interface ShardDescription {
  readonly id: string;
  /** The shards that it goes on from: one that was split, or two that were merged. */
  readonly parents: readonly string[];
}

/** Records of a shard that follow one another. */
export interface Page {
  readonly records: readonly StreamRecord[];
  /** Where reading goes on; nothing at the end of a shard that takes no more records. */
  readonly next?: string;
}

/**
 * Polls a stream for a function, as Lambda does: each shard in order, a shard after those that it goes on from.
 *
 * The position in a shard is kept in memory only. A poller that is started anew begins again at the starting position, so the
 * function may see a record twice, as it must expect of Lambda, too.
 *
 * @param queues for the queue that is told of records that were given up
 */
export function pollStream(
  mapping: StreamMapping, reader: StreamReader, target: Invocable, queues: SQSClient, onError: OnPollerError,
): Poller {
  const stopped = stopper();
  const ended = new StreamPoller(mapping, reader, target, queues, onError, stopped.signal).run();
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
    private readonly reader: StreamReader,
    private readonly target: Invocable,
    private readonly queues: SQSClient,
    private readonly onError: OnPollerError,
    private readonly signal: AbortSignal,
  ) {}

  public async run(): Promise<void> {
    // Records in shards that are found later were written after the start, so they are read from the first on.
    let position = this.mapping.startingPosition;
    while (!this.signal.aborted) {
      for (const { id, parents } of await this.again(() => this.reader.shards(this.signal)) ?? []) {
        if (!this.shards.has(id)) {
          this.shards.set(id, this.readShard(id, parents, position));
        }
      }
      position = 'TRIM_HORIZON';
      await pause(DISCOVERY, this.signal);
    }
    await Promise.all(this.shards.values());
  }

  private async readShard(shardId: string, parents: readonly string[], position: StreamMapping['startingPosition']): Promise<void> {
    await Promise.all(parents.map((parent) => this.shards.get(parent)));
    const delivery = new ShardDelivery(this.mapping, this.signal, (batch) =>
      processBatch(shardId, batch, this.mapping, this.target, (discarded) => this.discard(discarded), this.signal));
    let last: string | undefined;
    let iterator = await this.iterator(shardId, position, last);
    while (iterator !== undefined && !this.signal.aborted) {
      const current: string = iterator;
      const page = await this.again(async (): Promise<Page> => {
        try {
          return await this.reader.records(shardId, current, this.signal);
        } catch (error) {
          if ((error as Error).name !== 'ExpiredIteratorException') {
            throw error;
          }
          return { records: [], next: await this.iterator(shardId, position, last) };
        }
      });
      const records = page?.records ?? [];
      await delivery.add(records);
      last = records.at(-1)?.sequenceNumber ?? last;
      iterator = page?.next;
      if (records.length === 0) {
        await pause(IDLE, this.signal);
      }
    }
    await delivery.end();
  }

  private iterator(shardId: string, position: StreamMapping['startingPosition'], after: string | undefined): Promise<string | undefined> {
    return this.again(() => this.reader.iterator(shardId, position, after, this.signal));
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
      [this.reader.batchInfo]: {
        shardId,
        startSequenceNumber: first.sequenceNumber,
        endSequenceNumber: last.sequenceNumber,
        approximateArrivalOfFirstRecord: new Date(first.arrivedAt).toISOString(),
        approximateArrivalOfLastRecord: new Date(last.arrivedAt).toISOString(),
        batchSize: records.length,
        streamArn: this.mapping.streamArn,
      },
    });
    await this.again(() => this.queues.send(
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
