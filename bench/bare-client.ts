import {
  BatchExecuteStatementCommand,
  BatchWriteItemCommand,
  DynamoDBClient,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import { createTable } from './sources';

/** Maximum number of entries in a request. */
const ENTRIES = 25;

/** The sizes are typical of the item of a lock, and of an envelope in the journal. */
const LOCK: Record<string, AttributeValue> = {
  machine: { S: 'ring' },
  holder: { S: '6b29fc40-ca47-1067-b31d-00dd010662da' },
  expires: { N: '1900000000000' },
  state: { S: 'a' },
  place: { S: '{"service":"dynamodb","resource":"checkpoints","messageId":"0"}' },
  done: { BOOL: false },
  updatedAt: { N: '1900000000000' },
};
const ENVELOPE = 'e'.repeat(900);

/**
 * Makes only the two writes of a transition, with the concurrency of a worker. Its throughput is the most that the server allows.
 */
export class BareClient {
  /** @param stream the journal carries the envelopes, as with DynamoDB Streams */
  public static async create(executions: number, stream: boolean): Promise<BareClient> {
    const locks = await createTable('bare-locks', ['executionId']);
    return new BareClient(locks, await createTable('bare-checkpoints', ['executionId', 'entry'], stream), executions);
  }

  private readonly client = new DynamoDBClient();
  private step = 0;

  private constructor(
    private readonly locks: string,
    private readonly checkpoints: string,
    private readonly executions: number,
  ) {}

  /** Makes the writes of one transition of each execution, two groups at a time. */
  public async next(): Promise<void> {
    const ids = Array.from({ length: this.executions }, (_, n) => `bare-${n}`);
    const groups = Array.from({ length: Math.ceil(ids.length / ENTRIES) }, (_, n) =>
      ids.slice(n * ENTRIES, (n + 1) * ENTRIES),
    );
    const worker = async () => {
      for (let group = groups.shift(); group; group = groups.shift()) await this.write(group);
    };
    await Promise.all([worker(), worker()]);
    this.step++;
  }

  private async write(ids: readonly string[]): Promise<void> {
    const Statements = ids.map((id) => this.acquire({ S: id }));
    const { Responses = [] } = await this.client.send(new BatchExecuteStatementCommand({ Statements }));
    const failed = Responses.find(({ Error }) => Error)?.Error;
    if (failed) throw new Error(`A write failed: ${failed.Code} ${failed.Message}`);
    await this.client.send(
      new BatchWriteItemCommand({
        RequestItems: {
          [this.checkpoints]: ids.map((id) => ({
            PutRequest: {
              Item: { executionId: { S: id }, entry: { S: `step#${this.step}` }, envelope: { S: ENVELOPE } },
            },
          })),
        },
      }),
    );
  }

  private acquire(executionId: AttributeValue) {
    const [step, fence] = [{ N: String(this.step) }, { N: String(this.step + 1) }];
    const item = { ...LOCK, step, fence };
    const names = Object.keys(item);
    if (this.step === 0) {
      const values = ['executionId', ...names].map((name) => `'${name}': ?`).join(', ');
      return {
        Statement: `INSERT INTO "${this.locks}" VALUE {${values}}`,
        Parameters: [executionId, ...Object.values(item)],
      };
    }
    return {
      Statement:
        `UPDATE "${this.locks}" SET ${names.map((name) => `"${name}" = ?`).join(', ')} ` +
        'WHERE "executionId" = ? AND "step" = ? AND "fence" = ? RETURNING ALL NEW *',
      Parameters: [...Object.values(item), executionId, { N: String(this.step - 1) }, step],
    };
  }
}
