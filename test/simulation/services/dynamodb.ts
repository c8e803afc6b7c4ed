import {
  BatchExecuteStatementCommand,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type AttributeValue,
  type BatchExecuteStatementInput,
  type BatchStatementResponse,
  type BatchWriteItemInput,
  type CancellationReason,
  type DeleteItemInput,
  type GetItemInput,
  type PutItemInput,
  type QueryInput,
  type TransactWriteItemsInput,
  type UpdateItemInput,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { compareTexts, holds, updated, type Item, type Placeholders } from './expressions';
import { ValidationException, type FailingEntries, type Service } from './service';
import type { Clock } from '../../../lambda/engine';

const MAX_BATCH_ENTRIES = 25;
const MAX_ITEM_BYTES = 409_600;
const MAX_PAGE_BYTES = 1_048_576;
/** How long an eventually consistent read misses a change, in milliseconds. DynamoDB may miss it; the simulation always does. */
const STALENESS = 1_000;
/** How long DynamoDB remembers the token of a transaction, in milliseconds. */
const TOKEN_LIFE = 600_000;

/** Called with each change of an item. */
export type Listener = (before: Item | undefined, after: Item | undefined) => void;

/** A table in memory. */
export class Table {
  /** Items by partition, then by sort key. */
  private readonly partitions = new Map<string, Map<string, Item>>();
  /** The previous version of changed items and the time of the change, by key. */
  private readonly earlier = new Map<string, { readonly item: Item | undefined; readonly until: number }>();

  /**
   * @param key names of the partition key and, if the table has one, of the sort key
   * @param clock decides when the `ttl` of an item has passed
   * @param lag how late DynamoDB deletes an expired item, in milliseconds
   */
  constructor(
    public readonly key: readonly [string, string?],
    private readonly clock: Clock,
    private readonly lag: number,
    private readonly listen: Listener = () => undefined,
  ) {}

  /** All items, sorted by sort key within each partition. */
  public get items(): readonly Item[] {
    return [...this.partitions.keys()].flatMap((partition) => this.partition(partition));
  }

  public get(key: Item): Item | undefined {
    const partition = this.partitions.get(this.partitionOf(key));
    const item = partition?.get(this.sortOf(key));
    return item && !this.isOver(item) ? item : undefined;
  }

  /** The items of a partition that were not deleted by their `ttl`, sorted by sort key. */
  public partition(name: string): readonly Item[] {
    const items = [...(this.partitions.get(name)?.values() ?? [])].filter((item) => !this.isOver(item));
    return items.sort((a, b) => compareTexts(this.sortOf(a), this.sortOf(b)));
  }

  /** Returns the version of an item that an eventually consistent read sees. */
  public getStale(key: Item): Item | undefined {
    const earlier = this.earlier.get(JSON.stringify(this.keyOf(key)));
    return earlier && this.clock.now() < earlier.until + STALENESS ? earlier.item : this.get(key);
  }

  /** Returns the items of a partition that an eventually consistent read sees. */
  public stalePartition(name: string): readonly Item[] {
    return this.partition(name)
      .map((item) => this.getStale(item))
      .filter((item) => item !== undefined);
  }

  public put(item: Item): void {
    if (sizeOf(item) > MAX_ITEM_BYTES) throw new ValidationException('Item size has exceeded the maximum allowed size');
    const before = this.get(item);
    const name = this.partitionOf(item);
    const partition = this.partitions.get(name) ?? new Map<string, Item>();
    this.partitions.set(name, partition.set(this.sortOf(item), item));
    this.changed(item, before);
    this.listen(before, item);
  }

  public delete(key: Item): void {
    const before = this.get(key);
    this.partitions.get(this.partitionOf(key))?.delete(this.sortOf(key));
    if (!before) return;
    this.changed(key, before);
    this.listen(before, undefined);
  }

  public partitionOf(item: Item): string {
    return scalar(item, this.key[0]);
  }

  public sortOf(item: Item): string {
    return this.key[1] === undefined ? '' : scalar(item, this.key[1]);
  }

  /** Returns the key attributes of an item. */
  public keyOf(item: Item): Item {
    return Object.fromEntries(
      Object.entries(item)
        .filter(([name]) => this.key.includes(name))
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  }

  private changed(key: Item, before: Item | undefined): void {
    this.earlier.set(JSON.stringify(this.keyOf(key)), { item: before, until: this.clock.now() });
  }

  private isOver(item: Item): boolean {
    const ttl = item.ttl?.N;
    return ttl !== undefined && Number(ttl) * 1_000 + this.lag <= this.clock.now();
  }
}

/** Answers the DynamoDB requests of the adapters, each as one atomic operation. */
export class SimulatedDynamoDb implements Service {
  public readonly name = 'dynamodb';
  private readonly tokens = new Map<string, number>();

  /** @param maxPageBytes maximum bytes of one page of a query */
  constructor(
    private readonly tables: ReadonlyMap<string, Table>,
    private readonly clock: Clock,
    private readonly maxPageBytes = MAX_PAGE_BYTES,
  ) {}

  public entriesOf(command: object): number {
    if (command instanceof BatchWriteItemCommand) return Object.values(command.input.RequestItems ?? {}).flat().length;
    return command instanceof BatchExecuteStatementCommand ? (command.input.Statements?.length ?? 0) : 0;
  }

  public answer(command: object, failing: FailingEntries): object {
    if (command instanceof UpdateItemCommand) return this.update(command.input);
    if (command instanceof BatchWriteItemCommand) return this.writeBatch(command.input, failing);
    if (command instanceof BatchExecuteStatementCommand) return this.executeBatch(command.input, failing);
    if (command instanceof GetItemCommand) return this.get(command.input);
    if (command instanceof QueryCommand) return this.query(command.input);
    if (command instanceof DeleteItemCommand) return this.delete(command.input);
    if (command instanceof PutItemCommand) return this.put(command.input);
    if (command instanceof TransactWriteItemsCommand) return this.transact(command.input);
    throw new Error(`The simulated DynamoDB does not support ${command.constructor.name}.`);
  }

  private get({ TableName, Key = {}, ConsistentRead }: GetItemInput): object {
    const table = this.table(TableName);
    return { Item: ConsistentRead ? table.get(Key) : table.getStale(Key) };
  }

  private update(input: UpdateItemInput): object {
    const table = this.table(input.TableName);
    const before = table.get(input.Key ?? {});
    this.check(before, input, input.ReturnValuesOnConditionCheckFailure);
    const after = updated(input.UpdateExpression ?? '', before ?? { ...input.Key }, input);
    table.put(after);
    return input.ReturnValues === 'ALL_NEW' ? { Attributes: after } : {};
  }

  private put(input: PutItemInput): object {
    const table = this.table(input.TableName);
    this.check(table.get(input.Item ?? {}), input, input.ReturnValuesOnConditionCheckFailure);
    table.put(input.Item ?? {});
    return {};
  }

  private delete(input: DeleteItemInput): object {
    const table = this.table(input.TableName);
    this.check(table.get(input.Key ?? {}), input, input.ReturnValuesOnConditionCheckFailure);
    table.delete(input.Key ?? {});
    return {};
  }

  private writeBatch({ RequestItems = {} }: BatchWriteItemInput, failing: FailingEntries): object {
    const requests = Object.entries(RequestItems).flatMap(([name, of]) => of.map((request) => ({ name, request })));
    const keys = requests.map(({ name, request }) => JSON.stringify([name, this.keyOf(name, request)]));
    if (requests.length > MAX_BATCH_ENTRIES) {
      throw new ValidationException('Too many items requested for the BatchWriteItem call');
    }
    if (new Set(keys).size < keys.length) {
      throw new ValidationException('Provided list of item keys contains duplicates');
    }
    if (requests.some(({ request }) => sizeOf(request.PutRequest?.Item ?? {}) > MAX_ITEM_BYTES)) {
      throw new ValidationException('Item size has exceeded the maximum allowed size');
    }
    const left: Record<string, WriteRequest[]> = {};
    for (const [index, { name, request }] of requests.entries()) {
      if (failing.has(index)) (left[name] ??= []).push(request);
      else if (request.PutRequest?.Item) this.table(name).put(request.PutRequest.Item);
      else this.table(name).delete(request.DeleteRequest?.Key ?? {});
    }
    return { UnprocessedItems: left };
  }

  /** Runs each statement separately, and rejects two statements about the same item. */
  private executeBatch({ Statements = [] }: BatchExecuteStatementInput, failing: FailingEntries): object {
    const statements = Statements.map(({ Statement = '', Parameters = [] }) => readStatement(Statement, Parameters));
    const keys = statements.map(({ tableName, item }) =>
      JSON.stringify([tableName, this.table(tableName).keyOf(item)]),
    );
    if (keys.length > MAX_BATCH_ENTRIES) throw new ValidationException('Too many statements');
    if (new Set(keys).size < keys.length) {
      throw new ValidationException('Provided list of item keys contains duplicates');
    }
    return {
      Responses: statements.map((statement, index) => {
        const fault = failing.get(index);
        const response = fault?.effect === 'before' ? {} : this.execute(statement);
        return fault
          ? { Error: { Code: 'ThrottlingError', Message: 'Throughput exceeds the current capacity' } }
          : response;
      }),
    };
  }

  private execute({ tableName, item, where, removed, deletes }: Statement): BatchStatementResponse {
    const table = this.table(tableName);
    const before = table.get(item);
    if (!where) {
      if (before) return { Error: { Code: 'DuplicateItem', Message: 'Duplicate primary key exists in table' } };
      table.put(item);
      return { TableName: tableName };
    }
    const matches =
      before && Object.entries(where).every(([name, value]) => JSON.stringify(before[name]) === JSON.stringify(value));
    if (!matches) return { Error: { Code: 'ConditionalCheckFailed', Message: 'The conditional request failed' } };
    if (deletes) {
      table.delete(item);
      return { TableName: tableName };
    }
    const after = Object.fromEntries(
      Object.entries({ ...before, ...item }).filter(([name]) => !removed.includes(name)),
    );
    table.put(after);
    return { TableName: tableName, Item: after };
  }

  private query(input: QueryInput): object {
    const table = this.table(input.TableName);
    const [hash] = table.key;
    // The key conditions of the adapters begin with the partition key.
    const [name = '', placeholder = ''] =
      /^\s*(\S+)\s*=\s*(\S+)/.exec(input.KeyConditionExpression ?? '')?.slice(1) ?? [];
    if ((input.ExpressionAttributeNames?.[name] ?? name) !== hash) {
      throw new Error(`The simulated DynamoDB does not support the key condition "${input.KeyConditionExpression}".`);
    }
    const partition = scalar(input.ExpressionAttributeValues ?? {}, placeholder);
    const start = input.ExclusiveStartKey && table.sortOf(input.ExclusiveStartKey);
    const backward = input.ScanIndexForward === false;
    const isAfter = (item: Item, from: string) => compareTexts(table.sortOf(item), from) * (backward ? -1 : 1) > 0;
    const found = (input.ConsistentRead ? table.partition(partition) : table.stalePartition(partition)).filter(
      (item) => (start === undefined || isAfter(item, start)) && holds(input.KeyConditionExpression ?? '', item, input),
    );
    if (backward) found.reverse();
    const page: Item[] = [];
    let bytes = 0;
    for (const item of found) {
      page.push(item);
      bytes += sizeOf(item);
      if (bytes > this.maxPageBytes || page.length === input.Limit) break;
    }
    const last = page.at(-1);
    const more = last && (page.length < found.length || page.length === input.Limit);
    return { Items: page.map((item) => project(item, input)), ...(more && { LastEvaluatedKey: table.keyOf(last) }) };
  }

  private transact({ TransactItems = [], ClientRequestToken: token = '' }: TransactWriteItemsInput): object {
    const known = this.tokens.get(token);
    if (known !== undefined && this.clock.now() < known + TOKEN_LIFE) return {};
    const reasons = TransactItems.map(({ Put, Update }): CancellationReason => {
      const action = Put ?? Update;
      const item = this.table(action?.TableName).get(Put?.Item ?? Update?.Key ?? {});
      if (action?.ConditionExpression === undefined || holds(action.ConditionExpression, item ?? {}, action)) {
        return { Code: 'None' };
      }
      return {
        Code: 'ConditionalCheckFailed',
        ...(action.ReturnValuesOnConditionCheckFailure === 'ALL_OLD' && { Item: item }),
      };
    });
    if (reasons.some(({ Code }) => Code !== 'None')) {
      throw new TransactionCanceledException({
        message: 'Transaction cancelled',
        CancellationReasons: reasons,
        $metadata: {},
      });
    }
    for (const { Put, Update } of TransactItems) {
      if (Put) this.table(Put.TableName).put(Put.Item ?? {});
      if (Update) {
        this.update({ ...Update, ConditionExpression: undefined, ReturnValuesOnConditionCheckFailure: undefined });
      }
    }
    this.tokens.set(token, this.clock.now());
    return {};
  }

  private check(
    item: Item | undefined,
    input: Placeholders & { readonly ConditionExpression?: string },
    returns?: string,
  ): void {
    if (input.ConditionExpression === undefined || holds(input.ConditionExpression, item ?? {}, input)) return;
    throw new ConditionalCheckFailedException({
      message: 'The conditional request failed',
      $metadata: {},
      ...(returns === 'ALL_OLD' && { Item: item }),
    });
  }

  private table(name: string | undefined): Table {
    const table = this.tables.get(name ?? '');
    if (!table) {
      throw Object.assign(new Error(`The table ${name} does not exist.`), { name: 'ResourceNotFoundException' });
    }
    return table;
  }

  private keyOf(name: string, { PutRequest, DeleteRequest }: WriteRequest): Item {
    return this.table(name).keyOf(PutRequest?.Item ?? DeleteRequest?.Key ?? {});
  }
}

/** A PartiQL statement that inserts an item, or updates an item that satisfies `where`. */
interface Statement {
  readonly tableName: string;
  /** The attributes that it sets, including the key. */
  readonly item: Item;
  readonly where?: Item;
  readonly removed: readonly string[];
  /** Whether it deletes the item that satisfies `where`. */
  readonly deletes?: boolean;
}

const INSERT = /^INSERT INTO "([^"]+)" VALUE \{(.*)\}$/;
const DELETE = /^DELETE FROM "([^"]+)" WHERE (.*)$/;
const UPDATE = /^UPDATE "([^"]+)" SET (.*) REMOVE "(\w+)" WHERE (.*) RETURNING ALL NEW \*$/;

/** Parses the forms of statements that the adapters use. */
function readStatement(statement: string, parameters: readonly AttributeValue[]): Statement {
  const values = [...parameters];
  const take = (text: string) =>
    Object.fromEntries(
      [...text.matchAll(/["'](\w+)["'] ?[:=] \?/g)].map(([, name = '']) => {
        const value = values.shift();
        if (!value) throw new ValidationException("Number of parameters in request and statement don't match");
        return [name, value];
      }),
    );
  const [, table = '', members = ''] = INSERT.exec(statement) ?? [];
  if (table) return { tableName: table, item: take(members), removed: [] };
  const [, shortened = '', condition = ''] = DELETE.exec(statement) ?? [];
  if (shortened) {
    const where = take(condition);
    return { tableName: shortened, item: where, where, removed: [], deletes: true };
  }
  const [, tableName = '', set = '', removed = '', where = ''] = UPDATE.exec(statement) ?? [];
  if (!tableName) throw new Error(`The simulated DynamoDB does not support the statement ${statement}.`);
  const changed = take(set);
  const found = take(where);
  return { tableName, item: { ...found, ...changed }, where: found, removed: [removed] };
}

function project(item: Item, { ProjectionExpression, ExpressionAttributeNames }: QueryInput): Item {
  if (ProjectionExpression === undefined) return item;
  const names = ProjectionExpression.split(',')
    .map((name) => name.trim())
    .map((name) => ExpressionAttributeNames?.[name] ?? name);
  return Object.fromEntries(Object.entries(item).filter(([name]) => names.includes(name)));
}

function scalar(item: Item, name: string): string {
  const value = item[name]?.S ?? item[name]?.N;
  if (value === undefined) throw new ValidationException(`The item has no ${name}`);
  return value;
}

/** Approximates the size that DynamoDB counts. The adapters' attributes are texts, numbers, lists of texts and maps. */
function sizeOf(item: Item): number {
  let size = 0;
  for (const [name, { S = '', N = '', L = [], M = {} }] of Object.entries(item)) {
    size +=
      name.length +
      Buffer.byteLength(S) +
      N.length +
      sizeOf(M) +
      L.reduce((sum, value) => sum + Buffer.byteLength(value.S ?? ''), 1);
  }
  return size;
}
