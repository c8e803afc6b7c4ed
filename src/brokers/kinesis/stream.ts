import { Duration, Names, PhysicalName, Token } from 'aws-cdk-lib';
import * as kinesis from 'aws-cdk-lib/aws-kinesis';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { EventSourceConfiguration, RetryQueueConfiguration } from '#contract';
import { checkExisting } from '../../shared/existing-resource';
import { grantPutTo, grantReadBackFrom, grantReadFrom } from '../../shared/grants';
import type { ValidationErrors } from '../../shared/validation-errors';
import { checkTypes, DURATION, FILTERS, KEY, STREAM, type TypesOf } from '../../shared/value-types';
import type { Broker, BrokerConfig, ValidationContext, WorkflowParts } from '../broker';
import { resourceIdOf } from '../broker-scope';
import {
  checkStreamOptions,
  DEFAULT_MAX_RECORD_AGE,
  mapStream,
  STREAM_TYPES,
  type StreamOptions,
} from '../stream-mapping';

/** How a Kinesis data stream is created, and how it delivers its records to the workflow's function. */
export interface KinesisOptions extends StreamOptions {
  /**
   * An existing stream in the account and Region of the workflow. Records that are not envelopes of the workflow are sent to the dead-letter
   * queue.
   *
   * @default - a new encrypted stream
   */
  readonly stream?: kinesis.IStream;
  /**
   * Number of shards of the new stream, which is then in provisioned mode. Each shard accepts 1,000 envelopes and 1 MB per second.
   *
   * Valid range: 1 or more.
   * @see https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html
   *
   * @default - on-demand mode: Kinesis scales the number of shards
   */
  readonly shardCount?: number;
  /**
   * How long the new stream keeps an envelope. Until its step has been processed, the envelope is stored nowhere else. Kinesis charges for
   * retention beyond 24 hours.
   *
   * Valid range: 24 hours to 365 days, in whole hours.
   * @see https://docs.aws.amazon.com/streams/latest/dev/kinesis-extended-retention.html
   *
   * @default Duration.days(7)
   */
  readonly retentionPeriod?: Duration;
  /**
   * Position in the stream at which Lambda starts to read. `LATEST` skips the records that an existing stream already contains; a new stream requires `TRIM_HORIZON`,
   * so that no envelope is skipped. `AT_TIMESTAMP` is not supported.
   *
   * @default StartingPosition.TRIM_HORIZON
   */
  readonly startingPosition?: lambda.StartingPosition;
  /**
   * Age at which Lambda discards a record and sends its position in the stream to the dead-letter queue. The envelope stays in the stream.
   *
   * Valid range: 1 minute to 7 days, in whole seconds, and at most the stream's retention period.
   * @see https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html
   *
   * @default Duration.hours(12)
   */
  readonly maxRecordAge?: Duration;
  /**
   * Whether the function reads through an enhanced fan-out consumer. Kinesis then pushes records about 70 instead of 200 milliseconds after
   * they are written, and dedicates 2 MB per second and shard to the function. Kinesis charges for the consumer.
   *
   * @see https://docs.aws.amazon.com/streams/latest/dev/enhanced-consumers.html
   *
   * @default false
   */
  readonly enhancedFanOut?: boolean;
  /**
   * The records that Lambda delivers, from an existing stream with records of other applications. All envelopes must match.
   *
   * @default - all records
   */
  readonly filters?: { [name: string]: unknown }[];
  /**
   * The key that encrypts the `filters`.
   *
   * @default - a key that AWS owns
   */
  readonly filterEncryption?: kms.IKey;
}

const TYPES: TypesOf<KinesisOptions> = {
  ...STREAM_TYPES,
  stream: STREAM,
  retentionPeriod: DURATION,
  maxRecordAge: DURATION,
  filters: FILTERS,
  filterEncryption: KEY,
};

const DEFAULT_RETENTION = Duration.days(7);

/** @see https://docs.aws.amazon.com/streams/latest/dev/kinesis-extended-retention.html */
const KINESIS_DEFAULT_RETENTION_HOURS = 24;

/** The runtime finds the stream in the same way for both. */
type StreamConfiguration = EventSourceConfiguration<'kinesis'> & RetryQueueConfiguration<'kinesis'>;

/** The event source and the retry queue on Kinesis: both send to a stream, which invokes the function. */
export abstract class KinesisBroker<Options extends KinesisOptions> implements Broker<StreamConfiguration> {
  constructor(protected readonly options: Options) {}

  public identity(): unknown {
    return this.options.stream?.streamArn ?? this;
  }

  public resourceId(): string {
    return resourceIdOf('Kinesis', this.options.stream);
  }

  public check(errors: ValidationErrors, context: ValidationContext): void {
    checkKinesisOptions(errors, checkTypes<KinesisOptions>(errors, this.options, TYPES), context);
  }

  public bind(scope: Construct, workflow: WorkflowParts): BrokerConfig<StreamConfiguration> {
    const { options } = this;
    const stream = options.stream ?? createStream(scope, options, workflow);
    const consumer = options.enhancedFanOut ? createConsumer(scope, stream) : undefined;
    grantReadFrom(stream, consumer, workflow.function);
    mapStream(
      scope.node.id,
      {
        eventSourceArn: consumer?.streamConsumerArn ?? stream.streamArn,
        startingPosition: options.startingPosition ?? lambda.StartingPosition.TRIM_HORIZON,
        maxRecordAge: options.maxRecordAge,
        filters: options.filters,
        filterEncryption: options.filterEncryption,
      },
      options,
      workflow,
    );
    return configOf(stream);
  }

  public attach(errors: ValidationErrors): BrokerConfig<StreamConfiguration> | undefined {
    const { stream } = checkTypes<KinesisOptions>(errors, this.options, TYPES);
    return stream && configOf(stream);
  }
}

function configOf(stream: kinesis.IStream): BrokerConfig<StreamConfiguration> {
  return {
    resource: { service: 'kinesis', stream },
    configuration: { service: 'kinesis', streamName: stream.streamName },
    grantSend: (grantee) => grantPutTo(stream, grantee),
    grantReadBack: (grantee) => grantReadBackFrom(stream, grantee),
  };
}

function checkKinesisOptions(errors: ValidationErrors, options: KinesisOptions, context: ValidationContext): void {
  const { stream, shardCount, retentionPeriod, startingPosition, maxRecordAge } = options;
  checkStreamOptions(errors, options, context);
  errors.checkInteger('shardCount', shardCount, { min: 1, reason: 'Kinesis limit' });
  errors.checkDuration('maxRecordAge', maxRecordAge, {
    min: Duration.minutes(1),
    max: Duration.days(7),
    reason: 'Lambda limit',
  });
  errors.checkDuration('retentionPeriod', retentionPeriod, {
    min: Duration.hours(24),
    max: Duration.days(365),
    reason: 'Kinesis limit',
    acceptsTokens: true,
  });
  if (
    retentionPeriod &&
    !retentionPeriod.isUnresolved() &&
    retentionPeriod.toMilliseconds() % Duration.hours(1).toMilliseconds() !== 0
  ) {
    errors.add(`Invalid retentionPeriod ${retentionPeriod.toHumanString()}: expected whole hours (Kinesis limit).`);
  }
  if (startingPosition === lambda.StartingPosition.AT_TIMESTAMP) {
    errors.add(
      'Invalid startingPosition AT_TIMESTAMP: timestamps are not supported. Use TRIM_HORIZON, or LATEST for an existing stream.',
    );
  }
  if (stream) {
    checkExistingStream(errors, stream, options, context);
    return;
  }
  if (startingPosition === lambda.StartingPosition.LATEST) {
    errors.add(
      'Invalid startingPosition LATEST: in a new stream, Lambda would skip the envelopes that are written before it starts to read. Omit startingPosition.',
    );
  }
  checkAge(errors, maxRecordAge, retentionPeriod ?? DEFAULT_RETENTION);
}

/** A record that expires before Lambda discards it would never be dead-lettered. */
function checkAge(errors: ValidationErrors, maxRecordAge: Duration | undefined, retention: Duration): void {
  const age = maxRecordAge ?? DEFAULT_MAX_RECORD_AGE;
  if (retention.isUnresolved() || age.isUnresolved() || age.toMilliseconds() <= retention.toMilliseconds()) return;
  errors.add(
    `Invalid maxRecordAge ${age.toHumanString()}: the stream keeps records for only ${retention.toHumanString()}. Increase the stream's retentionPeriod.`,
  );
}

function checkExistingStream(
  errors: ValidationErrors,
  stream: kinesis.IStream,
  options: KinesisOptions,
  { stack }: ValidationContext,
): void {
  const { shardCount, retentionPeriod, maxRecordAge } = options;
  for (const [property, value] of Object.entries({ shardCount, retentionPeriod })) {
    if (value !== undefined) {
      errors.add(`${property} applies only to a new stream, but an existing stream is given. Set it on that stream.`);
    }
  }
  checkExisting(errors, 'stream', stream, stream.streamArn, stack);
  const definition = stream.node.defaultChild;
  if (definition instanceof kinesis.CfnStream && !Token.isUnresolved(definition.retentionPeriodHours)) {
    checkAge(errors, maxRecordAge, Duration.hours(definition.retentionPeriodHours ?? KINESIS_DEFAULT_RETENTION_HOURS));
  }
}

function createStream(
  scope: Construct,
  options: KinesisOptions,
  { encryptionKey, removalPolicy }: WorkflowParts,
): kinesis.Stream {
  return new kinesis.Stream(scope, 'Stream', {
    streamName: PhysicalName.GENERATE_IF_NEEDED,
    encryption: encryptionKey ? kinesis.StreamEncryption.KMS : kinesis.StreamEncryption.MANAGED,
    encryptionKey,
    ...(options.shardCount === undefined
      ? { streamMode: kinesis.StreamMode.ON_DEMAND }
      : { streamMode: kinesis.StreamMode.PROVISIONED, shardCount: options.shardCount }),
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
