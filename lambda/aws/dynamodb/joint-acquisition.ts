import { BatchExecuteStatementCommand, type BatchStatementRequest, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { number, text, TTL, type Item } from './item';
import { acquiredBy, toLock } from './lock-item';
import type { AcquireRequest, Acquisition } from '../../engine/ports';

/** @see https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html */
const MAX_STATEMENTS = 25;

/**
 * By these DynamoDB refuses a batch as a whole, without any effect: for the fault of one entry, for an item that is named twice, or to a
 * role that may not do it (yet, right after a deployment).
 */
const REFUSALS: readonly unknown[] = ['ValidationException', 'AccessDeniedException'];

interface Waiting {
  readonly request: AcquireRequest;
  resolve(answer: Acquisition | Promise<Acquisition>): void;
  reject(error: unknown): void;
}

/**
 * Makes one request of the acquisitions that are asked for in the same turn of the event loop, which is what the records of a batch do.
 *
 * DynamoDB writes each statement of a batch by itself, under its own condition, and answers for each: no acquisition depends on another.
 * Here are the two that nearly all acquisitions come to, START and COMMIT (see LockStore). With them all values are known beforehand:
 * COMMIT wants `fence = parent`, so the new fence is `parent + 1`. Whatever is not told to have been done (a retry, a refusal, a
 * throttled entry, an answer that was lost) is asked for again, alone, where a write of one's own is known again:
 *
 *     records 1…25  ── START or COMMIT, in one request ──┬─ done
 *                                                        └─ not done: START, COMMIT or RETRY, alone
 */
export class JointAcquisition {
  private waiting: Waiting[] = [];

  constructor(
    private readonly client: DynamoDBClient,
    private readonly tableName: string,
    private readonly acquireAlone: (request: AcquireRequest) => Promise<Acquisition>,
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
    for (let first = 0; first < all.length; first += MAX_STATEMENTS) void this.sendBatch(all.slice(first, first + MAX_STATEMENTS));
  }

  private async sendBatch(batch: readonly Waiting[]): Promise<void> {
    try {
      const items = batch.length > 1 ? await this.request(batch.map(({ request }) => request)) : [];
      batch.forEach(({ request, resolve }, index) => resolve(this.answerTo(request, items[index])));
    } catch (thrown) {
      const refused = thrown instanceof Error && REFUSALS.includes(thrown.name);
      batch.forEach(({ request, resolve, reject }) => refused ? resolve(this.acquireAlone(request)) : reject(thrown));
    }
  }

  private async answerTo(request: AcquireRequest, item: Item | undefined): Promise<Acquisition> {
    return item ? { acquired: true, lock: toLock(item) } : this.acquireAlone(request);
  }

  /** @returns entry by entry the item that was written, or nothing */
  private async request(requests: readonly AcquireRequest[]): Promise<readonly (Item | undefined)[]> {
    const writes = requests.map((request) => request.step === 0 ? start(this.tableName, request) : commit(this.tableName, request));
    const Statements = writes.map(({ statement }) => statement);
    const { Responses = [] } = await this.client.send(new BatchExecuteStatementCommand({ Statements }));
    return writes.map(({ item }, index) => {
      const response = Responses[index];
      return response && !response.Error ? item ?? response.Item : undefined;
    });
  }
}

interface Write {
  readonly statement: BatchStatementRequest;
  /** The item that it makes, where it does not bring it along. */
  readonly item?: Item;
}

/** Makes an item, unless there is one. */
function start(tableName: string, request: AcquireRequest): Write {
  const item: Item = {
    executionId: text(request.executionId), ...acquiredBy(request), fence: number(1), released: number(0), startedAt: number(request.now),
  };
  const values = Object.keys(item).map((name) => `'${name}': ?`).join(', ');
  return { statement: { Statement: `INSERT INTO "${tableName}" VALUE {${values}}`, Parameters: Object.values(item) }, item };
}

function commit(tableName: string, request: AcquireRequest): Write {
  const item: Item = { ...acquiredBy(request), fence: number(request.parent + 1) };
  const values = Object.keys(item).map((name) => `"${name}" = ?`).join(', ');
  return {
    statement: {
      Statement: `UPDATE "${tableName}" SET ${values} REMOVE "${TTL}" ` +
        'WHERE "executionId" = ? AND "step" = ? AND "fence" = ? RETURNING ALL NEW *',
      Parameters: [...Object.values(item), text(request.executionId), number(request.step - 1), number(request.parent)],
    },
  };
}
