import { ConditionalCheckFailedException, GetItemCommand, UpdateItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { hasAcquired, hasCommitted, hasInstalled, hasReopened } from '../../engine/own-write';
import { hasEnded, type AcquireRequest, type Acquisition, type ExecutionStatus, type Lease, type Lock, type LockStore } from '../../engine/ports';
import type { TableConfiguration } from '../configuration';
import { daysAfter, number, text, TTL } from './item';
import { JointAcquisition } from './joint-acquisition';
import { acquiredBy, toItem, toLock } from './lock-item';

// The conditions of acquire, see LockStore. What is set says itself that the step is not done, and what time it is.
const START = 'attribute_not_exists(executionId)';
const COMMIT = 'step = :previous AND fence = :parent';
const RETRY = 'step = :step AND parent = :parent AND done = :done AND expires < :updatedAt';

const ACQUIRE = 'SET machine = :machine, step = :step, parent = :parent, holder = :holder, expires = :expires, #state = :state, ' +
  'place = :place, done = :done, #status = :status, updatedAt = :updatedAt, fence = if_not_exists(fence, :zero) + :one, ' +
  'released = if_not_exists(released, :zero), startedAt = if_not_exists(startedAt, :updatedAt) REMOVE #ttl';

const HELD = 'fence = :fence';
const NOT_DONE = 'done = :false';
const NOT_GIVEN_UP = 'released < :fence';
const NOT_ENDED = 'attribute_exists(executionId) AND NOT #status IN (:completed, :cancelled)';
const FAILED = '#status = :failed';

const FALSE = { BOOL: false };
const TRUE = { BOOL: true };
const ZERO = number(0);
const ONE = number(1);

/**
 * The locks in a DynamoDB table: partition key `executionId` (string), time-to-live `ttl`. Each method is one request, and the
 * acquisitions of several records are one together (see {@link JointAcquisition}). The attributes are those of {@link Lock}.
 *
 * The SDK repeats a request whose answer was lost, and so may find that its own write stands in its way:
 *
 *     acquire ──▶ stored (holder = mine)    ╳ answer lost
 *     acquire ──▶ refused, the old item comes back: holder = mine    it was acquired
 *
 * For that, every refusal brings the item along (ALL_OLD, at no extra cost), and each method knows its own write again.
 */
export class LockTable implements LockStore {
  private readonly together: JointAcquisition;

  constructor(private readonly client: DynamoDBClient, private readonly table: Omit<TableConfiguration, 'service'>) {
    this.together = new JointAcquisition(client, table.tableName, (request) => this.acquireAlone(request));
  }

  public acquire(request: AcquireRequest): Promise<Acquisition> {
    return this.together.acquire(request);
  }

  private async acquireAlone(request: AcquireRequest): Promise<Acquisition> {
    const isStart = request.step === 0;
    const { lock, refused } = await this.update(request.executionId, {
      UpdateExpression: ACQUIRE,
      ConditionExpression: isStart ? `(${START}) OR (${RETRY})` : `(${COMMIT}) OR (${RETRY})`,
      ExpressionAttributeNames: { '#state': 'state', '#status': 'status', '#ttl': TTL },
      ExpressionAttributeValues: {
        ...Object.fromEntries(Object.entries(acquiredBy(request)).map(([name, value]) => [`:${name}`, value])),
        ':zero': ZERO,
        ':one': ONE,
        ...isStart ? {} : { ':previous': number(request.step - 1) },
      },
    });
    if (!refused) {
      return { acquired: true, lock };
    }
    return lock && hasAcquired(request, lock) ? { acquired: true, lock } : { acquired: false, lock };
  }

  public async release(lease: Lease): Promise<void> {
    await this.update(lease.executionId, {
      UpdateExpression: 'SET expires = :zero, released = :fence',
      ConditionExpression: `${HELD} AND ${NOT_DONE}`,
      ExpressionAttributeValues: { ':fence': number(lease.fence), ':zero': ZERO, ':false': FALSE },
    });
  }

  public async commit(lease: Lease, status: ExecutionStatus, now: number): Promise<boolean> {
    const ended = hasEnded({ status });
    const { lock, refused } = await this.update(lease.executionId, {
      UpdateExpression: `SET done = :true, #status = :status, expires = :zero, updatedAt = :now${ended ? ', #ttl = :ttl' : ' REMOVE #ttl'}`,
      ConditionExpression: `${HELD} AND ${NOT_GIVEN_UP}`,
      ExpressionAttributeNames: { '#status': 'status', '#ttl': TTL },
      ExpressionAttributeValues: {
        ':fence': number(lease.fence),
        ':status': text(status),
        ':now': number(now),
        ':true': TRUE,
        ':zero': ZERO,
        ...ended ? { ':ttl': daysAfter(now, this.table.retentionDays) } : {},
      },
    });
    return !refused || hasCommitted(lease, lock);
  }

  public async read(executionId: string): Promise<Lock | undefined> {
    const { Item } = await this.client.send(new GetItemCommand({
      TableName: this.table.tableName,
      Key: { executionId: text(executionId) },
      ConsistentRead: true,
    }));
    return Item && toLock(Item);
  }

  public async reopen(executionId: string, fence: number, now: number): Promise<boolean> {
    const { lock, refused } = await this.update(executionId, {
      UpdateExpression: 'SET done = :false, #status = :running, released = :fence, updatedAt = :now',
      ConditionExpression: `${HELD} AND ${FAILED}`,
      ExpressionAttributeNames: { '#status': 'status' },
      ExpressionAttributeValues: {
        ':fence': number(fence),
        ':failed': text('failed'),
        ':running': text('running'),
        ':now': number(now),
        ':false': FALSE,
      },
    });
    return !refused || hasReopened(fence, now, lock);
  }

  public async cancel(executionId: string, now: number): Promise<Lock | undefined> {
    const { lock } = await this.update(executionId, {
      UpdateExpression: 'SET done = :true, #status = :cancelled, expires = :zero, fence = fence + :one, updatedAt = :now, #ttl = :ttl',
      ConditionExpression: NOT_ENDED,
      ExpressionAttributeNames: { '#status': 'status', '#ttl': TTL },
      ExpressionAttributeValues: {
        ':completed': text('completed'),
        ':cancelled': text('cancelled'),
        ':now': number(now),
        ':ttl': daysAfter(now, this.table.retentionDays),
        ':true': TRUE,
        ':zero': ZERO,
        ':one': ONE,
      },
    });
    return lock;
  }

  public async install(lock: Lock, below: number): Promise<Acquisition> {
    const item = toItem(lock);
    if (hasEnded(lock)) item[TTL] = daysAfter(lock.updatedAt, this.table.retentionDays);
    const names = Object.keys(item);
    const sets = names.map((name) => `#${name} = :${name}`).join(', ');
    const { lock: stored, refused } = await this.update(lock.executionId, {
      UpdateExpression: `SET ${sets}${hasEnded(lock) ? '' : ' REMOVE #ttl'}`,
      ConditionExpression: `${START} OR fence < :below`,
      ExpressionAttributeNames: { ...Object.fromEntries(names.map((name) => [`#${name}`, name])), '#ttl': TTL },
      ExpressionAttributeValues: { ...Object.fromEntries(names.map((name) => [`:${name}`, item[name]!])), ':below': number(below) },
    });
    if (!refused) return { acquired: true, lock: stored };
    return stored && hasInstalled(lock, stored) ? { acquired: true, lock: stored } : { acquired: false, lock: stored };
  }

  /** @returns the lock as it is after the update, or, when the condition did not hold, the one that stood in the way */
  private async update(
    executionId: string,
    input: Pick<UpdateItemCommand['input'], 'UpdateExpression' | 'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'>,
  ): Promise<{ readonly refused: false; readonly lock: Lock } | { readonly refused: true; readonly lock?: Lock }> {
    try {
      const { Attributes = {} } = await this.client.send(new UpdateItemCommand({
        TableName: this.table.tableName,
        Key: { executionId: text(executionId) },
        ReturnValues: 'ALL_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        ...input,
      }));
      return { refused: false, lock: toLock(Attributes) };
    } catch (thrown) {
      if (!(thrown instanceof ConditionalCheckFailedException)) {
        throw thrown;
      }
      return { refused: true, lock: thrown.Item && toLock(thrown.Item) };
    }
  }
}
