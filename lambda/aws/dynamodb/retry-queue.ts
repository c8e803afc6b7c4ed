import {
  BatchExecuteStatementCommand,
  QueryCommand,
  type DynamoDBClient,
  type QueryCommandOutput,
} from '@aws-sdk/client-dynamodb';
import { readItem, MAX_RETRY_BYTES, number, text, type Item } from './item';
import { BatchWriter, MAX_BATCH_BYTES, MAX_BATCH_ENTRIES } from './write-batch';
import type { RetryTableConfiguration } from '../../contract/configuration';
import { shardOf } from '../../engine/locks/shard';
import type { OutgoingEnvelope, Due, DueStore, Place, DispatchResult, Transport } from '../../engine/ports';
import { FsmError } from '../../machine/fsm-error';
import { retryEntries, type EntryResult } from '../batches/retry-entries';
import { slices } from '../batches/slices';
import type { BrokerSystem } from '../broker';

/** The maximum number of envelopes that one query returns. Large envelopes make a page shorter: a query reads at most 1 MB. */
const MAX_PAGE_ENTRIES = 200;

/** DynamoDB did not delete an envelope that was sent. The timer sends it again, as a duplicate. */
class EntryNotDeletedError extends FsmError {
  public override readonly name = 'EntryNotDeletedError';
  public override readonly code = 'RETRY_NOT_DELETED';

  constructor(code: string | undefined, message: string | undefined) {
    super(`DynamoDB did not delete an envelope: ${[code, message].filter(Boolean).join(': ')}`, { retryable: true });
  }
}

/** The number of digits of a due time, which suffices until the year 5138. */
const DUE_DIGITS = 14;

/**
 * A DynamoDB table as a retry queue, for delays of any length. The partition key is `shard` (number), the sort key is `due` (string: the due
 * time, followed by the identity of the envelope); the other attributes are `envelope` and `version`.
 *
 * The table delivers nothing on its own. A timer queries the envelopes that are due, sends them, and only then deletes them, so that a
 * crash in between loses nothing. The engine recognizes an envelope that is sent twice as a duplicate.
 *
 * Storing an envelope twice for the same time creates one item. If the function stores an envelope and crashes before it acknowledges the
 * source, the source redelivers the envelope and the function stores it again; were these different items, each would return, meet the same
 * crash, and multiply. Each put writes a new version, so that the timer does not delete an envelope that was stored again after its query:
 *
 *     timer     queries version 1 ── sends it ─────────────────── deletes version 1: refused, so it sends version 2 later
 *     function                          └─ stores version 2 ── acknowledges its source
 *
 * The items are spread over shards by execution, because one partition of a table accepts 1,000 writes per second.
 */
export class DynamoDbRetryQueue implements Transport, DueStore {
  public readonly name = 'dynamodb';
  public readonly maxBatchEntries = MAX_BATCH_ENTRIES;
  public readonly maxBatchBytes = MAX_BATCH_BYTES;
  public readonly maxBodyBytes = MAX_RETRY_BYTES;
  public readonly longestDelay = Number.POSITIVE_INFINITY;
  private readonly writer: BatchWriter;

  constructor(
    private readonly client: DynamoDBClient,
    private readonly table: RetryTableConfiguration,
    private readonly system: BrokerSystem,
  ) {
    this.writer = new BatchWriter(client, table.tableName, system);
  }

  public async send(dispatches: readonly OutgoingEnvelope[]): Promise<readonly DispatchResult[]> {
    const items = dispatches.map((dispatch) => this.toItem(dispatch));
    const errors = await this.writer.put(items);
    return items.map((item, index) => {
      const error = errors[index];
      return error ? { ok: false, error } : { ok: true, journaled: false, place: this.placeOf(item) };
    });
  }

  public get shards(): number {
    return this.table.shards;
  }

  /** Strongly consistent. Sends one query for each page, which reads at most 1 MB; an empty shard costs one query. */
  public async *due(until: number, shard: number): AsyncIterable<readonly Due[]> {
    let ExclusiveStartKey: Item | undefined;
    do {
      const page: QueryCommandOutput = await this.client.send(
        new QueryCommand({
          TableName: this.table.tableName,
          KeyConditionExpression: '#shard = :shard AND #due < :until',
          ExpressionAttributeNames: { '#shard': 'shard', '#due': 'due' },
          // The sort key of an envelope that is due at `until` has a suffix, and so is greater than the text of `until` alone.
          ExpressionAttributeValues: { ':shard': number(shard), ':until': text(dueText(until + 1)) },
          Limit: MAX_PAGE_ENTRIES,
          ConsistentRead: true,
          ExclusiveStartKey,
        }),
      );
      if (page.Items && page.Items.length > 0) yield page.Items.map(toDue);
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey);
  }

  /**
   * Deletes 25 envelopes with each request. Each of its statements has a condition of its own, which BatchWriteItem lacks.
   *
   * @throws the first error, if an envelope could not be deleted
   */
  public async remove(due: readonly Due[]): Promise<void> {
    const batches = slices(due, MAX_BATCH_ENTRIES);
    const results = await Promise.allSettled(
      batches.map((batch) => retryEntries(batch, this.system, (entries) => this.deleteVersions(entries))),
    );
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    const error = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : [])).find(Boolean);
    if (error) throw error;
  }

  /** @returns for each envelope `undefined` if it is no longer stored or was stored again, otherwise the error */
  private async deleteVersions(due: readonly Due[]): Promise<readonly EntryResult<Error | undefined>[]> {
    const Statement = `DELETE FROM "${this.table.tableName}" WHERE "shard" = ? AND "due" = ? AND "version" = ?`;
    const Statements = due.map(({ key }) => {
      const [shard, version, sortKey] = splitKey(key);
      return { Statement, Parameters: [{ N: shard }, text(sortKey), text(version)] };
    });
    const { Responses = [] } = await this.client.send(new BatchExecuteStatementCommand({ Statements }));
    return due.map((_, index) => {
      const { Error: failure } = Responses[index] ?? {
        Error: { Code: 'NoResponse', Message: 'The response is incomplete' },
      };
      const isDeleted = !failure || failure.Code === 'ConditionalCheckFailed';
      const result = isDeleted ? undefined : new EntryNotDeletedError(failure.Code, failure.Message);
      return { result, retry: !isDeleted };
    });
  }

  private toItem({ envelope, body }: OutgoingEnvelope): Item {
    const dueAt = Math.max(0, Math.ceil(envelope.notBefore ?? this.system.clock.now()));
    return {
      shard: number(shardOf(envelope.executionId, this.table.shards)),
      due: text(
        [
          dueText(dueAt),
          envelope.executionId,
          envelope.incarnation,
          envelope.step,
          envelope.parent,
          envelope.timeout ? 'timeout' : envelope.attempt,
        ].join('#'),
      ),
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
  const { envelope, due } = readItem<{ envelope: string; due: string }>(item, { envelope: 'string', due: 'string' });
  return { key: keyText(item), body: envelope, at: Number.parseInt(due, 10) };
}

function keyText(item: Item): string {
  const { shard, version, due } = readItem<{ shard: number; version: string; due: string }>(item, {
    shard: 'number',
    version: 'string',
    due: 'string',
  });
  return [shard, version, due].join('/');
}

function splitKey(key: string): readonly [shard: string, version: string, due: string] {
  const [shard = '', version = ''] = key.split('/', 2);
  return [shard, version, key.slice(shard.length + version.length + 2)];
}
