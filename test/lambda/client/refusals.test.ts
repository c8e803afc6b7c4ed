import type { WorkflowConfiguration } from '../../../lambda/contract/configuration';
import { RefusingServer } from '../../support/servers/refusing-server';
import { FsmError, WorkflowClient } from 'cdk-lambda-fsm/client';

const QUEUE = 'https://sqs.eu-west-1.amazonaws.com/123456789012/orders';
const CONFIGURATION: WorkflowConfiguration = {
  workflow: 'Orders',
  machines: ['order'],
  eventSource: { service: 'sqs', queueUrl: QUEUE },
  retryQueues: [{ service: 'sqs', queueUrl: QUEUE }],
  lockTable: { service: 'dynamodb', tableName: 'Orders-Locks', retentionDays: 30 },
  checkpointTable: { service: 'dynamodb', tableName: 'Orders-Checkpoints', retentionDays: 30 },
  deadLetterQueue: { service: 'sqs', queueUrl: QUEUE },
};

/** The lock of an execution that has failed. */
const FAILED = {
  Attributes: {
    executionId: { S: 'x' },
    incarnation: { S: 'a7' },
    machine: { S: 'order' },
    step: { N: '1' },
    fence: { N: '2' },
    parent: { N: '1' },
    holder: { S: 'h' },
    expires: { N: '0' },
    released: { N: '0' },
    reopened: { N: '0' },
    accompanied: { N: '0' },
    done: { BOOL: true },
    status: { S: 'failed' },
    state: { S: 'charging' },
    contextHash: { S: 'hash' },
    startedAt: { N: '1' },
    updatedAt: { N: '1' },
  },
};

/** The lock that records a start. */
const RECORDED = {
  Attributes: { ...FAILED.Attributes, fence: { N: '0' }, done: { BOOL: false }, status: { S: 'pending' } },
};

let server: RefusingServer;
const environment = { ...process.env };

beforeAll(async () => {
  server = await RefusingServer.start();
  Object.assign(process.env, server.environment);
});
afterAll(async () => {
  process.env = environment;
  await server.stop();
});
afterEach(() => server.answers.clear());

/** What a call of the client throws. */
async function errorOf(
  call: (client: WorkflowClient) => Promise<unknown>,
  configuration = CONFIGURATION,
): Promise<FsmError> {
  const error: unknown = await call(new WorkflowClient(configuration)).catch((thrown: unknown) => thrown);
  if (!(error instanceof FsmError)) throw new Error(`Expected an FsmError, but got ${String(error)}`);
  return error;
}

const CALLS: readonly [string, (client: WorkflowClient) => Promise<unknown>, action: string, resource: string][] = [
  ['start', (client) => client.start({ machine: 'order' }), 'dynamodb:UpdateItem', 'table "Orders-Locks"'],
  ['send', (client) => client.send('x', 'paid'), 'dynamodb:GetItem', 'table "Orders-Locks"'],
  ['describe', (client) => client.describe('x'), 'dynamodb:GetItem', 'table "Orders-Locks"'],
  ['redrive', (client) => client.redrive('x'), 'dynamodb:GetItem', 'table "Orders-Locks"'],
  ['cancel', (client) => client.cancel('x'), 'dynamodb:GetItem', 'table "Orders-Locks"'],
  ['resume', (client) => client.resume('x'), 'dynamodb:GetItem', 'table "Orders-Locks"'],
];

describe('a permission that the caller lacks', () => {
  beforeEach(() => {
    server.refusal = { name: 'AccessDeniedException', message: 'The policy does not allow it.' };
  });

  test.each(CALLS)('is named by %s, with the resource', async (_, call, action, resource) => {
    const error = await errorOf(call);
    expect(error.retryable).toBe(false);
    expect(error.message).toContain(`Access denied: the caller may not perform ${action}`);
    expect(error.message).toContain(`on the ${resource}.`);
    expect(error.message).not.toMatch(/again|safe/);
    expect(error.cause).toBeInstanceOf(Error);
  });

  test('is named as the service names it', async () => {
    server.refusal = {
      name: 'AccessDeniedException',
      message:
        'User: arn:aws:sts::123456789012:assumed-role/shop is not authorized to perform: dynamodb:ConditionCheckItem on resource: arn:…',
    };
    expect((await errorOf((client) => client.send('x', 'paid'))).message).toContain(
      'may not perform dynamodb:ConditionCheckItem on the table "Orders-Locks"',
    );
  });

  test('is named by a call that gets further', async () => {
    server.answers.set('DynamoDB_20120810.GetItem', { Item: FAILED.Attributes });
    expect(await errorOf((client) => client.cancel('x'))).toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringContaining('dynamodb:UpdateItem on the table "Orders-Locks"'),
    });
  });

  test('is the cause of a start that no event source accepted', async () => {
    server.answers.set('DynamoDB_20120810.UpdateItem', RECORDED);
    const error = await errorOf((client) => client.start({ machine: 'order' }));
    expect(error).toMatchObject({
      code: 'NOT_DISPATCHED',
      retryable: false,
      cause: { code: 'ACCESS_DENIED', cause: { name: 'AccessDeniedException' } },
    });
  });

  test('contains the error of every event source', async () => {
    server.answers.set('DynamoDB_20120810.UpdateItem', RECORDED);
    const error = await errorOf((client) => client.start({ machine: 'order' }), {
      ...CONFIGURATION,
      failoverEventSource: { service: 'kinesis', streamName: 'orders' },
    });
    expect(error.message).toMatch(
      /\(sqs: Access denied: .* kinesis: Access denied: .* kinesis:PutRecords on the stream "orders"/,
    );
    expect(error.cause).toBeInstanceOf(AggregateError);
  });
});

test.each([
  ['QueueDoesNotExist', 'start', 'RESOURCE_NOT_FOUND', `Amazon SQS has no queue "${QUEUE}"`],
  ['ResourceNotFoundException', 'describe', 'RESOURCE_NOT_FOUND', 'Amazon DynamoDB has no table "Orders-Locks"'],
  ['KmsAccessDenied', 'start', 'ACCESS_DENIED', 'kms:GenerateDataKey and kms:Decrypt'],
  ['KmsDisabled', 'start', 'ENCRYPTION_KEY_UNUSABLE', `the AWS KMS key that encrypts the queue "${QUEUE}"`],
  ['UnrecognizedClientException', 'cancel', 'CREDENTIALS_REJECTED', 'missing, invalid or expired'],
  ['ExpiredTokenException', 'resume', 'CREDENTIALS_REJECTED', 'missing, invalid or expired'],
])('%s of %s is reported as %s', async (name, verb, code, message) => {
  server.refusal = { name, message: 'No.' };
  if (verb === 'start') server.answers.set('DynamoDB_20120810.UpdateItem', RECORDED);
  const [, call] = CALLS.find(([called]) => called === verb)!;
  const error = await errorOf(call);
  expect(verb === 'start' ? error.cause : error).toMatchObject({ code, retryable: false });
  expect(error.message).toContain(message);
});

test('an error that may be temporary stays as it is', async () => {
  server.refusal = { name: 'ThrottlingException', message: 'Slow down.' };
  const client = new WorkflowClient(CONFIGURATION);
  await expect(client.describe('x')).rejects.toMatchObject({ name: 'ThrottlingException' });
});
