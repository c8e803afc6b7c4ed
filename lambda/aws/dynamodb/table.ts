import {
  DeleteItemCommand,
  GetItemCommand,
  QueryCommand,
  UpdateItemCommand,
  type AttributeValue,
  type DynamoDBClient,
  type QueryCommandInput,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { conditionalWrite, type ConditionalWrite } from './conditional-write';
import { text, type Item } from './item';
import type { WorkflowTable } from './workflow-table';
import { partitionOf } from '../../contract/tables';

/** The expressions of a request. `#status` stands for the attribute `status`, and `:now` for the value `now`. */
export type Expressions = Pick<UpdateItemCommandInput, 'UpdateExpression' | 'ConditionExpression'> &
  Pick<QueryCommandInput, 'KeyConditionExpression' | 'ProjectionExpression'>;

/** Attributes by the names that stand for them in expressions, if those are not their own. */
export type Names = Readonly<Record<string, string>>;

/** The condition of a write to an item that exists, or to one that does not. Every table that a {@link Table} writes to has this key. */
export const EXISTS = 'attribute_exists(executionId)';
export const IS_NEW = 'attribute_not_exists(executionId)';

/** A page of a query. */
export interface QueryPage {
  readonly items: readonly Item[];
  /** The key after which the next page begins; absent on the last page. */
  readonly next?: Item;
}

/**
 * One table, as one workflow uses it. Each method sends one request, except {@link Table.queryAll}. Reads are strongly consistent.
 */
export class Table {
  public readonly name: string;
  private readonly workflow: string;

  constructor(
    private readonly client: DynamoDBClient,
    { tableName, workflow }: Pick<WorkflowTable, 'tableName' | 'workflow'>,
  ) {
    this.name = tableName;
    this.workflow = workflow;
  }

  /**
   * The key attribute of a partition: see {@link partitionOf}.
   *
   * @param name an executionId, or another name that contains a space
   */
  public partition(name: string): { readonly executionId: AttributeValue } {
    return { executionId: text(partitionOf(this.workflow, name)) };
  }

  public async get(key: Item): Promise<Item | undefined> {
    const { Item } = await this.client.send(
      new GetItemCommand({ TableName: this.name, Key: key, ConsistentRead: true }),
    );
    return Item;
  }

  /** Updates an item, and returns it. A refusal returns the stored item, if there is one. */
  public update(key: Item, expressions: Expressions, values: Item, names?: Names): Promise<ConditionalWrite<Item>> {
    const returned = { ReturnValues: 'ALL_NEW', ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } as const;
    return this.write(key, { ...withOperands(expressions, values, names), ...returned });
  }

  /**
   * Updates an item that may be large, without returning it.
   *
   * @returns whether the condition holds
   */
  public async change(key: Item, expressions: Expressions, values?: Item, names?: Names): Promise<boolean> {
    return !(await this.write(key, withOperands(expressions, values, names))).refused;
  }

  private write(
    key: Item,
    request: Omit<UpdateItemCommandInput, 'TableName' | 'Key'>,
  ): Promise<ConditionalWrite<Item>> {
    const sent = this.client.send(new UpdateItemCommand({ TableName: this.name, Key: key, ...request }));
    return conditionalWrite(sent.then(({ Attributes = {} }) => Attributes));
  }

  /**
   * Deletes an item with the partition key `executionId`.
   *
   * @returns false if it does not exist
   */
  public async delete(key: Item): Promise<boolean> {
    const command = new DeleteItemCommand({ TableName: this.name, Key: key, ConditionExpression: EXISTS });
    return !(await conditionalWrite(this.client.send(command))).refused;
  }

  public async query(
    expressions: Expressions,
    values: Item,
    range?: Pick<QueryCommandInput, 'Limit' | 'ScanIndexForward' | 'ExclusiveStartKey'>,
  ): Promise<QueryPage> {
    const { Items = [], LastEvaluatedKey } = await this.client.send(
      new QueryCommand({ TableName: this.name, ConsistentRead: true, ...withOperands(expressions, values), ...range }),
    );
    return { items: Items, next: LastEvaluatedKey };
  }

  /** Reads all pages of a query. */
  public async queryAll(expressions: Expressions, values: Item): Promise<readonly Item[]> {
    const items: Item[] = [];
    let ExclusiveStartKey: Item | undefined;
    do {
      const page = await this.query(expressions, values, { ExclusiveStartKey });
      items.push(...page.items);
      ExclusiveStartKey = page.next;
    } while (ExclusiveStartKey);
    return items;
  }
}

/** Adds the operands to the expressions of a request. DynamoDB refuses operands that no expression contains. */
export function withOperands<Request extends Expressions>(expressions: Request, values: Item = {}, names: Names = {}) {
  const tokens = Object.values(expressions).join(' ');
  const operands = <Operand>(pattern: RegExp, operandOf: (name: string) => Operand) => {
    const found = tokens.match(pattern)?.map((token) => [token, operandOf(token.slice(1))] as const);
    return found && Object.fromEntries(found);
  };
  return {
    ...expressions,
    ExpressionAttributeNames: operands(/#\w+/g, (name) => names[name] ?? name),
    ExpressionAttributeValues: operands(/:\w+/g, (name) => values[name]!),
  };
}

/** The update that sets all attributes of an item; none of them belongs to the key. */
export function settingAll(item: Item): string {
  return `SET ${Object.keys(item)
    .map((name) => `#${name} = :${name}`)
    .join(', ')}`;
}
