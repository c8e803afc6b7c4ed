import {
  BatchExecuteStatementCommand,
  type BatchStatementRequest,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { number, text, type Item } from './item';
import { acquiredBy, toLock } from './lock-item';
import type { WorkflowTable } from './workflow-table';
import { partitionOf, TTL_ATTRIBUTE } from '../../contract/tables';
import type { AcquireRequest, Acquisition } from '../../engine/ports';
import { slices } from '../batches/slices';

/** @see https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html */
const MAX_STATEMENTS = 25;

/**
 * The errors with which DynamoDB refuses a whole batch without any effect: one entry is invalid, two entries name the same item, or the role
 * lacks the permission (for example right after a deployment).
 */
const REFUSALS: readonly unknown[] = ['ValidationException', 'AccessDeniedException', 'AccessDeniedError'];

interface Waiting {
  readonly request: AcquireRequest;
  resolve(answer: Acquisition | Promise<Acquisition>): void;
  reject(error: unknown): void;
}

/**
 * Combines the acquisitions of one turn of the event loop, which are those of the records of a batch, into one request.
 *
 * DynamoDB executes each statement of the batch on its own, with its own condition and its own result, so no acquisition depends on
 * another. A batch contains only COMMIT and the first RETRY of a start (see LockStore), which nearly all acquisitions are. All their values
 * are known in advance: both require `fence = parent`, so the new fence is `parent + 1`. Every acquisition that the batch does not confirm
 * (a retry, a refusal, a throttled entry or a lost response) is sent again on its own, where a write recognizes itself:
 *
 *     records 1…25  ── start or COMMIT, in one request ──┬─ acquired
 *                                                        └─ not acquired: COMMIT or RETRY, each in a request of its own
 */
export class BatchedAcquire {
  private waiting: Waiting[] = [];

  constructor(
    private readonly client: DynamoDBClient,
    private readonly table: WorkflowTable,
    private readonly acquireSingly: (request: AcquireRequest) => Promise<Acquisition>,
  ) {}

  public acquire(request: AcquireRequest): Promise<Acquisition> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ request, resolve, reject });
      if (this.waiting.length === 1) setImmediate(() => this.send());
    });
  }

  private send(): void {
    const all = this.waiting;
    this.waiting = [];
    for (const batch of slices(all, MAX_STATEMENTS)) void this.sendBatch(batch);
  }

  private async sendBatch(batch: readonly Waiting[]): Promise<void> {
    try {
      const items = batch.length > 1 ? await this.request(batch.map(({ request }) => request)) : [];
      batch.forEach(({ request, resolve }, index) => resolve(this.answerTo(request, items[index])));
    } catch (thrown) {
      const refused = thrown instanceof Error && REFUSALS.includes(thrown.name);
      batch.forEach(({ request, resolve, reject }) =>
        refused ? resolve(this.acquireSingly(request)) : reject(thrown),
      );
    }
  }

  private async answerTo(request: AcquireRequest, item: Item | undefined): Promise<Acquisition> {
    return item ? { acquired: true, lock: toLock(item) } : this.acquireSingly(request);
  }

  /** @returns for each request the item that it wrote, or nothing */
  private async request(requests: readonly AcquireRequest[]): Promise<readonly (Item | undefined)[]> {
    const Statements = requests.map((request) => take(this.table, request));
    const { Responses = [] } = await this.client.send(new BatchExecuteStatementCommand({ Statements }));
    return requests.map((_, index) => {
      const response = Responses[index];
      return response?.Error ? undefined : response?.Item;
    });
  }
}

/** Takes the lock of a start, or commits the previous step: the fence is that of the sender in both cases. */
function take({ tableName, workflow }: WorkflowTable, request: AcquireRequest): BatchStatementRequest {
  const fence = number(request.parent + 1);
  const previous = request.step === 0 ? 0 : request.step - 1;
  const partition = text(partitionOf(workflow, request.executionId));
  const item: Item = { ...acquiredBy(request), fence, ...(!request.alone && { accompanied: fence }) };
  const values = Object.keys(item)
    .map((name) => `"${name}" = ?`)
    .join(', ');
  return {
    Statement:
      `UPDATE "${tableName}" SET ${values} REMOVE "${TTL_ATTRIBUTE}" ` +
      'WHERE "executionId" = ? AND "incarnation" = ? AND "machine" = ? AND "step" = ? AND "fence" = ? ' +
      'RETURNING ALL NEW *',
    Parameters: [
      ...Object.values(item),
      ...[partition, text(request.incarnation), text(request.machine), number(previous), number(request.parent)],
    ],
  };
}
