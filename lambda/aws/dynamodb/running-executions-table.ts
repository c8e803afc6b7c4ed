import {
  GetItemCommand,
  UpdateItemCommand,
  type DynamoDBClient,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { conditionalWrite } from './conditional-write';
import { number, text, type Item } from './item';
import type { WorkflowTable } from './workflow-table';
import { partitionOf } from '../../contract/tables';
import type { RunningExecution, RunningExecutions } from '../../engine/ports';

const IS_IN = 'attribute_exists(executions.#id)';

/** The prefix of the names in the map. Without it, the SDK would take an execution `__proto__` for the prototype of the object it creates. */
const MARK = '=';

/**
 * The concurrent executions, in the lock table. Each group is one item with the attribute `executions`, a map by executionId; the key of the
 * item contains spaces, so it is never an executionId. A change is one request, which costs a write unit for each kilobyte of the
 * item: ten executions with ids of up to 60 bytes. Reading a group is one request, which costs one read unit.
 */
export class RunningExecutionsTable implements RunningExecutions {
  constructor(
    private readonly client: DynamoDBClient,
    private readonly table: Pick<WorkflowTable, 'tableName' | 'workflow'>,
  ) {}

  public async read(groups: readonly string[]): Promise<readonly (readonly RunningExecution[])[]> {
    const items = await Promise.all(
      groups.map((group) =>
        this.client.send(
          new GetItemCommand({ TableName: this.table.tableName, Key: this.keyOf(group), ConsistentRead: true }),
        ),
      ),
    );
    return items.map(({ Item }) => Object.entries(Item?.executions?.M ?? {}).map(toExecution));
  }

  public async enter(group: string, capacity: number, execution: RunningExecution): Promise<boolean> {
    const { executionId, fence, expires } = execution;
    const entry = { M: { fence: number(fence), expires: number(expires) } };
    for (;;) {
      const refused = await this.update(group, {
        UpdateExpression: 'SET executions.#id = :entry',
        ConditionExpression: `size(executions) < :capacity AND NOT ${IS_IN} OR executions.#id.fence <= :fence`,
        ExpressionAttributeNames: { '#id': MARK + executionId },
        ExpressionAttributeValues: { ':entry': entry, ':capacity': number(capacity), ':fence': number(fence) },
      });
      if (!refused) return true;
      const counted = refused.executions?.M;
      if (counted) return Object.hasOwn(counted, MARK + executionId);
      if (capacity < 1) return false;
      // Another invocation may create the map first.
      await this.update(group, {
        UpdateExpression: 'SET executions = :none',
        ConditionExpression: 'attribute_not_exists(executions)',
        ExpressionAttributeValues: { ':none': { M: {} } },
      });
    }
  }

  public async leave(group: string, executionId: string, fence: number, expires?: number): Promise<boolean> {
    const refused = await this.update(group, {
      UpdateExpression: 'REMOVE executions.#id',
      ConditionExpression: `executions.#id.fence < :fence${expires === undefined ? '' : ' AND executions.#id.expires <= :expires'}`,
      ExpressionAttributeNames: { '#id': MARK + executionId },
      ExpressionAttributeValues: {
        ':fence': number(fence),
        ...(expires !== undefined && { ':expires': number(expires) }),
      },
    });
    return !refused || Object.hasOwn(refused.executions?.M ?? {}, MARK + executionId);
  }

  private keyOf(group: string): Item {
    return { executionId: text(partitionOf(this.table.workflow, group)) };
  }

  /** @returns nothing after the update; if the condition does not hold, the stored item, or an empty item if none is stored */
  private async update(
    group: string,
    input: Omit<UpdateItemCommandInput, 'TableName' | 'Key'>,
  ): Promise<Item | undefined> {
    const write = await conditionalWrite(
      this.client.send(
        new UpdateItemCommand({
          TableName: this.table.tableName,
          Key: this.keyOf(group),
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          ...input,
        }),
      ),
    );
    return write.refused ? (write.item ?? {}) : undefined;
  }
}

function toExecution([name, { M = {} }]: [string, Item[string]]): RunningExecution {
  return { executionId: name.slice(MARK.length), fence: Number(M.fence?.N), expires: Number(M.expires?.N) };
}
