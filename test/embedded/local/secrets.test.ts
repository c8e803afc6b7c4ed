import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { Duration, type Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { vault } from './actions/vault.machine';
import { WorkflowClient, type ExecutionDescription } from '../../../lambda/client';
import type { EventSourceConfiguration, WorkflowConfiguration } from '../../../lambda/contract/configuration';
import { MetricCollector } from '../../../lambda/local/function/metrics';
import { temporaryDirectory, until } from '../../support/local';
import { runningStacks, synthesize } from '../../support/local-stack';
import { EventSource, FsmWorkflow, MachineDefinition, RetryQueue, type FsmWorkflowProps } from 'cdk-lambda-fsm';

/*
 * Plants a secret in every kind of payload, provokes every kind of failure, and searches for the secret in everything that the function
 * writes: log lines of every level, metrics, and Lambda's own lines about failed invocations.
 */

jest.setTimeout(400_000);

const { start } = runningStacks();
const { collect } = MetricCollector.prototype;
afterEach(() => jest.restoreAllMocks());

/** The test also searches for its Base64 encodings at all three alignments. It is too long to occur by chance. */
const SECRET = 'planted-7c31f0b6e8';
const BASE64 = [0, 1, 2].map((skipped) =>
  Buffer.from(`${'x'.repeat(skipped)}${SECRET}`)
    .toString('base64')
    .slice(skipped === 0 ? 0 : 4, -4),
);
const WAYS = ['error', 'lines', 'text', 'unknown event', 'no JSON', 'too large', 'too slow'] as const;
const ENDED = ['completed', 'failed'];

function addVaults(stack: Stack, transports: Partial<FsmWorkflowProps>): void {
  const cluster = new ecs.Cluster(stack, 'Cluster', { vpc: new ec2.Vpc(stack, 'Network', { maxAzs: 2 }) });
  const taskDefinition = new ecs.FargateTaskDefinition(stack, 'Renders', { family: 'renders' });
  taskDefinition.addContainer('renderer', { image: ecs.ContainerImage.fromRegistry('renderer') });
  new FsmWorkflow(stack, 'Vaults', {
    machines: [MachineDefinition.fromObject(vault)],
    actions: join(__dirname, 'actions', 'vault.actions.ts'),
    timeout: Duration.seconds(5),
    ...transports,
  }).addEcsTask('render', { cluster, taskDefinition, onSuccess: 'rendered', onFailure: 'broken', context: ['fails'] });
}

/** Invalid messages, each with the secret. */
function strangeMessages(): string[] {
  const envelope = {
    version: 1,
    executionId: 'stranger',
    machine: 'vault',
    step: 0,
    parent: 0,
    attempt: 0,
    state: null,
    event: '$start',
    context: { secret: SECRET },
    sentAt: Date.now(),
  };
  return [
    `not JSON: ${SECRET}`,
    JSON.stringify(SECRET),
    JSON.stringify({ [SECRET]: SECRET }),
    ...[
      { machine: SECRET },
      { step: 4, parent: 9, state: SECRET, event: 'told' },
      { step: 4, parent: 9, state: 'waiting', event: SECRET },
      { context: SECRET },
      { step: SECRET },
      { version: SECRET },
      { mailbox: SECRET },
      { executionId: `${SECRET} ${SECRET}` },
      { definition: SECRET },
      { step: 7, parent: 9, state: 'waiting', event: 'told' },
      { error: { name: SECRET, message: SECRET } },
      { trace: SECRET },
    ].map((strange) => JSON.stringify({ ...envelope, ...strange })),
  ];
}

/** Sends a message to the event source of the workflow. */
async function put(
  source: EventSourceConfiguration,
  body: string,
  { checkpointTable }: WorkflowConfiguration,
): Promise<void> {
  switch (source.service) {
    case 'sqs':
      await new SQSClient().send(new SendMessageCommand({ QueueUrl: source.queueUrl, MessageBody: body }));
      return;
    case 'kinesis':
      await new KinesisClient({ requestHandler: new NodeHttpHandler() }).send(
        new PutRecordsCommand({
          StreamName: source.streamName,
          Records: [{ PartitionKey: 'a', Data: Buffer.from(body) }],
        }),
      );
      return;
    case 'sns':
      await new SNSClient().send(new PublishCommand({ TopicArn: source.topicArn, Message: body }));
      return;
    case 'dynamodb':
      await new DynamoDBClient().send(
        new PutItemCommand({
          TableName: checkpointTable.tableName,
          Item: { executionId: { S: 'stranger' }, entry: { S: `send#${Math.random()}` }, envelope: { S: body } },
        }),
      );
  }
}

/** Returns all messages in the dead-letter queue. */
async function deadLetters(QueueUrl: string): Promise<string[]> {
  const bodies: string[] = [];
  for (;;) {
    const { Messages = [] } = await new SQSClient().send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 600 }),
    );
    if (Messages.length === 0) return bodies;
    bodies.push(...Messages.map(({ Body = '' }) => Body));
  }
}

/** Repeats a call until it succeeds, because faults are injected into requests. */
async function persistently<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

test.each([
  [
    'SQS, Kinesis and retries over SQS',
    'sqs',
    {
      eventSource: EventSource.sqs(),
      failoverEventSource: EventSource.kinesis(),
      retryQueue: RetryQueue.sqs(),
      failoverRetryQueue: RetryQueue.dynamoDb(),
    },
  ],
  [
    'SNS, DynamoDB and retries over DynamoDB',
    'sns',
    {
      eventSource: EventSource.sns(),
      failoverEventSource: EventSource.dynamoDb(),
      retryQueue: RetryQueue.dynamoDb(),
    },
  ],
] satisfies [string, string, Partial<FsmWorkflowProps>][])(
  'no payload is in the logs: %s',
  async (_, primary, transports) => {
    const lines: string[] = [];
    // All lines pass through here, including metrics and Lambda's own lines.
    jest.spyOn(MetricCollector.prototype, 'collect').mockImplementation(function (this: MetricCollector, line) {
      lines.push(line);
      return collect.call(this, line);
    });
    const tokens = join(temporaryDirectory(), 'tokens');
    writeFileSync(tokens, '');
    const local = await start({
      assembly: synthesize((stack) => addVaults(stack, transports)),
      // The action records the token, and every second one fails.
      tasks: { renderer: `echo "$FSM_CALLBACK_TOKEN" >> ${tokens}; echo "$FSM_CONTEXT" | grep -q '"fails":false'` },
      environment: { AWS_LAMBDA_LOG_LEVEL: 'DEBUG' },
      faults: { share: 0.05, seed: 3 },
      scheduleInterval: 500,
      asynchronousRetryDelay: 200,
    });
    Object.assign(process.env, local.environment);
    const [text = ''] = Object.values(local.workflows);
    // The construct writes the configuration.
    const configuration = JSON.parse(text) as WorkflowConfiguration;
    const client = new WorkflowClient(text);

    const opened = Array.from({ length: 8 }, (__, number) => `opened-${number}`);
    const forced = (['force', 'drill'] as const).flatMap((first) =>
      WAYS.map((way) => ({ executionId: `${first}-${way.replace(' ', '-')}`, first, way })),
    );
    // Waits until the end of the test, however slow the machine is.
    const waiting = 'waiting-0';
    const orders = [
      { executionId: waiting, context: { secret: SECRET, first: 'open' } },
      ...opened.map((executionId, number) => ({
        executionId,
        context: { secret: SECRET, first: 'open', fails: number % 2 === 1 },
      })),
      ...forced.map(({ executionId, first, way }) => ({ executionId, context: { secret: SECRET, first, way } })),
    ];
    // The second start is a duplicate.
    await Promise.all(
      [...orders, ...orders].map((order) => persistently(() => client.start({ machine: 'vault', ...order }))),
    );
    const sources = [
      configuration.eventSource,
      ...(configuration.failoverEventSource ? [configuration.failoverEventSource] : []),
    ];
    for (const source of sources) {
      for (const body of strangeMessages()) {
        await persistently(() => put(source, body, configuration));
      }
    }
    // Otherwise their starts could wait for the service that is down, and no event would fail over.
    await until(async () => {
      const parked = await Promise.all(
        [waiting, ...opened].map((executionId) => persistently(() => client.describe(executionId))),
      );
      return parked.every((execution) => execution?.status === 'parked');
    }, 60_000);
    // Refused: the error that names the event reaches the caller alone.
    await until(async () => {
      const refused: unknown = await client.send(waiting, SECRET, { data: SECRET }).catch((error: unknown) => error);
      return refused instanceof Error && refused.message.includes('cannot take the event');
    });
    local.takeDown(primary);
    for (const executionId of opened) {
      // The second event is a duplicate by its id.
      for (const data of [{ secret: SECRET }, { secret: SECRET }]) {
        await persistently(() => client.send(executionId, 'told', { id: 'once', data }));
      }
    }
    await until(() => (local.metrics.Failover ?? 0) > 0, 60_000);
    local.bringUp(primary);

    const found = new Map<string, ExecutionDescription | undefined>();
    await until(async () => {
      const open = [...opened, ...forced.map(({ executionId }) => executionId)].filter(
        (executionId) => !ENDED.includes(found.get(executionId)?.status ?? ''),
      );
      for (const executionId of open) found.set(executionId, await persistently(() => client.describe(executionId)));
      return open.length === 0;
    }, 180_000);

    // Everything that stores payloads contains the secret.
    expect(opened.map((executionId) => found.get(executionId)?.context?.copy)).toEqual(
      opened.map(() => `copy of ${SECRET}`),
    );
    expect(found.get('force-error')?.context).toMatchObject({ noted: [null, SECRET] });
    expect(found.get('drill-text')).toMatchObject({
      status: 'failed',
      error: { message: expect.stringContaining(SECRET) },
    });
    const letters = await deadLetters(configuration.deadLetterQueue.queueUrl);
    // After a lost response, some messages are invisible.
    expect(letters.filter((letter) => letter.includes(SECRET)).length).toBeGreaterThan(strangeMessages().length);
    const counted = ['Retry', 'Caught', 'Fatal', 'Failover', 'DeadLetter', 'Duplicate', 'DispatchFailure'];
    expect(counted.filter((name) => !local.metrics[name])).toEqual([]);

    // The output is complete, and does not contain the secret.
    const output = lines.join('\n');
    const said = [
      'said on the output',
      'said on the error output',
      'said to the logger',
      '"CloudWatchMetrics"',
      'failed with TypeError at ',
      'was dead-lettered',
    ];
    expect(said.filter((each) => !output.includes(each))).toEqual([]);
    expect(lines.filter((line) => [SECRET, ...BASE64].some((secret) => line.includes(secret)))).toEqual([]);
    // The token of a step can continue its execution, so it is a secret, too.
    const given = readFileSync(tokens, 'utf8')
      .split('\n')
      .filter((token) => token !== '');
    expect(given.length).toBeGreaterThanOrEqual(opened.length);
    expect(lines.filter((line) => given.some((token) => line.includes(token)))).toEqual([]);
  },
);
