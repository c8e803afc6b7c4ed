import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { MappingClients, StartPoller, Trigger } from './broker';
import { destinationUrl, readLimit, readMapping } from './mapping';
import { processBatch, ShardDelivery, type Discarded, type StreamMapping, type StreamRecord } from './shard';
import {
  pause,
  retryUntilStopped,
  stopper,
  type Invocable,
  type OnPollerError,
  type Poller,
} from '../../function/poller';
import type { Template } from '../../template/template';
import { memberOf } from '../../template/template-value';

/** Pause after a shard had no new records, in milliseconds. Lambda polls at most four times per second. */
const IDLE_PAUSE_MS = 100;
/** Interval at which new shards are discovered, in milliseconds. */
const DISCOVERY_INTERVAL_MS = 5_000;

/** Reads the stream of a service. The poller repeats a request that rejects, with the same arguments. */
export interface StreamReader {
  /** The member of the report on discarded records that contains their location. */
  readonly batchInfo: 'DDBStreamBatchInfo' | 'KinesisBatchInfo';
  /** Returns all shards of the stream, including closed ones. */
  shards(signal: AbortSignal): Promise<readonly ShardDescription[]>;
  /**
   * Returns an iterator for a shard.
   *
   * @param after the sequence number of the last record that was read; `undefined` to begin at `position`
   */
  iterator(
    shardId: string,
    position: StreamMapping['startingPosition'],
    after: string | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined>;
  /** @throws Error with the name `ExpiredIteratorException` if the iterator has expired */
  records(shardId: string, iterator: string, signal: AbortSignal): Promise<Page>;
}

export interface ShardDescription {
  readonly id: string;
  /** The shards that this shard continues: one that was split, or two that were merged. */
  readonly parents: readonly string[];
}

/** Consecutive records of a shard. */
export interface Page {
  readonly records: readonly StreamRecord[];
  /** The iterator of the next page; `undefined` at the end of a closed shard. */
  readonly next?: string;
}

/**
 * Reads an event source mapping from a stream.
 *
 * @param createReader creates the reader of the stream
 */
export function readStreamTrigger(
  template: Template,
  { logicalId, address, queueUrls }: Trigger,
  createReader: (clients: MappingClients) => StreamReader,
): StartPoller {
  const properties = template.properties(logicalId);
  const startingPosition = properties.StartingPosition;
  if (startingPosition !== 'TRIM_HORIZON' && startingPosition !== 'LATEST') {
    throw new Error(
      `Event source mapping "${logicalId}" has the starting position ${String(startingPosition)}. ` +
        'The local runner supports TRIM_HORIZON and LATEST.',
    );
  }
  const destination = memberOf(properties.DestinationConfig, 'OnFailure', 'Destination');
  const mapping: StreamMapping = {
    ...readMapping(properties),
    streamArn: address,
    startingPosition,
    batchSize: Number(properties.BatchSize ?? 100),
    parallelizationFactor: Number(properties.ParallelizationFactor ?? 1),
    bisectsOnError: properties.BisectBatchOnFunctionError === true,
    maximumRetryAttempts: readLimit(properties.MaximumRetryAttempts),
    maximumRecordAgeSeconds: readLimit(properties.MaximumRecordAgeInSeconds),
    onFailureQueueUrl: destinationUrl(`Event source mapping "${logicalId}"`, destination, queueUrls),
  };
  return ({ target, clients, onError }) => pollStream(mapping, createReader(clients), target, clients.sqs, onError);
}

/**
 * Polls a stream for a function, as Lambda does: each shard in order, and a shard only after its parents.
 *
 * Positions are kept in memory only. A new poller starts again at the starting position, so the function may receive a record twice, as it
 * may from Lambda.
 *
 * @param queues sends reports on discarded records
 */
export function pollStream(
  mapping: StreamMapping,
  reader: StreamReader,
  target: Invocable,
  queues: SQSClient,
  onError: OnPollerError,
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
  /** All shards that were started, each with a promise that resolves when the shard is processed. */
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
    // Shards that are discovered later contain only records written after the start, so they are read from their beginning.
    let position = this.mapping.startingPosition;
    while (!this.signal.aborted) {
      for (const { id, parents } of (await this.retry(() => this.reader.shards(this.signal))) ?? []) {
        if (!this.shards.has(id)) {
          this.shards.set(id, this.readShard(id, parents, position));
        }
      }
      position = 'TRIM_HORIZON';
      await pause(DISCOVERY_INTERVAL_MS, this.signal);
    }
    await Promise.all(this.shards.values());
  }

  private async readShard(
    shardId: string,
    parents: readonly string[],
    position: StreamMapping['startingPosition'],
  ): Promise<void> {
    await Promise.all(parents.map((parent) => this.shards.get(parent)));
    const delivery = new ShardDelivery(this.mapping, this.signal, (batch) =>
      processBatch(shardId, batch, this.mapping, this.target, (discarded) => this.discard(discarded), this.signal),
    );
    let last: string | undefined;
    let iterator = await this.iterator(shardId, position, last);
    while (iterator !== undefined && !this.signal.aborted) {
      const current: string = iterator;
      const page = await this.retry(async (): Promise<Page> => {
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
        await pause(IDLE_PAUSE_MS, this.signal);
      }
    }
    await delivery.end();
  }

  private iterator(
    shardId: string,
    position: StreamMapping['startingPosition'],
    after: string | undefined,
  ): Promise<string | undefined> {
    return this.retry(() => this.reader.iterator(shardId, position, after, this.signal));
  }

  /** Reports the location of discarded records to the on-failure destination. As in Lambda, the report does not contain the records. */
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
    await this.retry(() =>
      this.queues.send(new SendMessageCommand({ QueueUrl: onFailureQueueUrl, MessageBody: body }), {
        abortSignal: this.signal,
      }),
    );
  }

  private retry<T>(request: () => Promise<T>): Promise<T | undefined> {
    const { signal, onError, mapping } = this;
    return retryUntilStopped(request, { signal, onError, failure: `Cannot poll stream ${mapping.streamArn}` });
  }
}
