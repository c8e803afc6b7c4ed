import { Duration, RemovalPolicy, aws_kinesis as kinesis, aws_kms as kms, aws_lambda as lambda } from 'aws-cdk-lib';
import * as fc from 'fast-check';
import { mapping, newStack, newWorkflow, refusal, synthesize } from '../../../support/constructs';
import { EventSource, RetryQueue, type KinesisEventSourceOptions } from 'cdk-lambda-fsm';

const IMPORTED = 'arn:aws:kinesis:eu-west-1:123456789012:stream/theirs';
const retries = (options: KinesisEventSourceOptions = {}) => RetryQueue.kinesis({ ...options, ignoreBackoff: true });

test('a new stream is encrypted and retained, scales on demand, and keeps records for a week', () => {
  const template = synthesize(() => ({ eventSource: EventSource.kinesis(), retryQueue: retries() }));
  const streams = Object.values(template.findResources('AWS::Kinesis::Stream'));
  expect(streams).toHaveLength(2);
  for (const stream of streams) {
    expect(stream).toMatchObject({ DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' });
    expect(stream.Properties).toEqual({
      RetentionPeriodHours: 168,
      StreamEncryption: { EncryptionType: 'KMS', KeyId: 'alias/aws/kinesis' },
      StreamModeDetails: { StreamMode: 'ON_DEMAND' },
    });
  }
});

test('a provisioned stream', () => {
  synthesize(() => ({
    eventSource: EventSource.kinesis({ shardCount: 3, retentionPeriod: Duration.hours(48) }),
  })).hasResourceProperties('AWS::Kinesis::Stream', {
    ShardCount: 3,
    StreamModeDetails: { StreamMode: 'PROVISIONED' },
    RetentionPeriodHours: 48,
  });
});

test('a customer managed key encrypts the streams', () => {
  const template = synthesize((stack) => ({
    encryptionKey: new kms.Key(stack, 'Key'),
    eventSource: EventSource.kinesis(),
    retryQueue: retries(),
  }));
  const streams = Object.values(template.findResources('AWS::Kinesis::Stream'));
  expect(streams).toHaveLength(2);
  for (const { Properties } of streams) {
    expect(Properties.StreamEncryption).toEqual({
      EncryptionType: 'KMS',
      KeyId: { 'Fn::GetAtt': [expect.stringMatching(/^Key/), 'Arn'] },
    });
  }
});

test('a stream follows the removal policy', () => {
  synthesize(() => ({ eventSource: EventSource.kinesis(), removalPolicy: RemovalPolicy.DESTROY })).hasResource(
    'AWS::Kinesis::Stream',
    { DeletionPolicy: 'Delete' },
  );
});

test('the mapping reads from the first record, reports failed records, and notifies the queue of failed invocations', () => {
  const template = synthesize(() => ({ eventSource: EventSource.kinesis(), retryQueue: retries() }));
  for (const id of ['EventSource', 'RetryQueue']) {
    expect(mapping(template, id)).toEqual({
      FunctionName: { Ref: expect.stringMatching(/^OrdersFunction/) },
      EventSourceArn: { 'Fn::GetAtt': [expect.stringMatching(new RegExp(`^Orders${id}KinesisStream`)), 'Arn'] },
      StartingPosition: 'TRIM_HORIZON',
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      BatchSize: 10,
      ParallelizationFactor: 10,
      BisectBatchOnFunctionError: true,
      MaximumRecordAgeInSeconds: 12 * 3600,
      DestinationConfig: {
        OnFailure: { Destination: { 'Fn::GetAtt': [expect.stringMatching(/^OrdersFailedInvocations/), 'Arn'] } },
      },
    });
  }
});

test('an enhanced fan-out consumer', () => {
  const template = synthesize(() => ({ eventSource: EventSource.kinesis({ enhancedFanOut: true }) }));
  template.hasResourceProperties('AWS::Kinesis::StreamConsumer', {
    StreamARN: { 'Fn::GetAtt': [Object.keys(template.findResources('AWS::Kinesis::Stream'))[0], 'Arn'] },
  });
  expect(mapping(template, 'EventSource')).toMatchObject({
    EventSourceArn: { 'Fn::GetAtt': [expect.stringMatching(/^OrdersEventSourceKinesisConsumer/), 'ConsumerARN'] },
  });
});

test('an existing stream', () => {
  const stack = newStack();
  const workflow = newWorkflow(stack, {
    eventSource: EventSource.kinesis({
      stream: kinesis.Stream.fromStreamArn(stack, 'Stream', IMPORTED),
      startingPosition: lambda.StartingPosition.LATEST,
    }),
  });
  expect(workflow.eventSource).toMatchObject({ service: 'kinesis', stream: { streamArn: IMPORTED } });
  expect(stack.resolve(workflow.clientConfiguration)['Fn::Join'][1].join('')).toContain(
    '"eventSource":{"service":"kinesis","streamName":"theirs"}',
  );
  const template = synthesize((other) => ({
    eventSource: EventSource.kinesis({
      stream: kinesis.Stream.fromStreamArn(other, 'Stream', IMPORTED),
      startingPosition: lambda.StartingPosition.LATEST,
    }),
  }));
  template.resourceCountIs('AWS::Kinesis::Stream', 0);
  expect(mapping(template, 'EventSource')).toMatchObject({ EventSourceArn: IMPORTED, StartingPosition: 'LATEST' });
});

test('accepts options within their ranges, and rejects all others by name', () => {
  const option = (least: number, most: number) => fc.option(fc.integer({ min: least, max: most }), { nil: undefined });
  const ranges = {
    batchSize: [1, 10_000],
    parallelizationFactor: [1, 10],
    // The machine retries a step five times.
    retryAttempts: [7, 10_000],
    window: [0, 300],
    age: [60, 604_800],
    shardCount: [1, 1_000_000],
  } as const;
  const any = fc.record({
    batchSize: option(-2, 10_005),
    parallelizationFactor: option(-2, 13),
    retryAttempts: option(-2, 10_005),
    window: option(0, 400),
    age: option(0, 604_900),
    shardCount: option(-2, 50),
    bisect: fc.boolean(),
  });
  fc.assert(
    fc.property(any, ({ window, age, bisect, ...numbers }) => {
      const options = {
        ...numbers,
        bisectBatchOnError: bisect,
        retentionPeriod: Duration.days(30),
        maxBatchingWindow: window === undefined ? undefined : Duration.seconds(window),
        maxRecordAge: age === undefined ? undefined : Duration.seconds(age),
      };
      const wrong = Object.entries({ ...numbers, window, age }).flatMap(([name, value]) => {
        const [least, most] = ranges[name as keyof typeof ranges];
        return value !== undefined && (value < least || value > most)
          ? [{ window: 'maxBatchingWindow', age: 'maxRecordAge' }[name] ?? name]
          : [];
      });
      if (wrong.length > 0) {
        const message = refusal(() => ({ eventSource: EventSource.kinesis(options) }));
        expect([...message.matchAll(/- eventSource: Invalid (\w+)/g)].map(([, name]) => name).sort()).toEqual(
          wrong.sort(),
        );
      } else {
        const given = Object.fromEntries(
          Object.entries({
            BatchSize: numbers.batchSize ?? 10,
            ParallelizationFactor: numbers.parallelizationFactor ?? 10,
            MaximumRetryAttempts: numbers.retryAttempts,
            MaximumBatchingWindowInSeconds: window,
            MaximumRecordAgeInSeconds: age ?? 43_200,
            BisectBatchOnFunctionError: bisect,
          }).filter(([, value]) => value !== undefined),
        );
        expect(
          mapping(
            synthesize(() => ({ eventSource: EventSource.kinesis(options) })),
            'EventSource',
          ),
        ).toMatchObject(given);
      }
    }),
    { numRuns: 25 },
  );
}, 60_000);
