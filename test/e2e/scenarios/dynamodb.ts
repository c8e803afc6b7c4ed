import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testParcels } from '../parcels/parcel-tests';
import { scenario } from '../scenario';

scenario('DynamoDB Streams', { file: 'test/e2e/parcels/dynamodb-app.ts', stack: 'DynamoDbParcels' }, (output) => {
  const parcels = testParcels(output, 'dynamodb');

  void test('has given up nothing else', async () => {
    assert.deepEqual((await parcels().deadLetters()).map(({ executionId }) => executionId), ['illegible-0']);
  });
});
