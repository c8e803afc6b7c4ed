import { GetItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Checkpoint, Clock, Journal, Random } from '../../engine/ports';
import type { TableConfiguration } from '../configuration';
import { fromItem, STEP_PREFIX, stepKey, toItem } from './checkpoint-item';
import { expireItem } from './expire-item';
import { MAX_ITEM_BYTES, text } from './item';
import { entriesOf, queryAll } from './query-all';
import { BatchWriter, MAX_BATCH_ENTRIES } from './write-batch';

/**
 * The journal in a DynamoDB table: partition key `executionId`, sort key `entry` (both strings), time-to-live `ttl`.
 *
 * | entry                            | what                                                                                  |
 * | -------------------------------- | ------------------------------------------------------------------------------------- |
 * | `step#0000000012#000000000034`   | the journal entry of step 12, fence 34; with an `envelope` it is a message, too        |
 * | `send#…`                         | a message without a journal entry (see {@link StreamEventSource})                      |
 * | `mailbox`, `mail#…`, `mailid#…`  | external events (see {@link MailboxTable})                                             |
 */
export class CheckpointTable implements Journal {
  public readonly maxBatchEntries = MAX_BATCH_ENTRIES;
  public readonly maxEntryBytes = MAX_ITEM_BYTES;
  private readonly writer: BatchWriter;

  constructor(
    private readonly client: DynamoDBClient,
    private readonly table: Omit<TableConfiguration, 'service'>,
    private readonly system: { readonly clock: Clock; readonly random: Random },
  ) {
    this.writer = new BatchWriter(client, table.tableName, ['executionId', 'entry'], system);
  }

  public write(checkpoints: readonly Checkpoint[]): Promise<readonly (Error | undefined)[]> {
    return this.writer.put(checkpoints.map((checkpoint) => toItem(checkpoint, this.table.retentionDays)));
  }

  public async read(executionId: string, step: number, fence: number): Promise<Checkpoint | undefined> {
    const { Item } = await this.client.send(new GetItemCommand({
      TableName: this.table.tableName,
      Key: { executionId: text(executionId), entry: text(stepKey(step, fence)) },
      ConsistentRead: true,
    }));
    return Item && fromItem(Item, this.table.tableName);
  }

  public async history(executionId: string): Promise<readonly Checkpoint[]> {
    const items = await queryAll(this.client, entriesOf(this.table.tableName, executionId, STEP_PREFIX));
    return items.map((item) => fromItem(item, this.table.tableName));
  }

  public expire(executionId: string, step: number, fence: number): Promise<void> {
    const key = { executionId: text(executionId), entry: text(stepKey(step, fence)) };
    return expireItem(this.client, this.table.tableName, key, this.system.clock.now(), this.table.retentionDays);
  }
}
