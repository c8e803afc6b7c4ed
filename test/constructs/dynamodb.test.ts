import { Duration, RemovalPolicy, aws_dynamodb as dynamodb, aws_kms as kms } from 'aws-cdk-lib';
import { mapping, newStack, newWorkflow, synthesize } from './support';
import { CheckpointTable, EventSource, LockTable, RetryQueue } from 'cdk-lambda-fsm';

const TABLE = 'arn:aws:dynamodb:eu-west-1:123456789012:table/theirs';
const ALL_DYNAMODB = () => ({ eventSource: EventSource.dynamoDb(), retryQueue: RetryQueue.dynamoDb() });

describe('tables', () => {
  test('have the keys that the runtime uses, and forget what has expired', () => {
    const template = synthesize(ALL_DYNAMODB);
    template.hasResourceProperties('AWS::DynamoDB::Table', {
      KeySchema: [{ AttributeName: 'executionId', KeyType: 'HASH' }, { AttributeName: 'entry', KeyType: 'RANGE' }],
      AttributeDefinitions: [{ AttributeName: 'executionId', AttributeType: 'S' }, { AttributeName: 'entry', AttributeType: 'S' }],
      TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
      StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
    });
    template.hasResourceProperties('AWS::DynamoDB::Table', {
      KeySchema: [{ AttributeName: 'executionId', KeyType: 'HASH' }],
      TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
    });
    template.hasResourceProperties('AWS::DynamoDB::Table', {
      KeySchema: [{ AttributeName: 'shard', KeyType: 'HASH' }, { AttributeName: 'due', KeyType: 'RANGE' }],
      AttributeDefinitions: [{ AttributeName: 'shard', AttributeType: 'N' }, { AttributeName: 'due', AttributeType: 'S' }],
    });
  });

  test('are on demand, recoverable, and outlive their stack', () => {
    const tables = Object.values(synthesize(ALL_DYNAMODB).findResources('AWS::DynamoDB::Table'));
    expect(tables).toHaveLength(3);
    for (const table of tables) {
      expect(table).toMatchObject({
        DeletionPolicy: 'Retain',
        UpdateReplacePolicy: 'Retain',
        Properties: { BillingMode: 'PAY_PER_REQUEST', PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true } },
      });
    }
  });

  test('a retry never expires', () => {
    const [, table] = Object.entries(synthesize(ALL_DYNAMODB).findResources('AWS::DynamoDB::Table')).find(([id]) => id.startsWith('OrdersRetryQueue'))!;
    expect(table.Properties.TimeToLiveSpecification).toBeUndefined();
  });

  test('go with their workflow when it is told so', () => {
    const template = synthesize(() => ({ ...ALL_DYNAMODB(), removalPolicy: RemovalPolicy.DESTROY }));
    const kept = Object.entries(template.toJSON().Resources).filter(([, resource]) => (resource as { DeletionPolicy?: string }).DeletionPolicy === 'Retain');
    expect(kept).toEqual([]);
  });

  test('are encrypted with a key of one\'s own', () => {
    const template = synthesize((stack) => ({ ...ALL_DYNAMODB(), encryptionKey: new kms.Key(stack, 'Key') }));
    const tables = Object.values(template.findResources('AWS::DynamoDB::Table'));
    expect(tables).toHaveLength(3);
    for (const { Properties } of tables) {
      expect(Properties.SSESpecification).toEqual({ SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: { 'Fn::GetAtt': [expect.stringMatching(/^Key/), 'Arn'] } });
    }
  });

  test('can be given', () => {
    const stack = newStack();
    const table = (name: string) => dynamodb.Table.fromTableArn(stack, name, `${TABLE}-${name}`);
    const workflow = newWorkflow(stack, {
      lockTable: LockTable.fromTable(table('locks')),
      checkpointTable: CheckpointTable.fromTable(table('checkpoints'), { retention: Duration.days(400) }),
      retryQueue: RetryQueue.dynamoDb({ table: table('retries') }),
    });
    const configuration = JSON.stringify(stack.resolve(workflow.clientConfiguration)).replaceAll('\\', '');
    expect(configuration).toContain('"tableName":"theirs-locks","retentionDays":30');
    expect(configuration).toContain('"tableName":"theirs-checkpoints","retentionDays":400');
    expect(configuration).toContain('"tableName":"theirs-retries","shards":4');
  });
});

describe('event source', () => {
  test('the stream delivers what carries an envelope, from the first record on', () => {
    expect(mapping(synthesize(ALL_DYNAMODB), 'EventSource')).toEqual({
      FunctionName: { Ref: expect.stringMatching(/^OrdersFunction/) },
      EventSourceArn: { 'Fn::GetAtt': [expect.stringMatching(/^OrdersCheckpointTable/), 'StreamArn'] },
      StartingPosition: 'TRIM_HORIZON',
      FilterCriteria: { Filters: [{ Pattern: '{"eventName":["INSERT","MODIFY"],"dynamodb":{"NewImage":{"envelope":{"S":[{"exists":true}]}}}}' }] },
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      BatchSize: 10,
      ParallelizationFactor: 10,
      BisectBatchOnFunctionError: true,
      MaximumRecordAgeInSeconds: 12 * 3600,
      DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': [expect.stringMatching(/^OrdersDeadLetterQueue/), 'Arn'] } } },
    });
  });

  test('its options reach AWS', () => {
    const eventSource = EventSource.dynamoDb({
      batchSize: 1000,
      maxBatchingWindow: Duration.seconds(3),
      parallelizationFactor: 2,
      bisectBatchOnError: false,
      retryAttempts: 0,
      maxRecordAge: Duration.hours(1),
    });
    expect(mapping(synthesize(() => ({ eventSource })), 'EventSource')).toMatchObject({
      BatchSize: 1000,
      MaximumBatchingWindowInSeconds: 3,
      ParallelizationFactor: 2,
      BisectBatchOnFunctionError: false,
      MaximumRetryAttempts: 0,
      MaximumRecordAgeInSeconds: 3600,
    });
  });

  test('a given table\'s stream', () => {
    const template = synthesize((stack) => ({
      eventSource: EventSource.dynamoDb(),
      checkpointTable: CheckpointTable.fromTable(dynamodb.Table.fromTableAttributes(stack, 'Theirs', { tableArn: TABLE, tableStreamArn: `${TABLE}/stream/1` })),
    }));
    expect(mapping(template, 'EventSource')).toMatchObject({ EventSourceArn: `${TABLE}/stream/1` });
  });
});

describe('retry queue', () => {
  test('a timer calls the function each minute, and ticks do not pile up', () => {
    synthesize(ALL_DYNAMODB).hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'rate(1 minute)',
      Targets: [{
        Input: '{"source":"cdk-lambda-fsm","detail-type":"timer"}',
        RetryPolicy: { MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 0 },
      }],
    });
  });

  test('only that timer may call it', () => {
    const permissions = Object.values(synthesize(ALL_DYNAMODB).findResources('AWS::Lambda::Permission'));
    expect(permissions).toHaveLength(1);
    expect(permissions[0]!.Properties).toMatchObject({
      Principal: 'events.amazonaws.com',
      SourceArn: { 'Fn::GetAtt': [expect.stringMatching(/^OrdersRetryQueueTimer/), 'Arn'] },
    });
  });
});
