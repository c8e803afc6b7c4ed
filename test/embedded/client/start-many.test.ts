import type { KinesisClient } from '@aws-sdk/client-kinesis';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { CLIENT_OPTIONS } from '../../../lambda/aws/client-options';
import { connectClient } from '../../../lambda/aws/connect-client';
import { KinesisEventSource } from '../../../lambda/aws/kinesis/event-source';
import { SqsEventSource } from '../../../lambda/aws/sqs/event-source';
import { systemClock, systemRandom } from '../../../lambda/aws/system';
import { WorkflowClient } from '../../../lambda/client';
import type { EventSourceConfiguration, WorkflowConfiguration } from '../../../lambda/contract/configuration';
import { Executions } from '../../../lambda/engine';
import type { Transport } from '../../../lambda/engine/ports';
import { intercept } from '../../support/intercept';
import { Embedded } from '../../support/servers/embedded';

jest.setTimeout(180_000);

// The embedded servers share their processors with the tests, so a connection may take longer than one to AWS.
Object.assign(CLIENT_OPTIONS.requestHandler, { connectionTimeout: 15_000, requestTimeout: 15_000 });

const embedded = Embedded.use();
const system = { clock: systemClock, random: systemRandom };

async function configurationOf(eventSource: EventSourceConfiguration): Promise<WorkflowConfiguration> {
  const queueUrl = await embedded.queue();
  return {
    workflow: 'Orders',
    machines: ['order'],
    eventSource,
    retryQueues: [{ service: 'sqs', queueUrl }],
    lockTable: { service: 'dynamodb', tableName: await embedded.table('locks'), retentionDays: 30 },
    checkpointTable: { service: 'dynamodb', tableName: await embedded.table('checkpoints'), retentionDays: 30 },
    deadLetterQueue: { service: 'sqs', queueUrl },
  };
}

const SOURCES: Record<string, () => Promise<EventSourceConfiguration>> = {
  sqs: async () => ({ service: 'sqs', queueUrl: await embedded.queue() }),
  kinesis: async () => ({ service: 'kinesis', streamName: await embedded.stream(1) }),
  sns: async () => ({ service: 'sns', topicArn: (await embedded.topic()).topicArn }),
  dynamodb: async () => ({ service: 'dynamodb' }),
};

const requests = (count: number) =>
  Array.from({ length: count }, (_, order) => ({
    machine: 'order',
    executionId: `order-${order}`,
    context: { order, text: 'x'.repeat(200) },
  }));

describe.each(Object.entries(SOURCES))('a client whose event source is %s', (kind, source) => {
  // The embedded server of DynamoDB examines all earlier records of the stream for each new one.
  const count = kind === 'sqs' ? 20_000 : kind === 'dynamodb' ? 1_000 : 5_000;

  test(`starts ${count} executions in one call`, async () => {
    const client = new WorkflowClient(await configurationOf(await source()));
    const results = await client.startMany(requests(count));
    expect(results.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
    expect(results.map(({ executionId }) => executionId)).toEqual(
      requests(count).map(({ executionId }) => executionId),
    );
  });

  test('starts 500 executions in calls of their own, all at once', async () => {
    const client = new WorkflowClient(await configurationOf(await source()));
    const results = await Promise.allSettled(requests(500).map((request) => client.start(request)));
    expect(results.filter(({ status }) => status === 'rejected')).toEqual([]);
  });
});

/** The operations of a client that sends to this event source. */
async function executionsOver(transport: Transport): Promise<Executions> {
  const ports = await connectClient(await configurationOf({ service: 'sqs', queueUrl: 'unused' }));
  return new Executions({ ...ports, eventSources: [transport] }, ['order']);
}

/** Throttles requests as a service does that accepts a number of entries a second. */
function throttle(
  client: SQSClient | KinesisClient,
  operation: string,
  perSecond: number,
  error: string,
): () => number {
  let attempts = 0;
  let tokens = perSecond;
  let filledAt = Date.now();
  intercept(client, operation, async (input, request) => {
    attempts += 1;
    const now = Date.now();
    tokens = Math.min(perSecond, tokens + ((now - filledAt) * perSecond) / 1_000);
    filledAt = now;
    const { Entries, Records } = input as { readonly Entries?: unknown[]; readonly Records?: unknown[] };
    const wanted = (Entries ?? Records)?.length ?? 1;
    if (wanted > tokens) throw Object.assign(new Error('Rate exceeded'), { name: error });
    tokens -= wanted;
    return request();
  });
  return () => attempts;
}

test('retries the starts that a queue throttles, and slows down', async () => {
  const client = embedded.sqs();
  const attempts = throttle(client, 'SendMessageBatch', 400, 'RequestThrottled');
  const executions = await executionsOver(new SqsEventSource(client, { queueUrl: await embedded.queue() }, system));
  const began = Date.now();
  const results = await executions.startMany(requests(2_000));
  expect(results.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
  // 2,000 starts are 200 requests. The queue admits them in four seconds.
  expect(attempts()).toBeLessThan(1_000);
  expect(Date.now() - began).toBeLessThan(30_000);
});

test('gives up on a queue that accepts nothing, without trying each start', async () => {
  const client = embedded.sqs();
  const attempts = throttle(client, 'SendMessageBatch', 0, 'RequestThrottled');
  const executions = await executionsOver(new SqsEventSource(client, { queueUrl: await embedded.queue() }, system));
  const results = await executions.startMany(requests(5_000));
  expect(results.every(({ outcome }) => outcome === 'failed')).toBe(true);
  expect(results.at(-1)).toMatchObject({ error: { code: 'NOT_DISPATCHED', cause: { code: 'THROTTLED' } } });
  expect(attempts()).toBeLessThan(500);
});

test('retries single records that a stream throttles', async () => {
  const client = embedded.kinesis();
  let seen = 0;
  intercept(client, 'PutRecords', async (_, request) => {
    const answer = (await request()) as { output: { Records: object[]; FailedRecordCount: number } };
    answer.output.Records = answer.output.Records.map((record) =>
      (seen += 1) % 3 === 0
        ? record
        : { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'Slow down' },
    );
    return answer;
  });
  const executions = await executionsOver(new KinesisEventSource(client, await embedded.stream(1), system));
  const results = await executions.startMany(requests(3_000));
  expect(results.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
});
