import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeleteQueueCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { testParcels } from '../parcels/parcel-tests';
import { requests, traceOf } from '../parcels/parcels';
import { eventually, scenario } from '../scenario';

scenario('SQS, with DynamoDB Streams to take over', { file: 'test/e2e/parcels/sqs-app.ts', stack: 'SqsParcels' }, (output) => {
  const parcels = testParcels(output, 'sqs');
  const queueUrl = () => {
    const { eventSource } = parcels().configuration;
    assert.equal(eventSource.service, 'sqs');
    return eventSource.queueUrl;
  };

  void test('sets a message aside that is none of its own, and gives up nothing else', async () => {
    await parcels().sqs.send(new SendMessageCommand({ QueueUrl: queueUrl(), MessageBody: 'Hello?' }));
    const letters = await eventually(async () => parcels().deadLetters(), (found) => found.length >= 2);
    assert.deepEqual(letters.map(({ executionId, body }) => executionId ?? body).sort(), ['Hello?', 'illegible-0']);
  });

  void test('carries on without its queue', async () => {
    await parcels().start('parked', { kilograms: 50 });
    await parcels().settled('parked-0', 'parked');
    await parcels().sqs.send(new DeleteQueueCommand({ QueueUrl: queueUrl() }));

    await parcels().start('diverted', { absences: 1 }, 10);
    await parcels().client.send('parked-0', 'approved', { data: 'Cleo' });
    for (const { executionId } of requests('diverted', {}, 10)) {
      const execution = await parcels().settled(executionId!, 'completed');
      assert.deepEqual(execution.steps.map(({ committed }) => committed?.place?.service), ['dynamodb', 'dynamodb', undefined]);
    }
    assert.ok((traceOf(await parcels().settled('parked-0', 'completed')) as string[]).includes('signed by Cleo'));
  });
});
