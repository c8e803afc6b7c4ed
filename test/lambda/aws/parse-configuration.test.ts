import { ConfigurationError } from '../../../lambda/aws/configuration-error';
import { parseConfiguration } from '../../../lambda/aws/parse-configuration';
import type { WorkflowConfiguration } from '../../../lambda/contract/configuration';

const FULL: WorkflowConfiguration = {
  workflow: 'Orders',
  machines: ['order'],
  eventSource: { service: 'sqs', queueUrl: 'https://sqs.eu-west-1.amazonaws.com/123456789012/orders.fifo', fifo: true },
  failoverEventSource: { service: 'dynamodb' },
  retryQueues: [
    { service: 'dynamodb', tableName: 'Retries', shards: 4 },
    { service: 'sqs', queueUrl: 'https://sqs.eu-west-1.amazonaws.com/123456789012/retries' },
  ],
  lockTable: { service: 'dynamodb', tableName: 'Locks', retentionDays: 30 },
  checkpointTable: { service: 'dynamodb', tableName: 'Checkpoints', retentionDays: 30 },
  deadLetterQueue: { service: 'sqs', queueUrl: 'http://127.0.0.1:4566/000000000000/dead' },
  maxRunningExecutions: { order: 3 },
  eagerCommit: true,
};

function problemsOf(text: string | undefined): readonly string[] {
  try {
    parseConfiguration(text);
  } catch (thrown) {
    if (thrown instanceof ConfigurationError) return thrown.problems;
    throw thrown;
  }
  return [];
}

describe('parseConfiguration', () => {
  test('parses the configurations that the construct renders', () => {
    expect(parseConfiguration(JSON.stringify(FULL))).toEqual(FULL);
    const { failoverEventSource, eagerCommit, ...least } = FULL;
    expect(parseConfiguration(JSON.stringify(least))).toEqual(least);
    const other: WorkflowConfiguration = {
      ...least,
      eventSource: { service: 'kinesis', streamName: 'orders' },
      failoverEventSource: { service: 'sns', topicArn: 'arn:aws:sns:eu-west-1:123456789012:orders' },
      retryQueues: [
        { service: 'sns', topicArn: 'arn:aws:sns:eu-west-1:123456789012:retries' },
        { service: 'kinesis', streamName: 'retries' },
      ],
    };
    expect(parseConfiguration(JSON.stringify(other))).toEqual(other);
  });

  test.each([
    [undefined, 'The configuration is empty.'],
    ['', 'The configuration is empty.'],
    ['{', expect.stringContaining('Invalid JSON: ')],
    ['null', 'Invalid configuration null: expected an object.'],
    ['[]', 'Invalid configuration []: expected an object.'],
  ])('rejects %s', (text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });

  test('reports all problems together, each with its location', () => {
    const broken = {
      workflow: '',
      machines: ['order', 7],
      eventSource: { service: 'sqs', queueUrl: 'orders', fifo: 'yes' },
      failoverEventSource: { service: 'kafka' },
      retryQueues: [
        { service: 'dynamodb', tableName: '', shards: 0 },
        { service: 'sqs' },
        5,
        { service: 'kinesis' },
        { service: 'sns', topicArn: '' },
      ],
      lockTable: { service: 'dynamodb', tableName: 'Locks' },
      deadLetterQueue: { service: 'sqs', queueUrl: 17 },
      maxRunningExecutions: { order: 0, refund: 2 },
      eagerCommit: 'no',
    };
    expect(problemsOf(JSON.stringify(broken))).toEqual([
      'Invalid workflow "": expected a non-empty string.',
      'Invalid machines[1] 7: expected a non-empty string.',
      'Invalid eventSource.queueUrl "orders": expected a URL.',
      'Invalid eventSource.fifo "yes": expected true or false.',
      'Invalid failoverEventSource.service "kafka": expected "sqs" or "kinesis" or "sns" or "dynamodb".',
      'Invalid retryQueues[0].tableName "": expected a non-empty string.',
      'Invalid retryQueues[0].shards 0: expected an integer of at least 1.',
      'Missing retryQueues[1].queueUrl: expected a URL.',
      'Invalid retryQueues[2] 5: expected an object.',
      'Missing retryQueues[3].streamName: expected a non-empty string.',
      'Invalid retryQueues[4].topicArn "": expected a non-empty string.',
      'Missing lockTable.retentionDays: expected an integer of at least 1.',
      'Missing checkpointTable: expected an object.',
      'Invalid deadLetterQueue.queueUrl 17: expected a URL.',
      'Invalid maxRunningExecutions.order 0: expected an integer of at least 1.',
      'Invalid eagerCommit "no": expected true or false.',
    ]);
  });

  test('accepts locks in a cache, and reports the problems of its configuration', () => {
    const lockTable = {
      service: 'elasticache',
      endpoint: 'locks.serverless.euw1.cache.amazonaws.com:6379',
      cacheName: 'locks',
      userName: 'locks',
      region: 'eu-west-1',
      retentionDays: 30,
    };
    expect(parseConfiguration(JSON.stringify({ ...FULL, lockTable }))).toEqual({ ...FULL, lockTable });
    expect(
      problemsOf(
        JSON.stringify({
          ...FULL,
          lockTable: { service: 'elasticache', endpoint: 'locks', cacheName: '', region: 7, retentionDays: 0 },
        }),
      ),
    ).toEqual([
      'Invalid lockTable.endpoint "locks": expected a host name and a port, such as "host:6379".',
      'Missing lockTable.userName: expected a non-empty string.',
      'Invalid lockTable.cacheName "": expected a non-empty string.',
      'Invalid lockTable.region 7: expected a non-empty string.',
      'Invalid lockTable.retentionDays 0: expected an integer of at least 1.',
    ]);
    const withPassword = {
      service: 'elasticache',
      endpoint: 'locks:6379',
      userName: 'locks',
      passwordSecret: 'arn',
      passwordField: 'password',
      retentionDays: 30,
    };
    expect(parseConfiguration(JSON.stringify({ ...FULL, lockTable: withPassword }))).toEqual({
      ...FULL,
      lockTable: withPassword,
    });
    expect(
      problemsOf(JSON.stringify({ ...FULL, lockTable: { ...withPassword, passwordSecret: '', passwordField: 1 } })),
    ).toEqual([
      'Invalid lockTable.passwordSecret "": expected a non-empty string.',
      'Invalid lockTable.passwordField 1: expected a non-empty string.',
    ]);
    expect(problemsOf(JSON.stringify({ ...FULL, lockTable: { service: 'memcached' } }))).toEqual([
      'Invalid lockTable.service "memcached": expected "dynamodb" or "elasticache".',
    ]);
  });

  test('requires a retry queue', () => {
    expect(problemsOf(JSON.stringify({ ...FULL, retryQueues: [] }))).toEqual([
      'Invalid retryQueues []: expected a list of at least one item.',
    ]);
  });

  test('ignores inherited members', () => {
    expect(problemsOf('{"__proto__": {"workflow": "Orders"}}')).toContain(
      'Missing workflow: expected a non-empty string.',
    );
  });

  test('states the origin of a configuration', () => {
    expect(() => parseConfiguration(undefined)).toThrow(/clientConfiguration/);
  });
});
