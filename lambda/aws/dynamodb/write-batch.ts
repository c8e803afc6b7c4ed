import { BatchWriteItemCommand, type AttributeValue, type DynamoDBClient, type WriteRequest } from '@aws-sdk/client-dynamodb';
import type { Item } from './item';
import type { Clock, Random } from '../../engine/ports';

/** The most requests that one BatchWriteItem takes. @see https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html */
export const MAX_BATCH_ENTRIES = 25;

/** The most bytes that one BatchWriteItem takes. */
export const MAX_BATCH_BYTES = 16 * 1024 * 1024;

/** How often what DynamoDB has left unprocessed is sent again, and the upper bound of the first wait (full jitter, doubled each time). */
const MAX_RETRIES = 4;
const FIRST_WAIT = 50;

/** DynamoDB took the batch but left this entry of it undone, again and again: the table is throttled. */
export class UnprocessedError extends Error {
  public override readonly name = 'UnprocessedError';

  constructor(tableName: string) {
    super(`DynamoDB left the entry unprocessed ${MAX_RETRIES + 1} times: table "${tableName}" is throttled.`);
  }
}

/** Writes batches of items into one table. */
export class BatchWriter {
  /** @param key the names of the table's partition key and sort key */
  constructor(
    private readonly client: DynamoDBClient,
    private readonly tableName: string,
    private readonly key: readonly [string, string],
    private readonly system: { readonly clock: Clock; readonly random: Random },
  ) {}

  /** Stores items. Answers as {@link BatchWriter.write} does. */
  public put(items: readonly Item[]): Promise<readonly (Error | undefined)[]> {
    return this.write(items.map((Item) => ({ PutRequest: { Item } })));
  }

  /** Deletes items by their keys. Answers as {@link BatchWriter.write} does. */
  public delete(keys: readonly Item[]): Promise<readonly (Error | undefined)[]> {
    return this.write(keys.map((Key) => ({ DeleteRequest: { Key } })));
  }

  /**
   * Makes one request, and more only for what that one has not done.
   *
   * @returns entry by entry `undefined`, or why that entry was not written; never rejects for what the service says
   * @throws RangeError when there are more entries than one request takes
   */
  private async write(requests: readonly WriteRequest[]): Promise<readonly (Error | undefined)[]> {
    if (requests.length > MAX_BATCH_ENTRIES) {
      throw new RangeError(`A batch takes at most ${MAX_BATCH_ENTRIES} entries, but has ${requests.length}.`);
    }
    const errors = new Array<Error | undefined>(requests.length).fill(undefined);
    let pending = requests.map((request, index) => ({ request, index }));
    for (let retry = 0; pending.length > 0; retry += 1) {
      if (retry > MAX_RETRIES) {
        pending.forEach(({ index }) => { errors[index] = new UnprocessedError(this.tableName); });
        break;
      }
      if (retry > 0) {
        await this.system.clock.sleep(this.system.random.next() * FIRST_WAIT * 2 ** (retry - 1));
      }
      try {
        const left = await this.request(pending.map(({ request }) => request));
        pending = pending.filter(({ request }) => left.has(this.keyOf(request)));
      } catch (thrown) {
        if (isRefusal(thrown) && pending.length > 1) {
          // DynamoDB refuses the whole batch for the fault of one entry. Each alone, only the faulty one fails.
          const alone = await Promise.all(pending.map(({ request }) => this.write([request])));
          pending.forEach(({ index }, place) => { errors[index] = alone[place]?.[0]; });
        } else {
          pending.forEach(({ index }) => { errors[index] = thrown instanceof Error ? thrown : new Error(String(thrown)); });
        }
        break;
      }
    }
    return errors;
  }

  /** @returns the keys of the entries that were left unprocessed */
  private async request(requests: WriteRequest[]): Promise<ReadonlySet<string>> {
    const output = await this.client.send(new BatchWriteItemCommand({ RequestItems: { [this.tableName]: requests } }));
    return new Set(output.UnprocessedItems?.[this.tableName]?.map((request) => this.keyOf(request)));
  }

  private keyOf(request: WriteRequest): string {
    const item = request.PutRequest?.Item ?? request.DeleteRequest?.Key;
    return this.key.map((name) => scalar(item?.[name])).join('\n');
  }
}

function scalar(value: AttributeValue | undefined): string {
  return value?.S ?? value?.N ?? '';
}

/** The service found the batch itself at fault, so that sending it once more would not help. */
function isRefusal(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'ValidationException';
}
