import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  PutRecordsCommand,
  type KinesisClient,
  type PutRecordsRequestEntry,
} from '@aws-sdk/client-kinesis';
import { MAX_BATCH_BYTES, MAX_BATCH_ENTRIES, MAX_BODY_BYTES } from './limits';
import type { OutgoingEnvelope, Place, DispatchResult, Transport } from '../../engine/ports';
import { MessageRejectedError } from '../batches/message-rejected';
import { retryEntries } from '../batches/retry-entries';
import { sendBatch } from '../batches/send-batch';
import type { BrokerSystem } from '../broker';

/** The number of empty responses after which a record counts as missing from its shard. */
const MAX_EMPTY_PAGES = 5;

/**
 * A Kinesis data stream as an event source or a retry queue. The partition key of a record is its executionId, so the records of one execution are in one
 * shard, in order.
 */
export class KinesisEventSource implements Transport {
  public readonly name = 'kinesis';
  public readonly maxBatchEntries = MAX_BATCH_ENTRIES;
  public readonly maxBatchBytes = MAX_BATCH_BYTES;
  public readonly maxBodyBytes = MAX_BODY_BYTES;

  constructor(
    private readonly client: KinesisClient,
    private readonly streamName: string,
    private readonly system: BrokerSystem,
  ) {}

  /** Retries single records that Kinesis throttles: a shard accepts 1,000 records and 1 MB per second. */
  public async send(dispatches: readonly OutgoingEnvelope[]): Promise<readonly DispatchResult[]> {
    const records = dispatches.map(({ envelope, body }) => ({
      PartitionKey: envelope.executionId,
      Data: Buffer.from(body),
    }));
    return sendBatch(records, {
      maxEntries: MAX_BATCH_ENTRIES,
      isRefusal: ({ name }) => name === 'ValidationException' || name === 'InvalidArgumentException',
      send: (entries) =>
        retryEntries(entries, this.system, async (pending) =>
          (await this.put(pending)).map((result) => ({ result, retry: !result.ok })),
        ),
    });
  }

  /** Reads the record at a sequence number, as long as the stream retains it. */
  public async readBack(_executionId: string, { resource, shard, sequenceNumber }: Place): Promise<string | undefined> {
    // Kinesis rejects a sequence number of another stream. A sent record has the name of its stream, a received record the ARN.
    if (resource.slice(resource.lastIndexOf('/') + 1) !== this.streamName) return undefined;
    const { ShardIterator } = await this.client.send(
      new GetShardIteratorCommand({
        StreamName: this.streamName,
        ShardId: shard,
        ShardIteratorType: 'AT_SEQUENCE_NUMBER',
        StartingSequenceNumber: sequenceNumber,
      }),
    );
    let iterator = ShardIterator;
    // A response may be empty although the record follows in the shard.
    for (let page = 0; page < MAX_EMPTY_PAGES && iterator !== undefined; page += 1) {
      const output = await this.client.send(new GetRecordsCommand({ ShardIterator: iterator, Limit: 1 }));
      const [record] = output.Records ?? [];
      if (record) {
        return record.Data && record.SequenceNumber === sequenceNumber
          ? Buffer.from(record.Data).toString()
          : undefined;
      }
      iterator = output.NextShardIterator;
    }
    return undefined;
  }

  private async put(records: readonly PutRecordsRequestEntry[]): Promise<readonly DispatchResult[]> {
    const { Records = [] } = await this.client.send(
      new PutRecordsCommand({ StreamName: this.streamName, Records: [...records] }),
    );
    return records.map((_, index): DispatchResult => {
      const { ShardId, SequenceNumber, ErrorCode, ErrorMessage } = Records[index] ?? {};
      return SequenceNumber === undefined || ErrorCode !== undefined
        ? { ok: false, error: new MessageRejectedError('Kinesis', { code: ErrorCode, message: ErrorMessage }) }
        : {
            ok: true,
            journaled: false,
            place: { service: 'kinesis', resource: this.streamName, shard: ShardId, sequenceNumber: SequenceNumber },
          };
    });
  }
}
