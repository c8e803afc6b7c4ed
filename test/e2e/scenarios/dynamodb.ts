import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { ON_DYNAMODB } from '../../../examples/order/order-stack';
import { ROOT } from '../emulator';
import { testOrders } from '../orders/order-tests';
import { eventually, scenario } from '../scenario';

scenario('DynamoDB Streams', { file: 'test/e2e/orders/app.ts', stack: ON_DYNAMODB }, (output) => {
  const deployed = testOrders(output, 'dynamodb');

  void test('dead-letters an item that is not an envelope, and nothing else', async () => {
    await new DynamoDBClient({ credentials: ROOT }).send(
      new PutItemCommand({
        TableName: deployed().configuration.checkpointTable.tableName,
        Item: { executionId: { S: 'stray' }, entry: { S: 'note' }, envelope: { S: 'Hello?' } },
      }),
    );
    const letters = await eventually(
      async () => deployed().deadLetters(),
      (found) => found.length > 0,
    );
    assert.deepEqual(
      letters.map(({ body }) => body),
      ['Hello?'],
    );
  });
});
