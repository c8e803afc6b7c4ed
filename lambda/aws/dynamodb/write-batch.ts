import { BatchWriteItemCommand, type DynamoDBClient, type WriteRequest } from '@aws-sdk/client-dynamodb';
import { keyText, type Item } from './item';
import { FsmError } from '../../machine/fsm-error';
import { toError } from '../../machine/to-error';
import { MAX_ENTRY_RETRIES, retryEntries, type EntryResult } from '../batches/retry-entries';
import { sendBatch, type Rejected } from '../batches/send-batch';
import { isThrottling, ThrottledError } from '../batches/throttled';
import type { BrokerSystem } from '../broker';

/** The maximum number of requests in one BatchWriteItem. @see https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html */
export const MAX_BATCH_ENTRIES = 25;

/** The maximum size of one BatchWriteItem. */
export const MAX_BATCH_BYTES = 16 * 1024 * 1024;

/** DynamoDB left this entry of the batch unprocessed in every attempt, because the table is throttled. */
export class UnprocessedError extends FsmError {
  public override readonly name = 'UnprocessedError';
  public override readonly code = 'TABLE_THROTTLED';

  constructor(tableName: string) {
    super(`DynamoDB left the entry unprocessed ${MAX_ENTRY_RETRIES + 1} times: table "${tableName}" is throttled.`, {
      retryable: true,
    });
  }
}

type WriteResult = { readonly ok: true } | Rejected;

/** Writes batches of items to one table. */
export class BatchWriter {
  constructor(
    private readonly client: DynamoDBClient,
    private readonly tableName: string,
    private readonly system: BrokerSystem,
  ) {}

  /** Stores items. Resolves as {@link BatchWriter.write} does. */
  public put(items: readonly Item[]): Promise<readonly (Error | undefined)[]> {
    return this.write(items.map((Item) => ({ PutRequest: { Item } })));
  }

  /** Deletes items by key. Resolves as {@link BatchWriter.write} does. */
  public delete(keys: readonly Item[]): Promise<readonly (Error | undefined)[]> {
    return this.write(keys.map((Key) => ({ DeleteRequest: { Key } })));
  }

  /**
   * Sends one request, and further requests only for entries that DynamoDB left unprocessed.
   *
   * @returns for each entry `undefined`, or the error that kept it from being written; never rejects because of the service
   * @throws RangeError if there are more entries than one request may have
   */
  private async write(requests: readonly WriteRequest[]): Promise<readonly (Error | undefined)[]> {
    const results = await sendBatch<WriteRequest, { readonly ok: true }>(requests, {
      maxEntries: MAX_BATCH_ENTRIES,
      isRefusal,
      send: (entries) => retryEntries(entries, this.system, (pending) => this.request(pending)),
    });
    return results.map((result) => (result.ok ? undefined : result.error));
  }

  /** @throws the refusal of a batch that has more than one entry */
  private async request(requests: readonly WriteRequest[]): Promise<readonly EntryResult<WriteResult>[]> {
    try {
      const output = await this.client.send(
        new BatchWriteItemCommand({ RequestItems: { [this.tableName]: [...requests] } }),
      );
      const unprocessed = new Set(output.UnprocessedItems?.[this.tableName]?.map(keyIn));
      return requests.map((request) =>
        unprocessed.has(keyIn(request))
          ? { result: { ok: false, error: new UnprocessedError(this.tableName) }, retry: true }
          : { result: { ok: true }, retry: false },
      );
    } catch (thrown) {
      const error = toError(thrown);
      if (requests.length > 1 && isRefusal(error)) throw error;
      const throttled = isThrottling(error) ? new ThrottledError(error) : undefined;
      return requests.map(() => ({ result: { ok: false, error: throttled ?? error }, retry: throttled !== undefined }));
    }
  }
}

/** Identifies the item of a request. */
function keyIn({ PutRequest, DeleteRequest }: WriteRequest): string {
  return keyText(PutRequest?.Item ?? DeleteRequest?.Key ?? {});
}

/** Whether DynamoDB refused the batch itself. Sending it again would not help. */
function isRefusal({ name }: Error): boolean {
  return name === 'ValidationException';
}
