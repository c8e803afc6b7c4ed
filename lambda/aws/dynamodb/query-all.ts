import { QueryCommand, type DynamoDBClient, type QueryCommandInput } from '@aws-sdk/client-dynamodb';
import type { Item } from './item';

/** All items that a query finds, page by page, strongly consistent. */
export async function queryAll(client: DynamoDBClient, input: QueryCommandInput): Promise<Item[]> {
  const items: Item[] = [];
  let ExclusiveStartKey: Item | undefined;
  do {
    const page = await client.send(new QueryCommand({ ConsistentRead: true, ...input, ExclusiveStartKey }));
    items.push(...page.Items ?? []);
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey);
  return items;
}

/** The input of a query for the entries of one execution in the checkpoint table whose sort key begins with `prefix`. */
export function entriesOf(tableName: string, executionId: string, prefix: string): QueryCommandInput {
  return {
    TableName: tableName,
    KeyConditionExpression: 'executionId = :executionId AND begins_with(entry, :prefix)',
    ExpressionAttributeValues: { ':executionId': { S: executionId }, ':prefix': { S: prefix } },
  };
}
