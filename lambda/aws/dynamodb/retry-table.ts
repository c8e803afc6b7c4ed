import { ConditionalCheckFailedException, DeleteItemCommand, QueryCommand, type DynamoDBClient, type QueryCommandOutput } from '@aws-sdk/client-dynamodb';
import type { Clock, Dispatch, Due, DueStore, Place, Random, Sent, Transport } from '../../engine/ports';
import { shardOf } from '../../engine/shard';
import type { RetryQueueConfiguration } from '../configuration';
import { ItemReader, MAX_ITEM_BYTES, number, text, type Item } from './item';
import { BatchWriter, MAX_BATCH_BYTES, MAX_BATCH_ENTRIES } from './write-batch';

/** Bytes of an item that are kept free for the keys. */
const RESERVED_BYTES = 1_024;

/** Digits of a due time: enough until the year 5138. */
const DUE_DIGITS = 14;

/**
 * A retry queue in a DynamoDB table, for any delay: partition key `shard` (number), sort key `due` (string: the due time, then what tells
 * one envelope from all others), attributes `envelope` and `version`.
 *
 * Nothing is delivered by itself. A timer asks what is due, sends it on, and only then removes it, so that nothing is lost
 * between the two; what is sent twice is recognised as a duplicate.
 *
 * An envelope that is stored twice for the same time is one item. Whoever stores an envelope and dies before its source is told gets it
 * again and stores it again: were these many items, each of them would come back, meet the same fate, and multiply. So that the timer
 * does not remove what was stored again after it had looked, each put has a version of its own:
 *
 *     timer    ── reads (version 1) ── sends ─────────────────────── removes version 1: refused, it is sent once more
 *     worker                                 ── stores (version 2) ── tells its source that it is done
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

  /**
   * One request for each, since a batch knows no conditions.
   *
   * @throws the first error, if any could not be removed
   */
  public async remove(due: readonly Due[]): Promise<void> {
    const results = await Promise.allSettled(due.map(({ key }) => this.removeVersion(key)));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) {
      throw failed.reason;
    }
  }

  private async removeVersion(key: string): Promise<void> {
    const [shard, version, due] = splitKey(key);
    try {
      await this.client.send(new DeleteItemCommand({
        TableName: this.table.tableName,
        Key: { shard: { N: shard }, due: text(due) },
        ConditionExpression: '#version = :version',
        ExpressionAttributeNames: { '#version': 'version' },
        ExpressionAttributeValues: { ':version': text(version) },
      }));
    } catch (thrown) {
      // Gone already, or stored again.
      if (!(thrown instanceof ConditionalCheckFailedException)) {
        throw thrown;
      }
    }
  }

  private toItem({ envelope, body }: Dispatch): Item {
    const dueAt = Math.max(0, Math.ceil(envelope.notBefore ?? this.system.clock.now()));
    return {
      shard: number(shardOf(envelope.executionId, this.table.shards)),
      due: text([dueText(dueAt), envelope.executionId, envelope.step, envelope.parent, envelope.timeout ? 'timeout' : envelope.attempt].join('#')),
      version: text(this.system.random.id()),
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
  return [read.number('shard'), read.text('version'), read.text('due')].join('/');
}

function splitKey(key: string): readonly [shard: string, version: string, due: string] {
  const [shard = '', version = ''] = key.split('/', 2);
  return [shard, version, key.slice(shard.length + version.length + 2)];
}
