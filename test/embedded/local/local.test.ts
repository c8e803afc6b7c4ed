import { DescribeTableCommand, DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { Duration } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { DynamoEventSource, SqsDlq, SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { startLocal, type Local } from '../../../lambda/local';
import { clientOptions, temporaryDirectory, until } from '../../support/local';
import { addFunction, runningStacks, synthesize } from '../../support/local-stack';

jest.setTimeout(60_000);

const { start, stopAll } = runningStacks();

const sqsOf = (local: Local) => new SQSClient(clientOptions(local));
const tablesOf = (local: Local) => new DynamoDBClient(clientOptions(local));

test('a stack with a queue, a stream, a schedule and their settings runs', async () => {
  const assembly = synthesize((stack) => {
    const deadLetters = new sqs.Queue(stack, 'DeadLetters', { queueName: 'dead-letters' });
    const queue = new sqs.Queue(stack, 'Queue', {
      queueName: 'orders',
      visibilityTimeout: Duration.seconds(2),
      deadLetterQueue: { queue: deadLetters, maxReceiveCount: 1 },
    });
    const table = new dynamodb.TableV2(stack, 'Table', {
      tableName: 'orders',
      partitionKey: { name: 'id', type: dynamodb.AttributeType.STRING },
      dynamoStream: dynamodb.StreamViewType.NEW_IMAGE,
      timeToLiveAttribute: 'ttl',
    });
    const target = addFunction(
      stack,
      `
      export const handler = async (event) => {
        const seen = event.source ?? event.Records.map((record) => record.body ?? record.dynamodb.Keys.id.S).join();
        console.log('saw ' + seen + ' in ' + process.env.TABLE + ', ' + process.env.EXTRA);
        return seen.includes('bad') ? { batchItemFailures: event.Records.map((record) => ({ itemIdentifier: record.messageId ?? record.dynamodb.SequenceNumber })) } : undefined;
      };`,
      { TABLE: table.tableName, EXTRA: 'from the template' },
    );
    target.addEventSource(new SqsEventSource(queue, { reportBatchItemFailures: true }));
    target.addEventSource(
      new DynamoEventSource(table, {
        startingPosition: lambda.StartingPosition.TRIM_HORIZON,
        reportBatchItemFailures: true,
        retryAttempts: 0,
        onFailure: new SqsDlq(deadLetters),
        filters: [
          lambda.FilterCriteria.filter({
            eventName: lambda.FilterRule.isEqual('INSERT'),
            dynamodb: { Keys: { id: { S: lambda.FilterRule.notEquals('unseen') } } },
          }),
        ],
      }),
    );
    new events.Rule(stack, 'Timer', {
      schedule: events.Schedule.rate(Duration.hours(1)),
      targets: [new targets.LambdaFunction(target, { event: events.RuleTargetInput.fromObject({ source: 'timer' }) })],
    });
  });
  const lines: string[] = [];
  const local = await start({
    assembly,
    onLine: (line) => lines.push(line),
    scheduleInterval: 50,
    environment: { EXTRA: 'from the runner' },
  });
  const queues = sqsOf(local);
  const tables = tablesOf(local);

  await until(() => lines.filter((line) => line === 'saw timer in orders, from the runner').length > 1);
  const { QueueUrl } = await queues.send(new GetQueueUrlCommand({ QueueName: 'orders' }));
  await queues.send(new SendMessageCommand({ QueueUrl, MessageBody: 'message' }));
  for (const id of ['unseen', 'item']) {
    await tables.send(new PutItemCommand({ TableName: 'orders', Item: { id: { S: id } } }));
  }
  await until(() => ['message', 'item'].every((seen) => lines.includes(`saw ${seen} in orders, from the runner`)));
  expect(lines.filter((line) => line.includes('unseen'))).toEqual([]);

  await queues.send(new SendMessageCommand({ QueueUrl, MessageBody: 'bad message' }));
  await tables.send(new PutItemCommand({ TableName: 'orders', Item: { id: { S: 'bad item' } } }));
  const { QueueUrl: deadLettersUrl } = await queues.send(new GetQueueUrlCommand({ QueueName: 'dead-letters' }));
  await until(async () => {
    const { Attributes } = await queues.send(
      new GetQueueAttributesCommand({ QueueUrl: deadLettersUrl, AttributeNames: ['ApproximateNumberOfMessages'] }),
    );
    return Attributes?.ApproximateNumberOfMessages === '2';
  });
});

test('functions reach the services and queues through the proxy, and their metrics are summed up', async () => {
  const assembly = synthesize((stack) => {
    const incoming = new sqs.Queue(stack, 'Incoming', { queueName: 'incoming' });
    const outgoing = new sqs.Queue(stack, 'Outgoing', { queueName: 'outgoing.fifo', fifo: true });
    addFunction(
      stack,
      `
      import { createRequire } from 'node:module';
      const { SQSClient, SendMessageCommand } = createRequire(${JSON.stringify(__filename)})('@aws-sdk/client-sqs');
      export const handler = async ({ Records }) => {
        await new SQSClient({ useQueueUrlAsEndpoint: false }).send(new SendMessageCommand({ QueueUrl: process.env.OUTGOING, MessageBody: Records[0].body, MessageGroupId: 'g', MessageDeduplicationId: 'd' }));
        console.log(JSON.stringify({ _aws: { CloudWatchMetrics: [{ Metrics: [{ Name: 'DispatchResult' }, { Name: 'Bytes' }] }] }, DispatchResult: 1, Bytes: [2, 3] }));
        console.log('done');
      };`,
      {
        OUTGOING: outgoing.queueUrl,
        // The test expects the lines of the handler only.
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
        FSM_WORKFLOW: stack.toJsonString({ workflow: 'shop', queueUrl: outgoing.queueUrl }),
      },
    ).addEventSource(new SqsEventSource(incoming, { batchSize: 1 }));
  });
  const lines: string[] = [];
  const local = await start({ assembly, onLine: (line) => lines.push(line) });
  const queues = sqsOf(local);
  const { QueueUrl } = await queues.send(new GetQueueUrlCommand({ QueueName: 'incoming' }));
  await queues.send(new SendMessageCommand({ QueueUrl, MessageBody: 'one' }));
  await queues.send(new SendMessageCommand({ QueueUrl, MessageBody: 'two' }));
  await until(() => local.metrics.DispatchResult === 2 && lines.length === 2);
  expect(local.metrics).toEqual({ DispatchResult: 2, Bytes: 10 });
  expect(lines).toEqual(['done', 'done']);
  expect(local.requests).toEqual({ 'sqs.SendMessage': 2 });

  const configuration = JSON.parse(local.workflows.shop!);
  const { Messages } = await queues.send(new ReceiveMessageCommand({ QueueUrl: configuration.queueUrl }));
  expect(['one', 'two']).toContain(Messages?.[0]?.Body);
});

test('a database file keeps the items of tables', async () => {
  const assembly = synthesize((stack) => {
    const table = new dynamodb.Table(stack, 'Table', {
      tableName: 'kept',
      partitionKey: { name: 'id', type: dynamodb.AttributeType.STRING },
      stream: dynamodb.StreamViewType.NEW_IMAGE,
    });
    addFunction(stack, 'export const handler = async () => {};').addEventSource(
      new DynamoEventSource(table, { startingPosition: lambda.StartingPosition.LATEST }),
    );
  });
  const databaseFile = `${temporaryDirectory()}/tables.db`;
  const first = await start({ assembly, databaseFile });
  await tablesOf(first).send(new PutItemCommand({ TableName: 'kept', Item: { id: { S: 'a' } } }));
  await stopAll();
  const second = await start({ assembly, databaseFile });
  expect((await tablesOf(second).send(new ScanCommand({ TableName: 'kept' }))).Count).toBe(1);
});

test('a table whose stream is read gets a stream, even in a database file without one', async () => {
  const stackThat = (reads: boolean) =>
    synthesize((stack) => {
      const table = new dynamodb.Table(stack, 'Table', {
        tableName: 'streamed',
        partitionKey: { name: 'id', type: dynamodb.AttributeType.STRING },
        stream: dynamodb.StreamViewType.NEW_IMAGE,
      });
      const target = addFunction(
        stack,
        'export const handler = async ({ Records }) => console.log(Records[0].dynamodb.NewImage.id.S);',
      );
      target.addEventSource(
        reads
          ? new DynamoEventSource(table, { startingPosition: lambda.StartingPosition.TRIM_HORIZON })
          : new SqsEventSource(new sqs.Queue(stack, 'Queue')),
      );
    });
  const databaseFile = `${temporaryDirectory()}/streams.db`;
  const unread = tablesOf(await start({ assembly: stackThat(false), databaseFile }));
  expect(
    (await unread.send(new DescribeTableCommand({ TableName: 'streamed' }))).Table?.LatestStreamArn,
  ).toBeUndefined();
  await stopAll();
  const lines: string[] = [];
  const read = tablesOf(await start({ assembly: stackThat(true), databaseFile, onLine: (line) => lines.push(line) }));
  await read.send(new PutItemCommand({ TableName: 'streamed', Item: { id: { S: 'seen' } } }));
  await until(() => lines.includes('seen'));
});

describe('startLocal rejects', () => {
  test('a stack without invoked functions', async () => {
    const assembly = synthesize((stack) => addFunction(stack, 'export const handler = async () => {};'));
    await expect(startLocal({ assembly })).rejects.toThrow(
      'Stack "Shop" has no function that a queue, a stream, a topic or a rule invokes',
    );
  });

  test('an event source outside the stack', async () => {
    const assembly = synthesize((stack) => {
      const queue = sqs.Queue.fromQueueArn(stack, 'Queue', 'arn:aws:sqs:us-east-1:000000000000:elsewhere');
      addFunction(stack, 'export const handler = async () => {};').addEventSource(new SqsEventSource(queue));
    });
    await expect(startLocal({ assembly })).rejects.toThrow(
      /reads arn:aws:sqs:us-east-1:000000000000:elsewhere. The local runner supports the queues/,
    );
  });

  test('a cron schedule', async () => {
    const assembly = synthesize((stack) => {
      const target = addFunction(stack, 'export const handler = async () => {};');
      new events.Rule(stack, 'Noon', {
        schedule: events.Schedule.cron({ hour: '12' }),
        targets: [new targets.LambdaFunction(target)],
      });
    });
    await expect(startLocal({ assembly })).rejects.toThrow('supports rates such as rate(5 minutes)');
  });

  test('inline code', async () => {
    const assembly = synthesize((stack) => {
      const target = new lambda.Function(stack, 'Inline', {
        runtime: lambda.Runtime.NODEJS_22_X,
        handler: 'index.handler',
        code: lambda.Code.fromInline('exports.handler = async () => {};'),
      });
      target.addEventSource(new SqsEventSource(new sqs.Queue(stack, 'Queue')));
    });
    await expect(startLocal({ assembly })).rejects.toThrow(
      /Cannot run function "Inline.*": its code is not an asset folder of the cloud assembly/,
    );
  });
});
