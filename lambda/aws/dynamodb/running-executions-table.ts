import { ConditionalCheckFailedException, UpdateItemCommand, type DynamoDBClient, type UpdateItemCommandInput } from '@aws-sdk/client-dynamodb';
import { number, text, type Item } from './item';
import type { RunningExecution, RunningExecutions } from '../../engine/ports';

const IS_IN = 'attribute_exists(executions.#id)';

/** The names in the map begin with it: the SDK would take an execution `__proto__` for the prototype of the object that it makes. */
const MARK = '=';

/**
 * The executions that are counted, in the table of the locks: an item for each group, whose key can be no executionId since it has
 * spaces, with one attribute `executions`, a map by executionId. A change is one request, which costs a write unit for each kilobyte of
 * the item: of ten to twenty executions.
 */
export class RunningExecutionsTable implements RunningExecutions {
  constructor(private readonly client: DynamoDBClient, private readonly tableName: string) {}

  public async enter(group: string, capacity: number, execution: RunningExecution): Promise<readonly RunningExecution[] | undefined> {
    const { executionId, fence, expires } = execution;
    const entry = { M: { fence: number(fence), expires: number(expires) } };
    for (;;) {
      const refused = await this.update(group, {
        UpdateExpression: 'SET executions.#id = :entry',
        ConditionExpression: `size(executions) < :capacity AND NOT ${IS_IN} OR executions.#id.fence <= :fence`,
        ExpressionAttributeNames: { '#id': MARK + executionId },
        ExpressionAttributeValues: { ':entry': entry, ':capacity': number(capacity), ':fence': number(fence) },
      });
      if (!refused) return undefined;
      const counted = refused.executions?.M;
      if (counted) return Object.hasOwn(counted, MARK + executionId) ? undefined : Object.entries(counted).map(toExecution);
      // Somebody else may be faster.
      await this.update(group, {
        UpdateExpression: 'SET executions = :none',
        ConditionExpression: 'attribute_not_exists(executions)',
        ExpressionAttributeValues: { ':none': { M: {} } },
      });
    }
  }

  public async leave(group: string, executionId: string, fence: number, expires?: number): Promise<void> {
    await this.update(group, {
      UpdateExpression: 'REMOVE executions.#id',
      ConditionExpression: `executions.#id.fence < :fence${expires === undefined ? '' : ' AND executions.#id.expires <= :expires'}`,
      ExpressionAttributeNames: { '#id': MARK + executionId },
      ExpressionAttributeValues: { ':fence': number(fence), ...expires !== undefined && { ':expires': number(expires) } },
    });
  }

  /** @returns the item as it is, empty if there is none, when the condition does not hold */
  private async update(group: string, input: Omit<UpdateItemCommandInput, 'TableName' | 'Key'>): Promise<Item | undefined> {
    try {
      await this.client.send(new UpdateItemCommand({
        TableName: this.tableName,
        Key: { executionId: text(group) },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        ...input,
      }));
      return undefined;
    } catch (thrown) {
      if (!(thrown instanceof ConditionalCheckFailedException)) throw thrown;
      return thrown.Item ?? {};
    }
  }
}

function toExecution([name, { M = {} }]: [string, Item[string]]): RunningExecution {
  return { executionId: name.slice(MARK.length), fence: Number(M.fence?.N), expires: Number(M.expires?.N) };
}
