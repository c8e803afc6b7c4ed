import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { daysAfter, number, text, type Item } from './item';
import { pendingItem, toLock } from './lock-item';
import { EXISTS, IS_NEW, settingAll, Table, type Expressions } from './table';
import type { WorkflowTable } from './workflow-table';
import { TTL_ATTRIBUTE } from '../../contract/tables';
import { hasRecorded, hasReopened } from '../../engine/locks/repeated-writes';
import type { ClientLockStore, Lock, PendingStart } from '../../engine/ports';

/**
 * The operations of clients on the locks in a DynamoDB table with the partition key `executionId` (string, see {@link partitionOf}) and the
 * time to live `ttl`. The other attributes are those of {@link Lock}. Each method sends one request.
 *
 * The SDK retries a request whose response was lost, and the retry may be refused because of its own first write:
 *
 *     acquire ──▶ stored (holder = mine)    ╳ response lost
 *     acquire ──▶ refused, with the stored item: holder = mine, so the lease is acquired
 *
 * Every refusal therefore returns the stored item (ALL_OLD, at no extra cost), by which each method recognizes its own write.
 */
export class ClientLockTable implements ClientLockStore {
  private readonly items: Table;

  constructor(
    client: DynamoDBClient,
    protected readonly table: WorkflowTable,
  ) {
    this.items = new Table(client, table);
  }

  public async read(executionId: string): Promise<Lock | undefined> {
    const item = await this.items.get(this.items.partition(executionId));
    return item && toLock(item);
  }

  public async recordStart(start: PendingStart): ReturnType<ClientLockStore['recordStart']> {
    const item = pendingItem(start);
    const { lock, refused } = await this.update(
      start.executionId,
      { UpdateExpression: settingAll(item), ConditionExpression: IS_NEW },
      item,
    );
    // The service has refused the write because of the item, and returns it.
    if (!lock) {
      throw new Error('Amazon DynamoDB refused a start without returning the lock.');
    }
    return { recorded: !refused || hasRecorded(start, lock), lock };
  }

  public async reopen(failed: Parameters<ClientLockStore['reopen']>[0], now: number): Promise<boolean> {
    const { executionId, incarnation, fence } = failed;
    const { lock, refused } = await this.update(
      executionId,
      {
        UpdateExpression:
          'SET done = :false, #status = :running, released = :fence, reopened = :fence, updatedAt = :now',
        ConditionExpression: 'incarnation = :incarnation AND fence = :fence AND #status = :failed',
      },
      {
        incarnation: text(incarnation),
        fence: number(fence),
        failed: text('failed'),
        running: text('running'),
        now: number(now),
        false: { BOOL: false },
      },
    );
    return !refused || hasReopened(failed, now, lock);
  }

  public async cancel(executionId: string, now: number): Promise<Lock | undefined> {
    const { lock } = await this.update(
      executionId,
      {
        UpdateExpression: `SET done = :true, #status = :cancelled, expires = :zero, fence = fence + :one, updatedAt = :now, #${TTL_ATTRIBUTE} = :ttl`,
        ConditionExpression: `${EXISTS} AND NOT #status IN (:completed, :cancelled)`,
      },
      {
        completed: text('completed'),
        cancelled: text('cancelled'),
        now: number(now),
        ttl: daysAfter(now, this.table.retentionDays),
        true: { BOOL: true },
        zero: number(0),
        one: number(1),
      },
    );
    return lock;
  }

  /** @returns the lock after the update or, if the condition does not hold, the stored lock */
  protected async update(
    executionId: string,
    expressions: Expressions,
    values: Item,
  ): Promise<{ readonly refused: false; readonly lock: Lock } | { readonly refused: true; readonly lock?: Lock }> {
    const write = await this.items.update(this.items.partition(executionId), expressions, values);
    return write.refused
      ? { refused: true, lock: write.item && toLock(write.item) }
      : { refused: false, lock: toLock(write.output) };
  }
}
