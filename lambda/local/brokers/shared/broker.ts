import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import type { SNSClient } from '@aws-sdk/client-sns';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Invocable, OnPollerError, Poller } from '../../function/poller';
import type { Template } from '../../template/template';

/** A broker of the local stack. */
export interface LocalBroker {
  /**
   * Creates the stack's resources of this broker on the embedded server, and registers them in the template.
   *
   * @throws Error if the template requires something that the embedded server does not support
   */
  createResources(template: Template, clients: ResourceClients): Promise<EventSources>;
  /**
   * Reads a trigger that invokes a function with records of this broker: an event source mapping, or a subscription.
   *
   * @returns starts the poller that delivers the records
   * @throws Error if the trigger requires something that the local runner does not support
   */
  readTrigger(template: Template, trigger: Trigger): StartPoller;
}

/** The addresses of a broker's event sources (URLs of queues, ARNs of streams and topics), by the ARN that a trigger refers to. */
export type EventSources = ReadonlyMap<string, string>;

/** A trigger, which invokes a function with the records of an event source. */
export interface Trigger {
  /** The logical id of the event source mapping or the subscription. */
  readonly logicalId: string;
  /** The ARN that the trigger refers to. */
  readonly sourceArn: string;
  /** The address of the event source. */
  readonly address: string;
  /** The URLs of the stack's queues by their ARNs, for on-failure destinations. */
  readonly queueUrls: EventSources;
}

/** Starts the poller of a trigger. */
export type StartPoller = (connections: PollerConnections) => Poller | Promise<Poller>;

/** Clients that create resources. Injected faults do not affect them. */
export interface ResourceClients {
  readonly dynamodb: DynamoDBClient;
  readonly kinesis: KinesisClient;
  readonly sns: SNSClient;
  readonly sqs: SQSClient;
  /**
   * Assigns the URL by which the stack knows a queue.
   *
   * @param actualUrl the URL by which the embedded server knows the queue
   */
  readonly nameQueue: (path: string, actualUrl: string) => string;
}

/** The clients of event source mappings. Their requests fail while their service is down. */
export interface MappingClients {
  readonly dynamodbStreams: DynamoDBStreamsClient;
  readonly kinesis: KinesisClient;
  readonly sqs: SQSClient;
  /** Reads the queues of subscriptions. It fails while Amazon SNS is down, and works while Amazon SQS is down. */
  readonly sqsForSns: SQSClient;
}

/** The function that a poller invokes, and the clients that the poller uses. */
export interface PollerConnections {
  readonly target: Invocable;
  readonly asynchronous: EventReceiver;
  readonly clients: MappingClients;
  readonly resourceClients: ResourceClients;
  readonly onError: OnPollerError;
}

/** Accepts events for asynchronous invocations of a function. */
export interface EventReceiver {
  /** Maximum number of concurrent invocations. */
  readonly environments: number;
  /** Accepts an event. Resolves after the first attempt; retries continue in the background. */
  invoke(event: unknown): Promise<void>;
}
