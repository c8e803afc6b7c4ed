import { Duration, RemovalPolicy, aws_dynamodb as dynamodb, aws_kms as kms } from 'aws-cdk-lib';
import { mapping, newStack, newWorkflow, synthesize } from '../../../support/constructs';
import { CheckpointTable, EventSource, LockTable, RetryQueue } from 'cdk-lambda-fsm';

const TABLE = 'arn:aws:dynamodb:eu-west-1:123456789012:table/theirs';
const ALL_DYNAMODB = () => ({ eventSource: EventSource.dynamoDb(), retryQueue: RetryQueue.dynamoDb() });

describe('tables', () => {
  test('have the keys and the time to live of the contract', () => {
    const template = synthesize(ALL_DYNAMODB);
    template.hasResourceProperties('AWS::DynamoDB::Table', {
      KeySchema: [
        { AttributeName: 'executionId', KeyType: 'HASH' },
        { AttributeName: 'entry', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: 'executionId', AttributeType: 'S' },
        { AttributeName: 'entry', AttributeType: 'S' },
      ],
      TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
      StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
    });
    template.hasResourceProperties('AWS::DynamoDB::Table', {
      KeySchema: [{ AttributeName: 'executionId', KeyType: 'HASH' }],
      TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
    });
    template.hasResourceProperties('AWS::DynamoDB::Table', {
      KeySchema: [
        { AttributeName: 'shard', KeyType: 'HASH' },
        { AttributeName: 'due', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: 'shard', AttributeType: 'N' },
        { AttributeName: 'due', AttributeType: 'S' },
      ],
    });
  });

  test('have on-demand capacity and point-in-time recovery, and are retained', () => {
    const tables = Object.values(synthesize(ALL_DYNAMODB).findResources('AWS::DynamoDB::Table'));
    expect(tables).toHaveLength(3);
    for (const table of tables) {
      expect(table).toMatchObject({
        DeletionPolicy: 'RetainExceptOnCreate',
        UpdateReplacePolicy: 'Retain',
        Properties: {
          BillingMode: 'PAY_PER_REQUEST',
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        },
      });
    }
  });

  test('the retry table has no time to live', () => {
    const [, table] = Object.entries(synthesize(ALL_DYNAMODB).findResources('AWS::DynamoDB::Table')).find(([id]) =>
      id.startsWith('OrdersRetryQueue'),
    )!;
    expect(table.Properties.TimeToLiveSpecification).toBeUndefined();
  });

  test('follow the removal policy', () => {
    const template = synthesize(() => ({ ...ALL_DYNAMODB(), removalPolicy: RemovalPolicy.DESTROY }));
    const kept = Object.entries(template.toJSON().Resources).filter(
      ([, resource]) => (resource as { DeletionPolicy?: string }).DeletionPolicy === 'RetainExceptOnCreate',
    );
    expect(kept).toEqual([]);
  });

  test('are encrypted with a customer managed key', () => {
    const template = synthesize((stack) => ({ ...ALL_DYNAMODB(), encryptionKey: new kms.Key(stack, 'Key') }));
    const tables = Object.values(template.findResources('AWS::DynamoDB::Table'));
    expect(tables).toHaveLength(3);
    for (const { Properties } of tables) {
      expect(Properties.SSESpecification).toEqual({
        SSEEnabled: true,
        SSEType: 'KMS',
        KMSMasterKeyId: { 'Fn::GetAtt': [expect.stringMatching(/^Key/), 'Arn'] },
      });
    }
  });

  test('can be existing tables', () => {
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
    expect(configuration).toContain('"tableName":"theirs-retries","shards":32');
  });
});

describe('event source', () => {
  test('delivers all records that carry an envelope', () => {
    expect(mapping(synthesize(ALL_DYNAMODB), 'EventSource')).toEqual({
      FunctionName: { Ref: expect.stringMatching(/^OrdersFunction/) },
      EventSourceArn: { 'Fn::GetAtt': [expect.stringMatching(/^OrdersCheckpointTable/), 'StreamArn'] },
      StartingPosition: 'TRIM_HORIZON',
      FilterCriteria: {
        Filters: [
          { Pattern: '{"eventName":["INSERT","MODIFY"],"dynamodb":{"NewImage":{"envelope":{"S":[{"exists":true}]}}}}' },
        ],
      },
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      BatchSize: 10,
      ParallelizationFactor: 10,
      BisectBatchOnFunctionError: true,
      MaximumRecordAgeInSeconds: 12 * 3600,
      DestinationConfig: {
        OnFailure: { Destination: { 'Fn::GetAtt': [expect.stringMatching(/^OrdersFailedInvocations/), 'Arn'] } },
      },
    });
  });

  test('has custom options', () => {
    const eventSource = EventSource.dynamoDb({
      batchSize: 1000,
      maxBatchingWindow: Duration.seconds(3),
      parallelizationFactor: 2,
      bisectBatchOnError: false,
      retryAttempts: 100,
      maxRecordAge: Duration.hours(1),
    });
    expect(
      mapping(
        synthesize(() => ({ eventSource })),
        'EventSource',
      ),
    ).toMatchObject({
      BatchSize: 1000,
      MaximumBatchingWindowInSeconds: 3,
      ParallelizationFactor: 2,
      BisectBatchOnFunctionError: false,
      MaximumRetryAttempts: 100,
      MaximumRecordAgeInSeconds: 3600,
    });
  });

  test('is the stream of an existing table', () => {
    const template = synthesize((stack) => ({
      eventSource: EventSource.dynamoDb(),
      checkpointTable: CheckpointTable.fromTable(
        dynamodb.Table.fromTableAttributes(stack, 'Theirs', { tableArn: TABLE, tableStreamArn: `${TABLE}/stream/1` }),
      ),
    }));
    expect(mapping(template, 'EventSource')).toMatchObject({ EventSourceArn: `${TABLE}/stream/1` });
  });
});

describe('retry queue', () => {
  test('a timer invokes the function for each part every minute, and its events do not accumulate', () => {
    synthesize(ALL_DYNAMODB).hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'rate(1 minute)',
      Targets: [0, 1, 2, 3].map((part) => ({
        Input: `{"source":"cdk-lambda-fsm","detail-type":"timer","detail":{"part":${part},"parts":4}}`,
        RetryPolicy: { MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 0 },
      })),
    });
  });

  test('only the timer may invoke the function', () => {
    const permissions = Object.values(synthesize(ALL_DYNAMODB).findResources('AWS::Lambda::Permission'));
    expect(permissions).toHaveLength(1);
    expect(permissions[0]!.Properties).toMatchObject({
      Principal: 'events.amazonaws.com',
      SourceArn: { 'Fn::GetAtt': [expect.stringMatching(/^OrdersRetryQueueDynamoDbTimer/), 'Arn'] },
    });
  });
});
