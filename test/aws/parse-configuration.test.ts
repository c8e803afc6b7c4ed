import type { WorkflowConfiguration } from '../../lambda/aws/configuration';
import { ConfigurationError, parseConfiguration } from '../../lambda/aws/parse-configuration';

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
  it('reads what the construct has rendered', () => {
    expect(parseConfiguration(JSON.stringify(FULL))).toEqual(FULL);
    const { failoverEventSource, eagerCommit, ...least } = FULL;
    expect(parseConfiguration(JSON.stringify(least))).toEqual(least);
    const other: WorkflowConfiguration = {
      ...least,
      eventSource: { service: 'kinesis', streamName: 'orders' },
      failoverEventSource: { service: 'sns', topicArn: 'arn:aws:sns:eu-west-1:123456789012:orders' },
      retryQueues: [{ service: 'sns', topicArn: 'arn:aws:sns:eu-west-1:123456789012:retries' }, { service: 'kinesis', streamName: 'retries' }],
    };
    expect(parseConfiguration(JSON.stringify(other))).toEqual(other);
  });

  it.each([
    [undefined, 'it is empty'],
    ['', 'it is empty'],
    ['{', expect.stringContaining('it is no JSON: ')],
    ['null', 'it is null, but should be an object'],
    ['[]', 'it is [], but should be an object'],
  ])('refuses %s', (text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });

  it('tells all problems at once, each with its place', () => {
    const broken = {
      workflow: '',
      machines: ['order', 7],
      eventSource: { service: 'sqs', queueUrl: 'orders', fifo: 'yes' },
      failoverEventSource: { service: 'kafka' },
      retryQueues: [{ service: 'dynamodb', tableName: '', shards: 0 }, { service: 'sqs' }, 5, { service: 'kinesis' }, { service: 'sns', topicArn: '' }],
      lockTable: { service: 'dynamodb', tableName: 'Locks' },
      deadLetterQueue: { service: 'sqs', queueUrl: 17 },
      maxRunningExecutions: { order: 0, refund: 2 },
      eagerCommit: 'no',
    };
    expect(problemsOf(JSON.stringify(broken))).toEqual([
      'workflow is "", but should be a text that is not empty',
      'machines[1] is 7, but should be a text that is not empty',
      'eventSource.queueUrl is "orders", but should be a URL',
      'eventSource.fifo is "yes", but should be true or false',
      'failoverEventSource.service is "kafka", but should be "sqs" or "dynamodb" or "kinesis" or "sns"',
      'retryQueues[0].tableName is "", but should be a text that is not empty',
      'retryQueues[0].shards is 0, but should be an integer ≥ 1',
      'retryQueues[1].queueUrl is missing, but should be a URL',
      'retryQueues[2] is 5, but should be an object',
      'retryQueues[3].streamName is missing, but should be a text that is not empty',
      'retryQueues[4].topicArn is "", but should be a text that is not empty',
      'lockTable.retentionDays is missing, but should be an integer ≥ 1',
      'checkpointTable is missing, but should be an object',
      'deadLetterQueue.queueUrl is 17, but should be a URL',
      'maxRunningExecutions.order is 0, but should be an integer ≥ 1',
      'eagerCommit is "no", but should be true or false',
    ]);
  });

  it('takes locks in a cache, and tells what is wrong with it', () => {
    const lockTable = {
      service: 'elasticache', endpoint: 'locks.serverless.euw1.cache.amazonaws.com:6379', cacheName: 'locks', userName: 'locks', region: 'eu-west-1', retentionDays: 30,
    };
    expect(parseConfiguration(JSON.stringify({ ...FULL, lockTable }))).toEqual({ ...FULL, lockTable });
    expect(problemsOf(JSON.stringify({ ...FULL, lockTable: { service: 'elasticache', endpoint: 'locks', cacheName: '', region: 7, retentionDays: 0 } }))).toEqual([
      'lockTable.endpoint is "locks", but should be a host name and a port, as in "host:6379"',
      'lockTable.userName is missing, but should be a text that is not empty',
      'lockTable.cacheName is "", but should be a text that is not empty',
      'lockTable.region is 7, but should be a text that is not empty',
      'lockTable.retentionDays is 0, but should be an integer ≥ 1',
    ]);
    const withPassword = { service: 'elasticache', endpoint: 'locks:6379', userName: 'locks', passwordSecret: 'arn', passwordField: 'password', retentionDays: 30 };
    expect(parseConfiguration(JSON.stringify({ ...FULL, lockTable: withPassword }))).toEqual({ ...FULL, lockTable: withPassword });
    expect(problemsOf(JSON.stringify({ ...FULL, lockTable: { ...withPassword, passwordSecret: '', passwordField: 1 } }))).toEqual([
      'lockTable.passwordSecret is "", but should be a text that is not empty',
      'lockTable.passwordField is 1, but should be a text that is not empty',
    ]);
    expect(problemsOf(JSON.stringify({ ...FULL, lockTable: { service: 'memcached' } }))).toEqual([
      'lockTable.service is "memcached", but should be "dynamodb" or "elasticache"',
    ]);
  });

  it('wants a retry queue', () => {
    expect(problemsOf(JSON.stringify({ ...FULL, retryQueues: [] }))).toEqual(['retryQueues is [], but should be a list of at least one']);
  });

  it('believes no inherited member', () => {
    expect(problemsOf('{"__proto__": {"workflow": "Orders"}}')).toContain('workflow is missing, but should be a text that is not empty');
  });

  it('says where a configuration comes from', () => {
    expect(() => parseConfiguration(undefined)).toThrow(/FSM_WORKFLOW.*clientConfiguration/);
  });
});
