import { ConditionalCheckFailedException, UpdateItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { daysAfter, TTL, type Item } from './item';

/** Lets an item be forgotten some days after `now`, unless it is to be forgotten anyway. One that is gone stays gone. */
export async function expireItem(client: DynamoDBClient, tableName: string, key: Item, now: number, days: number): Promise<void> {
  try {
    await client.send(new UpdateItemCommand({
      TableName: tableName,
      Key: key,
      UpdateExpression: 'SET #ttl = :ttl',
      // An update makes an item that is not there, one with nothing but a key; and what is changed comes through the table's stream again.
      ConditionExpression: 'attribute_exists(executionId) AND attribute_not_exists(#ttl)',
      ExpressionAttributeNames: { '#ttl': TTL },
      ExpressionAttributeValues: { ':ttl': daysAfter(now, days) },
    }));
  } catch (thrown) {
    if (!(thrown instanceof ConditionalCheckFailedException)) {
      throw thrown;
    }
  }
}
