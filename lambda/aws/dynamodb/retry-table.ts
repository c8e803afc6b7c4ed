import { QueryCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Clock, Dispatch, Place, Random, Sent, Transport } from '../../engine/ports';
import type { RetryQueueConfiguration } from '../configuration';
import { ItemReader, MAX_ITEM_BYTES, number, text, type Item } from './item';
import { BatchWriter, MAX_BATCH_BYTES, MAX_BATCH_ENTRIES } from './write-batch';

/** Bytes of an item that are kept free for the keys. */
const RESERVED_BYTES = 1_024;

/** Digits of a due time: enough until the year 5138. */
const DUE_DIGITS = 14;

/** An envelope whose time has come. */
export interface DueEnvelope {
  /** The envelope as text. */
  readonly body: string;
  readonly place: Place;
  /** Milliseconds since the epoch from which it may run. */
  readonly dueAt: number;
  /** The key of its item. */
  readonly key: Item;
}

/** What {@link RetryTable.poll} has found. */
export interface Due {
  /** Some of the envelopes that are due, earliest first. There may be more, unless there are none. */
  readonly envelopes: readonly DueEnvelope[];
  /** When nothing is due: when the first envelope will be, in milliseconds since the epoch; `undefined` when none waits. */
  readonly nextDueAt?: number;
}

/**
 * A retry queue in a DynamoDB table, for any delay: partition key `shard` (number), sort key `due` (string: the due time, then a name that
 * no other item has), attribute `envelope`.
 *
 * Nothing is delivered by itself. A timer polls the table, sends on what is due, and only then deletes it, so that nothing is lost
 * between the two; what is sent twice is recognised as a duplicate. It goes on until nothing is due, or nothing could be sent:
 *
 *     poll ──▶ due ──▶ send ──▶ delete those that were sent ──▶ poll ──▶ nothing due until nextDueAt
 *
 * The items are spread over shards by their execution: one partition of a table takes a thousand writes a second.
 */
export class RetryTable implements Transport {
  public readonly name = 'dynamodb';
  public readonly maxBatchEntries = MAX_BATCH_ENTRIES;
  public readonly maxBatchBytes = MAX_BATCH_BYTES;
  public readonly maxBodyBytes = MAX_ITEM_BYTES - RESERVED_BYTES;
  public readonly longestDelay = Number.POSITIVE_INFINITY;
  private readonly writer: BatchWriter;

  constructor(
    private readonly client: DynamoDBClient,
    private readonly table: Omit<Extract<RetryQueueConfiguration, { service: 'dynamodb' }>, 'service'>,
    private readonly system: { readonly clock: Clock; readonly random: Random },
  ) {
    this.writer = new BatchWriter(client, table.tableName, ['shard', 'due'], system);
  }

  public async send(dispatches: readonly Dispatch[]): Promise<readonly Sent[]> {
    const items = dispatches.map((dispatch) => this.toItem(dispatch));
    const errors = await this.writer.put(items);
    return items.map((item, index) => {
      const error = errors[index];
      return error ? { ok: false, error } : { ok: true, journaled: false, place: this.placeOf(item) };
    });
  }

  /** @param now milliseconds since the epoch: what is due by then is found. One query for each shard. */
  public async poll(now: number): Promise<Due> {
    const pages = await Promise.all(Array.from({ length: this.table.shards }, (_, shard) => this.earliest(shard)));
    const waiting = pages.flat().sort((a, b) => a.dueAt - b.dueAt);
    const envelopes = waiting.filter(({ dueAt }) => dueAt <= now);
    return envelopes.length > 0 ? { envelopes } : { envelopes, nextDueAt: waiting[0]?.dueAt };
  }

  /**
   * Forgets envelopes that were sent on.
   *
   * @throws the first error, if any could not be deleted: those will be found due again
   */
  public async delete(envelopes: readonly DueEnvelope[]): Promise<void> {
    for (let start = 0; start < envelopes.length; start += MAX_BATCH_ENTRIES) {
      const errors = await this.writer.delete(envelopes.slice(start, start + MAX_BATCH_ENTRIES).map(({ key }) => key));
      const error = errors.find((candidate) => candidate !== undefined);
      if (error) {
        throw error;
      }
    }
  }

  private async earliest(shard: number): Promise<DueEnvelope[]> {
    const { Items = [] } = await this.client.send(new QueryCommand({
      TableName: this.table.tableName,
      KeyConditionExpression: '#shard = :shard',
      ExpressionAttributeNames: { '#shard': 'shard' },
      ExpressionAttributeValues: { ':shard': number(shard) },
      Limit: MAX_BATCH_ENTRIES,
      ConsistentRead: true,
    }));
    return Items.map((item) => this.toDueEnvelope(item));
  }

  private toItem({ envelope, body }: Dispatch): Item {
    const dueAt = Math.max(0, Math.ceil(envelope.notBefore ?? this.system.clock.now()));
    return {
      shard: number(shardOf(envelope.executionId, this.table.shards)),
      due: text(`${String(dueAt).padStart(DUE_DIGITS, '0')}#${this.system.random.id()}`),
      envelope: text(body),
    };
  }

  private toDueEnvelope(item: Item): DueEnvelope {
    const read = new ItemReader(item);
    return {
      body: read.text('envelope'),
      place: this.placeOf(item),
      dueAt: Number.parseInt(read.text('due'), 10),
      key: { shard: number(read.number('shard')), due: text(read.text('due')) },
    };
  }

  private placeOf(item: Item): Place {
    return { service: 'dynamodb', resource: this.table.tableName, messageId: `${item.shard?.N}/${item.due?.S}` };
  }
}

/** FNV-1a: spreads evenly, whatever the ids look like. */
function shardOf(executionId: string, shards: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < executionId.length; index += 1) {
    hash = Math.imul(hash ^ executionId.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % shards;
}
