import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ATTEMPT_ATTRIBUTES, attemptFrom, endOfSteps, fromItem, stepKey, stepPrefix, toItem } from './checkpoint-item';
import { daysAfter, readItem, MAX_ITEM_BYTES, text, type Item } from './item';
import { EXISTS, Table } from './table';
import type { WorkflowTable } from './workflow-table';
import { BatchWriter, MAX_BATCH_ENTRIES } from './write-batch';
import { TTL_ATTRIBUTE } from '../../contract/tables';
import type { Checkpoint, Clock, ExecutionKey, Journal, JournalEntry, JournalPage, Random } from '../../engine/ports';

/**
 * The journal in a DynamoDB table with the partition key `executionId` (see {@link partitionOf}), the sort key `entry` (both strings) and the
 * time to live `ttl`.
 *
 * | entry                            | content                                                                               |
 * | -------------------------------- | ------------------------------------------------------------------------------------- |
 * | `step#a7…#0000000012#0000000034` | the journal entry of incarnation a7…, step 12, fence 34; with an `envelope`, also a message |
 * | `send#…`                         | a message without a journal entry (see {@link DynamoDbEventSource})                    |
 * | `mailbox`, `mail#…`, `mailid#…`  | external events (see {@link MailboxTable})                                             |
 */
export class CheckpointTable implements Journal {
  public readonly maxBatchEntries = MAX_BATCH_ENTRIES;
  public readonly maxEntryBytes = MAX_ITEM_BYTES;
  private readonly items: Table;
  private readonly writer: BatchWriter;

  constructor(
    client: DynamoDBClient,
    private readonly table: WorkflowTable,
    private readonly system: { readonly clock: Clock; readonly random: Random },
  ) {
    this.items = new Table(client, table);
    this.writer = new BatchWriter(client, table.tableName, system);
  }

  public write(checkpoints: readonly Checkpoint[]): Promise<readonly (Error | undefined)[]> {
    return this.writer.put(checkpoints.map((checkpoint) => toItem(checkpoint, this.table)));
  }

  public async read(execution: ExecutionKey, step: number, fence: number): Promise<Checkpoint | undefined> {
    const item = await this.items.get(this.keyOf(execution, step, fence));
    return item && fromItem(item, this.table.tableName);
  }

  /** Usually one request, which reads at most 1 MB. */
  public async page(
    { executionId, incarnation }: ExecutionKey,
    maxSteps: number,
    before?: number,
  ): Promise<JournalPage> {
    const latestFirst: JournalEntry[] = [];
    let ExclusiveStartKey: Item | undefined;
    for (;;) {
      const page = await this.items.query(
        {
          KeyConditionExpression: 'executionId = :executionId AND entry BETWEEN :first AND :end',
          ProjectionExpression: ATTEMPT_ATTRIBUTES.map((name) => `#${name}`).join(', '),
        },
        {
          ...this.items.partition(executionId),
          first: text(stepPrefix(incarnation)),
          end: text(endOfSteps(incarnation, before)),
        },
        // The entry after the last one shows that its step is complete.
        { Limit: maxSteps + 1, ScanIndexForward: false, ExclusiveStartKey },
      );
      for (const item of page.items) {
        const step = readItem<{ step: number }>(item, { step: 'number' }).step;
        latestFirst.push({ step, attempt: attemptFrom(item, this.table.tableName) });
      }
      ExclusiveStartKey = page.next;
      // Further attempts at the earliest of these steps may follow on the next page of the query.
      const incomplete = ExclusiveStartKey && latestFirst.at(-1)?.step;
      const steps = new Set(latestFirst.map(({ step }) => step).filter((step) => step !== incomplete));
      const wanted = new Set([...steps].slice(0, maxSteps));
      const entries = latestFirst.filter(({ step }) => wanted.has(step)).reverse();
      if (!ExclusiveStartKey || entries.length > 0) return { entries, hasEarlier: entries.length < latestFirst.length };
    }
  }

  public async expire(execution: ExecutionKey, step: number, fence: number): Promise<void> {
    await this.items.change(
      this.keyOf(execution, step, fence),
      {
        UpdateExpression: `SET #${TTL_ATTRIBUTE} = :ttl`,
        // Without the condition, the update would create a missing item that has only a key. Every update passes through the table's stream.
        ConditionExpression: `${EXISTS} AND attribute_not_exists(#${TTL_ATTRIBUTE})`,
      },
      { ttl: daysAfter(this.system.clock.now(), this.table.retentionDays) },
    );
  }

  private keyOf({ executionId, incarnation }: ExecutionKey, step: number, fence: number): Item {
    return { ...this.items.partition(executionId), entry: text(stepKey(incarnation, step, fence)) };
  }
}
