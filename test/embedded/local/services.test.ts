import { join } from 'node:path';
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { PublishBatchCommand, PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { GetQueueUrlCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as kinesis from 'aws-cdk-lib/aws-kinesis';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import {
  KinesisConsumerEventSource,
  KinesisEventSource,
  SnsEventSource,
  SqsDlq,
} from 'aws-cdk-lib/aws-lambda-event-sources';
import * as sns from 'aws-cdk-lib/aws-sns';
import { SqsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { film } from './actions/film.machine';
import { WorkflowClient } from '../../../lambda/client';
import type { Local } from '../../../lambda/local';
import { clientOptions, until } from '../../support/local';
import { addFunction, runningStacks, synthesize } from '../../support/local-stack';
import { send } from '../../support/signed-request';
import { FsmWorkflow, FsmWorkflowTarget, MachineDefinition, RetryQueue } from 'cdk-lambda-fsm';

jest.setTimeout(60_000);

const { start } = runningStacks();
const client = clientOptions;
const topicsOf = (local: Local) => new SNSClient(client(local));
const topicArn = 'arn:aws:sns:us-east-1:000000000000:news';

/** Receives a message from a queue, and parses it. */
async function messageOf(local: Local, QueueName: string): Promise<unknown> {
  const queues = new SQSClient(client(local));
  const { QueueUrl } = await queues.send(new GetQueueUrlCommand({ QueueName }));
  for (;;) {
    const { Messages } = await queues.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
    if (Messages?.[0]) return JSON.parse(Messages[0].Body ?? '');
  }
}

/** Logs its events, and fails as often as the event requests. */
const LOGGING = `
  const failed = new Map();
  export const handler = async (event) => {
    console.log(JSON.stringify(event));
    const text = event.Records?.[0].Sns?.Message ?? event.detail?.text ?? Buffer.from(event.Records?.[0].kinesis?.data ?? '', 'base64').toString();
    const [, times = 0] = /fail (\\d)/.exec(text) ?? [];
    const before = failed.get(text) ?? 0;
    failed.set(text, before + 1);
    if (before < times) throw new Error('no');
  };`;

describe('Kinesis', () => {
  test('a stream invokes the function, directly or through a consumer, with the settings of the mapping', async () => {
    const assembly = synthesize((stack) => {
      const deadLetters = new sqs.Queue(stack, 'DeadLetters', { queueName: 'dead-letters' });
      const target = addFunction(stack, LOGGING);
      const stream = new kinesis.Stream(stack, 'Stream', { streamName: 'records', shardCount: 2 });
      target.addEventSource(
        new KinesisEventSource(stream, {
          startingPosition: lambda.StartingPosition.TRIM_HORIZON,
          retryAttempts: 1,
          batchSize: 1,
          onFailure: new SqsDlq(deadLetters),
          parallelizationFactor: 3,
        }),
      );
      const consumed = new kinesis.Stream(stack, 'Consumed', { streamName: 'consumed' });
      target.addEventSource(
        new KinesisConsumerEventSource(
          new kinesis.StreamConsumer(stack, 'Consumer', { stream: consumed, streamConsumerName: 'own' }),
          { startingPosition: lambda.StartingPosition.TRIM_HORIZON },
        ),
      );
    });
    const seen: string[] = [];
    const local = await start({ assembly, onLine: (line) => seen.push(line), environments: 1 });
    const streams = new KinesisClient({ ...client(local), requestHandler: new NodeHttpHandler() });
    const put = (StreamName: string, text: string) =>
      streams.send(new PutRecordsCommand({ StreamName, Records: [{ PartitionKey: 'a', Data: Buffer.from(text) }] }));
    await put('records', 'fail 1');
    await put('consumed', 'hello');
    await until(() => seen.filter((line) => line.includes('"eventSourceARN"')).length === 3);
    expect(seen.filter((line) => line.includes('stream/records"'))).toHaveLength(2);
    expect(seen.filter((line) => line.includes('stream/consumed/consumer/own:1"'))).toHaveLength(1);
    await put('records', 'fail 9');
    expect(await messageOf(local, 'dead-letters')).toMatchObject({
      requestContext: { condition: 'RetryAttemptsExhausted' },
      KinesisBatchInfo: { batchSize: 1 },
    });
  });
});

describe('SNS', () => {
  function assembly(retryAttempts?: number): string {
    return synthesize((stack) => {
      const target = addFunction(stack, LOGGING);
      target.configureAsyncInvoke({
        onFailure: new SqsDestination(new sqs.Queue(stack, 'DeadLetters', { queueName: 'dead-letters' })),
        retryAttempts,
      });
      const topic = new sns.Topic(stack, 'Topic', { topicName: 'news' });
      target.addEventSource(
        new SnsEventSource(topic, {
          filterPolicy: { kind: sns.SubscriptionFilter.stringFilter({ denylist: ['unwanted'] }) },
        }),
      );
      topic.addSubscription(
        new SqsSubscription(new sqs.Queue(stack, 'Archive', { queueName: 'archive' }), { rawMessageDelivery: true }),
      );
    });
  }

  /** The number of invocations with each message. */
  const counts = (lines: readonly string[]) => {
    const texts = lines
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line).Records[0].Sns.Message as string);
    return Object.fromEntries(
      [...new Set(texts)].map((text) => [text, texts.filter((other) => other === text).length]),
    );
  };

  test('each message invokes the function once, with an SNS event, and is delivered to queues, too', async () => {
    const lines: string[] = [];
    const local = await start({ assembly: assembly(), onLine: (line) => lines.push(line) });
    const MessageAttributes = (kind: string) => ({ kind: { DataType: 'String', StringValue: kind } });
    await topicsOf(local).send(
      new PublishCommand({
        TopicArn: topicArn,
        Message: '{"a":1}',
        Subject: 'about',
        MessageAttributes: MessageAttributes('wanted'),
      }),
    );
    await topicsOf(local).send(
      new PublishCommand({ TopicArn: topicArn, Message: 'not this', MessageAttributes: MessageAttributes('unwanted') }),
    );
    await topicsOf(local).send(
      new PublishBatchCommand({
        TopicArn: topicArn,
        PublishBatchRequestEntries: ['b', 'c'].map((Id) => ({
          Id,
          Message: Id,
          MessageAttributes: MessageAttributes('wanted'),
        })),
      }),
    );
    await until(() => lines.length === 3);
    expect(counts(lines)).toEqual({ '{"a":1}': 1, b: 1, c: 1 });
    expect(JSON.parse(lines.find((line) => line.includes('about'))!)).toEqual({
      Records: [
        {
          EventSource: 'aws:sns',
          EventVersion: '1.0',
          EventSubscriptionArn: expect.stringMatching(new RegExp(`^${topicArn}:`)),
          Sns: {
            Type: 'Notification',
            MessageId: expect.any(String),
            TopicArn: topicArn,
            Subject: 'about',
            Message: '{"a":1}',
            Timestamp: expect.any(String),
            SignatureVersion: '1',
            Signature: expect.any(String),
            SigningCertUrl: expect.any(String),
            UnsubscribeUrl: expect.any(String),
            MessageAttributes: { kind: { Type: 'String', Value: 'wanted' } },
          },
        },
      ],
    });
    expect(await messageOf(local, 'archive')).toEqual({ a: 1 });
  });

  test('a failing event is retried twice, then sent to the destination', async () => {
    const lines: string[] = [];
    const local = await start({
      assembly: assembly(),
      onLine: (line) => lines.push(line),
      asynchronousRetryDelay: 50,
      environments: 1,
    });
    for (const Message of ['fail 2', 'fail 3']) {
      await topicsOf(local).send(
        new PublishCommand({
          TopicArn: topicArn,
          Message,
          MessageAttributes: { kind: { DataType: 'String', StringValue: 'x' } },
        }),
      );
    }
    const letter = await messageOf(local, 'dead-letters');
    expect(letter).toMatchObject({
      version: '1.0',
      requestContext: {
        condition: 'RetriesExhausted',
        approximateInvokeCount: 3,
        functionArn: expect.stringContaining(':function:Shop-Function'),
      },
      requestPayload: { Records: [{ EventSource: 'aws:sns', Sns: { Message: 'fail 3' } }] },
      responseContext: { statusCode: 200, functionError: 'Unhandled' },
      responsePayload: { errorMessage: 'no' },
    });
    expect(counts(lines)).toEqual({ 'fail 2': 3, 'fail 3': 3 });
  });

  test('the template sets the number of retries, and the delays grow', async () => {
    const at: number[] = [];
    const local = await start({
      assembly: assembly(1),
      onLine: (line) => line.startsWith('{') && at.push(Date.now()),
      asynchronousRetryDelay: 300,
    });
    await topicsOf(local).send(
      new PublishCommand({
        TopicArn: topicArn,
        Message: 'fail 9',
        MessageAttributes: { kind: { DataType: 'String', StringValue: 'x' } },
      }),
    );
    expect(await messageOf(local, 'dead-letters')).toMatchObject({ requestContext: { approximateInvokeCount: 2 } });
    expect(at).toHaveLength(2);
    expect(at[1]! - at[0]!).toBeGreaterThanOrEqual(290);
  });

  test('while SNS is down, nothing is published or delivered, and SQS keeps working', async () => {
    const lines: string[] = [];
    const local = await start({ assembly: assembly(), onLine: (line) => lines.push(line) });
    const topics = new SNSClient({ ...client(local), maxAttempts: 1 });
    const publish = (Message: string) =>
      topics.send(
        new PublishCommand({
          TopicArn: topicArn,
          Message,
          MessageAttributes: { kind: { DataType: 'String', StringValue: 'x' } },
        }),
      );
    local.takeDown('sns');
    await expect(publish('lost')).rejects.toMatchObject({
      name: 'ServiceUnavailable',
      $metadata: { httpStatusCode: 503 },
    });
    await new SQSClient(client(local)).send(new GetQueueUrlCommand({ QueueName: 'archive' }));
    local.bringUp('sns');
    local.takeDown('sqs');
    await publish('through');
    await until(() => lines.length > 0);
    expect(counts(lines)).toEqual({ through: 1 });
  });
});

describe('EventBridge', () => {
  async function putEvents(local: Local, ...Entries: object[]): Promise<unknown> {
    const { text } = await send(local, {
      service: 'events',
      target: 'AWSEvents.PutEvents',
      body: JSON.stringify({ Entries }),
    });
    return JSON.parse(text);
  }

  test('a rule sends the events that it matches, whole or transformed', async () => {
    const assembly = synthesize((stack) => {
      const target = addFunction(stack, LOGGING);
      const bus = new events.EventBus(stack, 'Bus', { eventBusName: 'own' });
      const rule = (id: string, detail: object, input?: events.RuleTargetInput, eventBus?: events.IEventBus) =>
        new events.Rule(stack, id, {
          eventPattern: { source: ['shop'], detail: { kind: [id], ...detail } },
          targets: [new targets.LambdaFunction(target, { event: input })],
          eventBus,
        });
      rule('whole', { cents: events.Match.greaterThan(100) });
      rule('constant', {}, events.RuleTargetInput.fromObject({ constant: true }));
      rule('path', {}, events.RuleTargetInput.fromEventPath('$.detail.items[1]'));
      rule(
        'made',
        {},
        events.RuleTargetInput.fromObject({
          id: events.EventField.eventId,
          text: `of ${events.EventField.fromPath('$.detail.name')}`,
          all: events.EventField.fromPath('$.detail'),
          none: events.EventField.fromPath('$.detail.none'),
        }),
      );
      rule('elsewhere', {}, undefined, bus);
      new events.Rule(stack, 'Disabled', {
        enabled: false,
        eventPattern: { source: ['shop'] },
        targets: [new targets.LambdaFunction(target)],
      });
    });
    const lines: string[] = [];
    const local = await start({ assembly, onLine: (line) => lines.push(line) });
    const entry = (kind: string, detail: object = {}, EventBusName?: string) => ({
      Source: 'shop',
      DetailType: 'Sold',
      Detail: JSON.stringify({ kind, ...detail }),
      EventBusName,
    });
    const answer = (await putEvents(
      local,
      entry('whole', { cents: 50 }),
      entry('whole', { cents: 500 }),
      entry('constant'),
      entry('path', { items: ['a', { b: 2 }] }),
      entry('made', { name: 'the "Great"' }),
      entry('elsewhere'),
      entry('elsewhere', {}, 'arn:aws:events:us-east-1:000000000000:event-bus/own'),
      { Source: 'shop', DetailType: 'Sold', Detail: 'no JSON' },
    )) as { Entries: { EventId?: string; ErrorCode?: string }[]; FailedEntryCount: number };
    expect(answer.FailedEntryCount).toBe(1);
    expect(answer.Entries[7]).toMatchObject({ ErrorCode: 'MalformedDetail' });
    await until(() => lines.length === 5);
    const id = answer.Entries[4]?.EventId;
    const seen = lines.map((line) => JSON.parse(line));
    expect(seen).toHaveLength(5);
    expect(seen).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          version: '0',
          source: 'shop',
          'detail-type': 'Sold',
          detail: { kind: 'whole', cents: 500 },
          resources: [],
          region: 'us-east-1',
        }),
        { constant: true },
        { b: 2 },
        { id, text: 'of the "Great"', all: { kind: 'made', name: 'the "Great"' }, none: null },
        expect.objectContaining({ detail: { kind: 'elsewhere' } }),
      ]),
    );
  });

  test('an event starts an execution', async () => {
    const assembly = synthesize((stack) => {
      const workflow = new FsmWorkflow(stack, 'Studio', {
        machines: [MachineDefinition.fromObject(film)],
        actions: join(__dirname, 'actions', 'film.actions.ts'),
        retryQueue: RetryQueue.sqs(),
      });
      new events.Rule(stack, 'Scripts', {
        eventPattern: { source: ['studio'] },
        targets: [
          new FsmWorkflowTarget(workflow, {
            machine: 'film',
            executionId: events.EventField.fromPath('$.detail.id'),
            context: { title: events.EventField.fromPath('$.detail.title') },
          }),
        ],
      });
    });
    const local = await start({ assembly });
    await putEvents(local, {
      Source: 'studio',
      DetailType: 'Written',
      Detail: JSON.stringify({ id: 'film-1', title: 'Vertigo' }),
    });
    Object.assign(process.env, local.environment);
    const workflows = new WorkflowClient(Object.values(local.workflows)[0]!);
    // No task is configured, so the execution waits for an event.
    await until(async () => (await workflows.describe('film-1'))?.status === 'parked');
    expect((await workflows.describe('film-1'))?.context).toEqual({ title: 'Vertigo', prepared: true });
  });

  test('an unsupported pattern is rejected', async () => {
    const assembly = synthesize((stack) => {
      new events.Rule(stack, 'Rule', {
        eventPattern: { source: events.Match.wildcard('a*b') },
        targets: [new targets.LambdaFunction(addFunction(stack, LOGGING))],
      });
    });
    await expect(start({ assembly })).rejects.toThrow('The local runner does not support');
  });
});
