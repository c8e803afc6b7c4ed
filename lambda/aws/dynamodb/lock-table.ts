import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BatchedAcquire } from './batched-acquire';
import { ClientLockTable } from './client-lock-table';
import { daysAfter, number, text, texts, type Item } from './item';
import { acquiredBy, textsOrNull } from './lock-item';
import { settingAll } from './table';
import type { WorkflowTable } from './workflow-table';
import { TTL_ATTRIBUTE } from '../../contract/tables';
import { hasAcquired, hasCommitted } from '../../engine/locks/repeated-writes';
import type { AcquireRequest, Acquisition, ExecutionStatus, Lease, LockStore } from '../../engine/ports';
import { hasEnded, type CommitOptions } from '../../engine/ports/lock-store';

// The conditions of LockStore.acquire. Two of the values that it sets serve as operands: `:done` is false, `:updatedAt` is the current time.
const COMMIT = 'incarnation = :incarnation AND machine = :machine AND step = :previous AND fence = :parent';
const RETRY =
  'incarnation = :incarnation AND machine = :machine AND step = :step AND parent = :parent AND mail = :mail AND ' +
  'reopened = :reopened AND done = :done AND expires < :updatedAt';
const NOT_SUSPECT = 'released = fence';

const TTL = `#${TTL_ATTRIBUTE}`;

const HELD = 'incarnation = :incarnation AND fence = :fence';
const NOT_DONE = 'done = :false';
const NOT_GIVEN_UP = 'released < :fence';

const FALSE = { BOOL: false };
const TRUE = { BOOL: true };
const ZERO = number(0);

/**
 * The locks in a DynamoDB table. Each method sends one request; the acquisitions of several records share one request (see
 * {@link BatchedAcquire}).
 */
export class LockTable extends ClientLockTable implements LockStore {
  private readonly together: BatchedAcquire;

  constructor(client: DynamoDBClient, table: WorkflowTable) {
    super(client, table);
    this.together = new BatchedAcquire(client, table, (request) => this.acquireSingly(request));
  }

  public acquire(request: AcquireRequest): Promise<Acquisition> {
    return this.together.acquire(request);
  }

  private async acquireSingly(request: AcquireRequest): Promise<Acquisition> {
    const retry = request.alone ? RETRY : `${RETRY} AND ${NOT_SUSPECT}`;
    const item = acquiredBy(request);
    const accompanied = request.alone ? '' : ', accompanied = fence + :one';
    const { lock, refused } = await this.update(
      request.executionId,
      {
        UpdateExpression: `${settingAll(item)}, fence = fence + :one${accompanied} REMOVE ${TTL}`,
        // The step before the first one is never committed.
        ConditionExpression: request.step === 0 ? retry : `(${COMMIT}) OR (${retry})`,
      },
      { ...item, machine: text(request.machine), one: number(1), previous: number(request.step - 1) },
    );
    if (!refused) {
      return { acquired: true, lock };
    }
    return lock && hasAcquired(request, lock) ? { acquired: true, lock } : { acquired: false, lock };
  }

  public async release(lease: Lease): Promise<void> {
    await this.update(
      lease.executionId,
      {
        UpdateExpression: 'SET expires = :zero, released = :fence',
        ConditionExpression: `${HELD} AND ${NOT_DONE}`,
      },
      { ...held(lease), zero: ZERO, false: FALSE },
    );
  }

  public async commit(
    lease: Lease,
    status: ExecutionStatus,
    now: number,
    { accepts, handles, busyUntil = 0 }: CommitOptions = {},
  ): Promise<boolean> {
    const ended = hasEnded({ status });
    const events = accepts ? ', accepts = :accepts, handles = :handles' : '';
    const { lock, refused } = await this.update(
      lease.executionId,
      {
        UpdateExpression: `SET done = :true, #status = :status, expires = :expires, updatedAt = :now${events}${ended ? `, ${TTL} = :ttl` : ` REMOVE ${TTL}`}`,
        ConditionExpression: `${HELD} AND ${NOT_GIVEN_UP}`,
      },
      {
        ...held(lease),
        status: text(status),
        now: number(now),
        true: TRUE,
        expires: number(busyUntil),
        accepts: texts(accepts ?? []),
        handles: textsOrNull(handles),
        ttl: daysAfter(now, this.table.retentionDays),
      },
    );
    return !refused || hasCommitted(lease, lock);
  }
}

function held({ incarnation, fence }: Lease): Item {
  return { incarnation: text(incarnation), fence: number(fence) };
}
