import { GetRecordsCommand, GetShardIteratorCommand, PutRecordsCommand, type KinesisClient, type PutRecordsRequestEntry } from '@aws-sdk/client-kinesis';
import { MAX_BATCH_BYTES, MAX_BATCH_ENTRIES, MAX_BODY_BYTES } from './limits';
import type { Clock, Dispatch, Place, Random, Sent, Transport } from '../../engine/ports';
import { sendWhole } from '../send-whole';

/** How often what Kinesis did not take is sent again, and the bound of the first wait in milliseconds (full jitter, doubled each time). */
const MAX_RETRIES = 4;
const FIRST_WAIT = 50;

/** So many empty answers are taken for the end of what a shard has to show. */
const MAX_EMPTY_PAGES = 5;

/** Kinesis took the batch, but not this record of it. */
export class RecordFailedError extends Error {
  public override readonly name = 'RecordFailedError';

  constructor(code: string, message: string | undefined) {
    super(`Kinesis did not take the record: ${message === undefined ? code : `${code}: ${message}`}`);
  }
}

/**
 * A Kinesis data stream, as an event source or as a retry queue that holds nothing back. The records of one execution have its id as
 * partition key, and so lie in one shard, in order.
 */
export class Stream implements Transport {
  public readonly name = 'kinesis';
  public readonly maxBatchEntries = MAX_BATCH_ENTRIES;
  public readonly maxBatchBytes = MAX_BATCH_BYTES;
  public readonly maxBodyBytes = MAX_BODY_BYTES;
  public readonly longestDelay = 0;

  constructor(
    private readonly client: KinesisClient,
    private readonly streamName: string,
    private readonly system: { readonly clock: Clock; readonly random: Random },
  ) {}

  public async send(dispatches: readonly Dispatch[]): Promise<readonly Sent[]> {
    if (dispatches.length > MAX_BATCH_ENTRIES) {
      throw new RangeError(`A batch takes at most ${MAX_BATCH_ENTRIES} entries, but has ${dispatches.length}.`);
    }
    const records = dispatches.map(({ envelope, body }) => ({ PartitionKey: envelope.executionId, Data: Buffer.from(body) }));
    return sendWhole(records, isRefusal, (some) => this.put(some));
  }

  /** Reads the record at a sequence number, as long as the stream's retention keeps it. */
  public async readBack(_executionId: string, { resource, shard, sequenceNumber }: Place): Promise<string | undefined> {
    // Kinesis refuses a sequence number that is another stream's. Whoever put the record names the stream, whoever got it the ARN.
    if (resource.slice(resource.lastIndexOf('/') + 1) !== this.streamName) return undefined;
    const { ShardIterator } = await this.client.send(new GetShardIteratorCommand({
      StreamName: this.streamName,
      ShardId: shard,
      ShardIteratorType: 'AT_SEQUENCE_NUMBER',
      StartingSequenceNumber: sequenceNumber,
    }));
    let iterator = ShardIterator;
    // An answer may be empty although the record is further on in the shard.
    for (let page = 0; page < MAX_EMPTY_PAGES && iterator !== undefined; page += 1) {
      const answer = await this.client.send(new GetRecordsCommand({ ShardIterator: iterator, Limit: 1 }));
      const [record] = answer.Records ?? [];
      if (record) return record.Data && record.SequenceNumber === sequenceNumber ? Buffer.from(record.Data).toString() : undefined;
      iterator = answer.NextShardIterator;
    }
    return undefined;
  }

  /**
   * Puts records, and those again that Kinesis did not take: a shard takes 1,000 records and 1 MB a second, and a burst that goes beyond
   * is over soon. The SDK repeats only requests that failed as a whole.
   *
   * @throws what the SDK throws for the first request; nothing is known of any record then
   */
  private async put(records: readonly PutRecordsRequestEntry[]): Promise<readonly Sent[]> {
    const answers = [...await this.request(records)];
    for (let retry = 0; retry < MAX_RETRIES; retry += 1) {
      const failed = answers.flatMap(({ ok }, index) => (ok ? [] : [index]));
      if (failed.length === 0) break;
      await this.system.clock.sleep(this.system.random.next() * FIRST_WAIT * 2 ** retry);
      // What was answered for stands, whatever becomes of the others.
      const again = await this.request(records.filter((_, index) => failed.includes(index))).catch(() => []);
      again.forEach((answer, place) => { answers[failed[place]!] = answer; });
    }
    return answers;
  }

  private async request(records: readonly PutRecordsRequestEntry[]): Promise<readonly Sent[]> {
    const { Records = [] } = await this.client.send(new PutRecordsCommand({ StreamName: this.streamName, Records: [...records] }));
    return records.map((_, index): Sent => {
      const { ShardId, SequenceNumber, ErrorCode, ErrorMessage } = Records[index] ?? {};
      return SequenceNumber === undefined || ErrorCode !== undefined
        ? { ok: false, error: new RecordFailedError(ErrorCode ?? 'it has not answered for it', ErrorMessage) }
        : { ok: true, journaled: false, place: { service: 'kinesis', resource: this.streamName, shard: ShardId, sequenceNumber: SequenceNumber } };
    });
  }
}

/** Kinesis found a record at fault: it is too large, or all together are. */
function isRefusal({ name }: Error): boolean {
  return name === 'ValidationException' || name === 'InvalidArgumentException';
}
