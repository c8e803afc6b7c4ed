import { QueryCommand, type DynamoDBClient, type QueryCommandOutput } from '@aws-sdk/client-dynamodb';
import type { Clock, Dispatch, Due, DueStore, Place, Random, Sent, Transport } from '../../engine/ports';
import type { RetryQueueConfiguration } from '../configuration';
import { ItemReader, MAX_ITEM_BYTES, number, text, type Item } from './item';
import { BatchWriter, MAX_BATCH_BYTES, MAX_BATCH_ENTRIES } from './write-batch';

/** Bytes of an item that are kept free for the keys. */
const RESERVED_BYTES = 1_024;

/** Digits of a due time: enough until the year 5138. */
const DUE_DIGITS = 14;

/**
 * A retry queue in a DynamoDB table, for any delay: partition key `shard` (number), sort key `due` (string: the due time, then a name that
 * no other item has), attribute `envelope`.
 *
 * Nothing is delivered by itself. A timer asks what is due, sends it on, and only then removes it, so that nothing is lost
 * between the two; what is sent twice is recognised as a duplicate.
 *
 * The items are spread over shards by their execution: one partition of a table takes a thousand writes a second.
 */
export class RetryTable implements Transport, DueStore {
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

  /** Strongly consistent, one query for each page of each shard; a store in which nothing waits costs one query a shard. */
  public async *due(until: number): AsyncIterable<readonly Due[]> {
    for (let shard = 0; shard < this.table.shards; shard += 1) {
      let ExclusiveStartKey: Item | undefined;
      do {
        const page: QueryCommandOutput = await this.client.send(new QueryCommand({
          TableName: this.table.tableName,
          KeyConditionExpression: '#shard = :shard AND #due < :until',
          ExpressionAttributeNames: { '#shard': 'shard', '#due': 'due' },
          // What is due in the very last millisecond has a name behind it, and so is greater than that millisecond alone.
          ExpressionAttributeValues: { ':shard': number(shard), ':until': text(dueText(until + 1)) },
          Limit: MAX_BATCH_ENTRIES,
          ConsistentRead: true,
          ExclusiveStartKey,
        }));
        if (page.Items && page.Items.length > 0) yield page.Items.map(toDue);
        ExclusiveStartKey = page.LastEvaluatedKey;
      } while (ExclusiveStartKey);
    }
  }

  /** @throws the first error, if any could not be removed */
  public async remove(due: readonly Due[]): Promise<void> {
    for (let start = 0; start < due.length; start += MAX_BATCH_ENTRIES) {
      const errors = await this.writer.delete(due.slice(start, start + MAX_BATCH_ENTRIES).map(({ key }) => itemKey(key)));
      const error = errors.find((candidate) => candidate !== undefined);
      if (error) {
        throw error;
      }
    }
  }

  private toItem({ envelope, body }: Dispatch): Item {
    const dueAt = Math.max(0, Math.ceil(envelope.notBefore ?? this.system.clock.now()));
    return {
      shard: number(shardOf(envelope.executionId, this.table.shards)),
      due: text(`${dueText(dueAt)}#${this.system.random.id()}`),
      envelope: text(body),
    };
  }

  private placeOf(item: Item): Place {
    return { service: 'dynamodb', resource: this.table.tableName, messageId: keyText(item) };
  }
}

function dueText(at: number): string {
  return String(at).padStart(DUE_DIGITS, '0');
}

function toDue(item: Item): Due {
  const read = new ItemReader(item);
  return { key: keyText(item), body: read.text('envelope'), at: Number.parseInt(read.text('due'), 10) };
}

function keyText(item: Item): string {
  const read = new ItemReader(item);
  return `${read.number('shard')}/${read.text('due')}`;
}

function itemKey(key: string): Item {
  const slash = key.indexOf('/');
  return { shard: { N: key.slice(0, slash) }, due: text(key.slice(slash + 1)) };
}

/** FNV-1a: spreads evenly, whatever the ids look like. */
function shardOf(executionId: string, shards: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < executionId.length; index += 1) {
    hash = Math.imul(hash ^ executionId.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % shards;
}
