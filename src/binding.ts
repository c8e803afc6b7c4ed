import type { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kinesis from 'aws-cdk-lib/aws-kinesis';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sns from 'aws-cdk-lib/aws-sns';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { ICheckpointTable } from './checkpoint-table';
import type { Problems } from './problems';
import type { Machine } from 'cdk-lambda-fsm/machine';

/** What an event source or a retry queue has become in a workflow: the resource that carries its messages. */
export interface BoundTransport {
  /** The AWS service: `sqs`, `dynamodb`, `kinesis` or `sns`. */
  readonly service: string;
  /**
   * The queue, where the service is SQS.
   *
   * @default - the service is another one
   */
  readonly queue?: sqs.IQueue;
  /**
   * The table, where the service is DynamoDB.
   *
   * @default - the service is another one
   */
  readonly table?: dynamodb.ITable;
  /**
   * The stream, where the service is Kinesis.
   *
   * @default - the service is another one
   */
  readonly stream?: kinesis.IStream;
  /**
   * The topic, where the service is SNS.
   *
   * @default - the service is another one
   */
  readonly topic?: sns.ITopic;
}

/** The parts of a workflow that a transport is bound to. */
export interface WorkflowParts {
  readonly function: lambda.Function;
  readonly functionTimeout: Duration;
  readonly checkpointTable: ICheckpointTable;
  readonly deadLetterQueue: sqs.IQueue;
  readonly encryptionKey?: kms.IKey;
  readonly removalPolicy: RemovalPolicy;
}

/** What is known of a workflow before anything of it is made. */
export interface WorkflowPlan {
  readonly stack: Stack;
  readonly machines: readonly Machine[];
  readonly functionTimeoutSeconds: number;
  readonly checkpointTable?: ICheckpointTable;
  readonly deadLetterQueue?: sqs.IQueue;
}

/** A transport that is part of a workflow. */
export interface Binding {
  readonly transport: BoundTransport;
  /** How the runtime and the client find it: an `EventSourceConfiguration` or a `RetryQueueConfiguration` of the runtime. */
  readonly configuration: Readonly<Record<string, string | number | boolean>>;
  /** Lets someone put envelopes into it. */
  grantSend(grantee: iam.IGrantable): iam.Grant;
  /** Lets someone read an envelope again that was put there. Absent where nobody can, and where reading the checkpoint table will do. */
  grantReadBack?(grantee: iam.IGrantable): iam.Grant;
}

/** One AWS service as an event source or a retry queue. Stateless: it describes what `bind` then builds. */
export interface TransportService {
  /** As a retry queue, it can hold an envelope back until its time. */
  readonly delays?: true;
  /** Two transports with the same resource are one: neither can take over from the other. */
  resource(): unknown;
  /** Adds what is wrong with the options, and with them in this workflow. */
  check(problems: Problems, plan: WorkflowPlan): void;
  /** Provisions what is needed below `scope`, and lets the workflow's function receive from it. */
  bind(scope: Construct, workflow: WorkflowParts): Binding;
}
