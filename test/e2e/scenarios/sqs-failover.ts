import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeleteQueueCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { ON_QUEUES } from '../../../examples/order/order-stack';
import { committedAttempt } from '../../support/committed';
import { ROOT } from '../emulator';
import { testOrders } from '../orders/order-tests';
import { order, orders } from '../orders/orders';
import { eventually, scenario } from '../scenario';
import type { JsonObject } from 'cdk-lambda-fsm/machine';

scenario(
  'SQS with DynamoDB Streams as the failover',
  { file: 'test/e2e/orders/app.ts', stack: ON_QUEUES },
  (output) => {
    const deployed = testOrders(output, 'sqs');
    const sqs = new SQSClient({ credentials: ROOT });
    const queueUrl = () => {
      const { eventSource } = deployed().configuration;
      assert.equal(eventSource.service, 'sqs');
      return eventSource.queueUrl;
    };

    void test('dead-letters failed executions, and messages that are not envelopes', async () => {
      const { machine, context } = order('blank');
      // The first action fails without a history.
      await deployed().start({ machine, executionId: 'blank', context: { ...context, history: null } as JsonObject });
      await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl(), MessageBody: 'Hello?' }));
      const execution = await deployed().settled('blank', 'failed');
      assert.equal(execution.error?.name, 'TypeError');
      assert.equal(execution.error?.attempts, 6);
      const letters = await eventually(
        async () => deployed().deadLetters(),
        (found) => found.length >= 2,
      );
      assert.deepEqual(letters.map(({ executionId, body }) => executionId ?? body).sort(), ['Hello?', 'blank']);
    });

    void test('continues when its queue is deleted', async () => {
      await deployed().start(order('started-before'));
      await deployed().settled('started-before', 'parked');
      await sqs.send(new DeleteQueueCommand({ QueueUrl: queueUrl() }));

      await deployed().start(...orders('started-after', 10), order('jammed-after', { number: 4 }));
      for (const { executionId } of [...orders('started-after', 10), order('jammed-after'), order('started-before')]) {
        await deployed().pay(executionId!);
      }
      for (const { executionId } of [...orders('started-after', 10), order('jammed-after')]) {
        const execution = await deployed().settled(executionId!, 'completed');
        assert.deepEqual(
          execution.steps.map((step) => committedAttempt(step)?.place?.service),
          ['dynamodb', undefined, 'dynamodb', 'dynamodb', undefined],
        );
      }
      assert.equal((await deployed().settled('started-before', 'completed')).state, 'delivered');
    });
  },
);
