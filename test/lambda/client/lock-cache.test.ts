import { join } from 'node:path';
import { build } from 'esbuild';
import { WorkflowClient } from 'cdk-lambda-fsm/client';
import { lockCache } from 'cdk-lambda-fsm/client/lock-cache';

const CONFIGURATION = {
  workflow: 'Orders',
  eventSource: { service: 'dynamodb' },
  retryQueues: [{ service: 'dynamodb', tableName: 'Retries', shards: 1 }],
  lockTable: {
    service: 'elasticache',
    // No cache listens there.
    endpoint: 'localhost:1',
    cacheName: 'locks',
    userName: 'locks',
    region: 'eu-west-1',
    retentionDays: 30,
  },
  checkpointTable: { service: 'dynamodb', tableName: 'Checkpoints', retentionDays: 30 },
  deadLetterQueue: { service: 'sqs', queueUrl: 'https://sqs.eu-west-1.amazonaws.com/123456789012/dead' },
};

const environment = { ...process.env };
beforeEach(() => {
  Object.assign(process.env, { AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' });
});
afterEach(() => {
  process.env = { ...environment };
});

test('a client of a workflow with a lock cache requires its adapter, and says how to pass it', () => {
  process.env.FSM_WORKFLOW = JSON.stringify(CONFIGURATION);
  for (const create of [() => new WorkflowClient(CONFIGURATION), () => WorkflowClient.fromEnvironment()]) {
    expect(create).toThrow(
      expect.objectContaining({
        code: 'LOCK_CACHE_ADAPTER_MISSING',
        message:
          `The locks of workflow "Orders" are in a cache. Install iovalkey, import { lockCache } from 'cdk-lambda-fsm/client/lock-cache', ` +
          'and create new WorkflowClient(configuration, { lockCache }).',
      }),
    );
  }
});

test('a client with the adapter connects to the cache', async () => {
  process.env.FSM_WORKFLOW = JSON.stringify(CONFIGURATION);
  const client = WorkflowClient.fromEnvironment('FSM_WORKFLOW', { lockCache });
  await expect(client.describe('order-17')).rejects.toMatchObject({
    code: 'LOCKS_UNAVAILABLE',
    message: expect.stringMatching(/the lock cache at localhost:1 failed 3 times, most recently with: .*ECONNREFUSED/),
  });
});

test('bundlers include the client of the cache with the adapter', async () => {
  const { metafile } = await build({
    absWorkingDir: join(__dirname, '..', '..', '..'),
    entryPoints: ['lambda/client/lock-cache/index.ts'],
    bundle: true,
    write: false,
    platform: 'node',
    external: ['@aws-sdk/*', '@smithy/*'],
    metafile: true,
    logLevel: 'silent',
  });
  expect(Object.keys(metafile.inputs)).toContainEqual(expect.stringContaining('node_modules/iovalkey/'));
});
