import type { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kinesis from 'aws-cdk-lib/aws-kinesis';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sns from 'aws-cdk-lib/aws-sns';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { EventSourceConfiguration, RetryQueueConfiguration } from '#contract';
import type { FailedInvocations } from '../shared/failed-invocations';
import type { ValidationErrors } from '../shared/validation-errors';
import type { ICheckpointTable } from '../stores/checkpoint-table';
import type { Machine } from 'cdk-lambda-fsm/machine';

/** The AWS resource behind an event source or a retry queue of a workflow. */
export interface BrokerResource {
  /** The AWS service: `sqs`, `kinesis`, `sns` or `dynamodb`. */
  readonly service: string;
  /**
   * The queue, if the service is SQS.
   *
   * @default - the service is not SQS
   */
  readonly queue?: sqs.IQueue;
  /**
   * The table, if the service is DynamoDB.
   *
   * @default - the service is not DynamoDB
   */
  readonly table?: dynamodb.ITable;
  /**
   * The stream, if the service is Kinesis.
   *
   * @default - the service is not Kinesis
   */
  readonly stream?: kinesis.IStream;
  /**
   * The topic, if the service is SNS.
   *
   * @default - the service is not SNS
   */
  readonly topic?: sns.ITopic;
}

/** The parts of a workflow that a broker connects to. */
export interface WorkflowParts {
  readonly function: lambda.Function;
  readonly functionTimeout: Duration;
  readonly checkpointTable: ICheckpointTable;
  readonly deadLetterQueue: sqs.IQueue;
  /** Takes up the asynchronous invocations of the function that fail. */
  readonly failedInvocations: FailedInvocations;
  readonly encryptionKey?: kms.IKey;
  readonly removalPolicy: RemovalPolicy;
  readonly deletionProtection?: boolean;
}

/** The facts about a workflow that brokers validate their options against, before any resource is created. */
export interface ValidationContext {
  readonly stack: Stack;
  readonly machines: readonly Machine[];
  readonly functionTimeoutSeconds: number;
  readonly checkpointTable?: ICheckpointTable;
  readonly deadLetterQueue?: sqs.IQueue;
}

/** How the runtime finds a broker. */
export type BrokerConfiguration = EventSourceConfiguration | RetryQueueConfiguration;

/** A broker that is part of a workflow. */
export interface BrokerConfig<Configuration = BrokerConfiguration> {
  readonly resource: BrokerResource;
  readonly configuration: Configuration;
  /** Allows sending envelopes. */
  grantSend(grantee: iam.IGrantable): iam.Grant;
  /** Allows reading a sent envelope again. Undefined if the service cannot read one again, or if reading the checkpoint table suffices. */
  grantReadBack?(grantee: iam.IGrantable): iam.Grant;
}

/** One AWS service as an event source or a retry queue. Stateless: it validates options and creates resources from them. */
export interface Broker<Configuration = BrokerConfiguration> {
  /** As a retry queue, it can delay an envelope. */
  readonly delays?: true;
  /** Identifies the resource: two brokers with the same identity share one resource, so neither can take over from the other. */
  identity(): unknown;
  /** Names the kind of resource within the ids of constructs, for example `SqsFifo`; see {@link brokerScope}. */
  resourceId(): string;
  /** Adds the errors in the options, alone and in the context of the workflow. */
  check(errors: ValidationErrors, context: ValidationContext): void;
  /** Creates the resources below `scope`, and connects them to the workflow's function. */
  bind(scope: Construct, workflow: WorkflowParts): BrokerConfig<Configuration>;
  /** The broker of a workflow that is deployed elsewhere; undefined if the options name no existing resource, or one of another type. */
  attach(
    errors: ValidationErrors,
    checkpointTable: ICheckpointTable | undefined,
  ): BrokerConfig<Configuration> | undefined;
}

/** The brokers of a workflow, by the properties that configure them. */
export interface Brokers {
  readonly eventSource: Broker<EventSourceConfiguration>;
  readonly failoverEventSource?: Broker<EventSourceConfiguration>;
  readonly previousEventSources: readonly Broker<EventSourceConfiguration>[];
  readonly retryQueue: Broker<RetryQueueConfiguration>;
  readonly failoverRetryQueue?: Broker<RetryQueueConfiguration>;
  readonly previousRetryQueues: readonly Broker<RetryQueueConfiguration>[];
}
