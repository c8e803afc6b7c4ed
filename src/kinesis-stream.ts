import { Duration, Names, Token } from 'aws-cdk-lib';
import * as kinesis from 'aws-cdk-lib/aws-kinesis';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { grantPutTo, grantReadBackFrom, grantReadFrom } from './access';
import type { Binding, WorkflowParts, WorkflowPlan } from './binding';
import { checkPlace } from './given-resource';
import type { Problems } from './problems';
import { checkStreamOptions, DEFAULT_MAX_RECORD_AGE, mapStream, type StreamOptions } from './stream-mapping';

/** How a Kinesis data stream is made, and how it delivers its records to the workflow's function. */
export interface KinesisOptions extends StreamOptions {
  /**
   * A stream that exists already, or that you configure yourself, in the account and Region of the workflow. What it holds beside the
   * envelopes of the workflow becomes dead letters.
   *
   * @default - a new stream, encrypted
   */
  readonly stream?: kinesis.IStream;
  /**
   * How many shards the stream has. Each takes 1,000 envelopes and 1 MB a second.
   *
   * @see https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html
   *
   * @default - on demand: Kinesis adds and removes shards by itself
   */
  readonly shardCount?: number;
  /**
   * How long the stream keeps an envelope, which lies nowhere else until its step is taken. Kinesis charges for more than 24 hours.
   *
   * Valid range: whole hours, 24 hours to 365 days.
   * @see https://docs.aws.amazon.com/streams/latest/dev/kinesis-extended-retention.html
   *
   * @default Duration.days(7)
   */
  readonly retentionPeriod?: Duration;
  /**
   * From where on a given stream is read: `LATEST` passes over what is in it already. A new stream is read from its beginning, so that
   * nothing is missed.
   *
   * @default StartingPosition.TRIM_HORIZON
   */
  readonly startingPosition?: lambda.StartingPosition;
  /**
   * The age at which Lambda gives a record up and tells the dead-letter queue where it lies. The envelope stays in the stream.
   *
   * Valid range: 1 minute to 7 days, and no longer than the stream keeps a record.
   * @see https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html
   *
   * @default Duration.hours(12)
   */
  readonly maxRecordAge?: Duration;
  /**
   * Whether the function reads through a consumer of its own, to which Kinesis pushes the records: about 70 instead of 200 milliseconds
   * after they are written, and 2 MB a second and shard that no other reader takes away. Kinesis charges for it.
   *
   * @see https://docs.aws.amazon.com/streams/latest/dev/enhanced-consumers.html
   *
   * @default false
   */
  readonly enhancedFanOut?: boolean;
}

const DEFAULT_RETENTION = Duration.days(7);

/** @see https://docs.aws.amazon.com/streams/latest/dev/kinesis-extended-retention.html */
const KINESIS_DEFAULT_RETENTION_HOURS = 24;

export function checkKinesisOptions(problems: Problems, options: KinesisOptions, plan: WorkflowPlan): void {
  const { stream, shardCount, retentionPeriod, startingPosition, maxRecordAge } = options;
  checkStreamOptions(problems, options);
  problems.wholeNumber('shardCount', shardCount, 1, Number.MAX_SAFE_INTEGER, 'a stream has at least one');
  problems.duration('maxRecordAge', maxRecordAge, Duration.minutes(1), Duration.days(7), 'the limit of Lambda');
  problems.duration('retentionPeriod', retentionPeriod, Duration.hours(24), Duration.days(365), 'the limit of Kinesis');
  if (retentionPeriod && !retentionPeriod.isUnresolved() && retentionPeriod.toMilliseconds() % Duration.hours(1).toMilliseconds() !== 0) {
    problems.add(`retentionPeriod must be whole hours, but is ${retentionPeriod.toHumanString()}.`);
  }
  if (startingPosition === lambda.StartingPosition.AT_TIMESTAMP) {
    problems.add('startingPosition cannot be a time. Take TRIM_HORIZON, or LATEST for a given stream.');
  }
  if (stream) {
    checkGivenStream(problems, stream, options, plan);
    return;
  }
  if (startingPosition === lambda.StartingPosition.LATEST) {
    problems.add('startingPosition is LATEST, but in a new stream what comes before Lambda begins to read would be missed. Leave it out.');
  }
  checkAge(problems, maxRecordAge, retentionPeriod ?? DEFAULT_RETENTION);
}

/** What the stream forgets before Lambda gives it up would never become a dead letter. */
function checkAge(problems: Problems, maxRecordAge: Duration | undefined, retention: Duration): void {
  const age = maxRecordAge ?? DEFAULT_MAX_RECORD_AGE;
  if (retention.isUnresolved() || age.isUnresolved() || age.toMilliseconds() <= retention.toMilliseconds()) return;
  problems.add(`maxRecordAge is ${age.toHumanString()}, but the stream keeps a record for ${retention.toHumanString()} only. Raise its retentionPeriod.`);
}

function checkGivenStream(problems: Problems, stream: kinesis.IStream, options: KinesisOptions, { stack }: WorkflowPlan): void {
  const { shardCount, retentionPeriod, maxRecordAge } = options;
  for (const [property, value] of Object.entries({ shardCount, retentionPeriod })) {
    if (value !== undefined) problems.add(`${property} is a setting of the stream, and the stream is given. Set it where the stream is made.`);
  }
  checkPlace(problems, 'stream', stream, stack);
  const definition = stream.node.defaultChild;
  if (definition instanceof kinesis.CfnStream && !Token.isUnresolved(definition.retentionPeriodHours)) {
    checkAge(problems, maxRecordAge, Duration.hours(definition.retentionPeriodHours ?? KINESIS_DEFAULT_RETENTION_HOURS));
  }
}

/** Provisions the stream if none is given, and lets the workflow's function receive from it. */
export function bindStream(scope: Construct, options: KinesisOptions, workflow: WorkflowParts): Binding {
  const stream = options.stream ?? createStream(scope, options, workflow);
  const consumer = options.enhancedFanOut ? createConsumer(scope, stream) : undefined;
  grantReadFrom(stream, consumer, workflow.function);
  mapStream(scope.node.id, {
    eventSourceArn: consumer?.streamConsumerArn ?? stream.streamArn,
    startingPosition: options.startingPosition ?? lambda.StartingPosition.TRIM_HORIZON,
    maxRecordAge: options.maxRecordAge,
  }, options, workflow);
  return {
    transport: { service: 'kinesis', stream },
    configuration: { service: 'kinesis', streamName: stream.streamName },
    grantSend: (grantee) => grantPutTo(stream, grantee),
    grantReadBack: (grantee) => grantReadBackFrom(stream, grantee),
  };
}

function createStream(scope: Construct, options: KinesisOptions, { encryptionKey, removalPolicy }: WorkflowParts): kinesis.Stream {
  return new kinesis.Stream(scope, 'Stream', {
    encryption: encryptionKey ? kinesis.StreamEncryption.KMS : kinesis.StreamEncryption.MANAGED,
    encryptionKey,
    ...options.shardCount === undefined
      ? { streamMode: kinesis.StreamMode.ON_DEMAND }
      : { streamMode: kinesis.StreamMode.PROVISIONED, shardCount: options.shardCount },
    retentionPeriod: options.retentionPeriod ?? DEFAULT_RETENTION,
    removalPolicy,
  });
}

function createConsumer(scope: Construct, stream: kinesis.IStream): kinesis.StreamConsumer {
  return new kinesis.StreamConsumer(scope, 'Consumer', {
    stream,
    streamConsumerName: Names.uniqueResourceName(scope, { maxLength: 128, separator: '-' }),
  });
}
