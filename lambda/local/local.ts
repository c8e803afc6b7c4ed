import type { MetricSums } from './function/metrics';
import type { OnPollerError } from './function/poller';
import type { Faults, HitRequest } from './servers/fault-proxy';

/** Options of {@link startLocal}. */
export interface LocalOptions {
  /** The cloud assembly: the folder that `cdk synth` writes, usually `cdk.out`. */
  readonly assembly: string;
  /**
   * The name of the stack. Required if the cloud assembly has several stacks.
   *
   * @default - the only stack of the cloud assembly
   */
  readonly stack?: string;
  /**
   * The file that stores the tables. If the stack is started again with the same file, its executions continue as far as their state is
   * stored in tables. Queues, streams and topics are always in memory.
   *
   * @default - tables are in memory
   */
  readonly databaseFile?: string;
  /**
   * The faults to inject into the requests of functions and clients.
   *
   * @default - none
   */
  readonly faults?: Faults;
  /**
   * Maximum number of execution environments of each function: an integer ≥ 1.
   *
   * @default 2
   */
  readonly environments?: number;
  /**
   * The interval of all scheduled rules, in milliseconds. It overrides the intervals of the rules.
   *
   * @default - the interval of each rule
   */
  readonly scheduleInterval?: number;
  /**
   * Delay before the first retry of a failed asynchronous invocation (from Amazon SNS or Amazon EventBridge), in milliseconds. It doubles
   * before the second retry.
   *
   * @default 60000 - as in Lambda
   */
  readonly asynchronousRetryDelay?: number;
  /**
   * The shell commands to run instead of Amazon ECS containers, by the name of the container (`render`), or by the family of the task
   * definition and the name (`films/render`). A process gets the environment variables of its container, and its AWS clients reach the
   * embedded servers. Its exit code is the exit code of the container.
   *
   * @default - none: a stack that runs containers fails to start
   */
  readonly tasks?: Readonly<Record<string, string>>;
  /**
   * Additional environment variables of all functions. They override the functions' own.
   *
   * @default - none
   */
  readonly environment?: Readonly<Record<string, string>>;
  /**
   * Receives each line of output of functions and containers, except metrics.
   *
   * @default - output is discarded
   */
  readonly onLine?: (line: string) => void;
  /**
   * Receives errors that occur outside the functions, for example in event source mappings.
   *
   * @default - errors are discarded
   */
  readonly onError?: OnPollerError;
}

/** A stack that runs locally. */
export interface Local {
  /** The configuration of each workflow, by the name of the workflow. Pass it to `WorkflowClient`. */
  readonly workflows: Readonly<Record<string, string>>;
  /** Environment variables with which any AWS client reaches the embedded servers: endpoint, Region, credentials. */
  readonly environment: Readonly<Record<string, string>>;
  /** The metrics that the functions have emitted, summed up by name. */
  readonly metrics: MetricSums;
  /** The number of requests that the functions have sent, by service and operation, such as `dynamodb.PutItem`. */
  readonly requests: Readonly<Record<string, number>>;
  /** The number of faults injected into the requests of functions and clients. */
  readonly faults: number;
  /**
   * Takes a service down: all requests to it fail, including those of event source mappings, until {@link bringUp}.
   *
   * @param service `dynamodb`, `sqs`, `kinesis`, `sns`, `ecs` or `events`
   * @param isHit selects the requests that fail; by default, all
   */
  takeDown(service: string, isHit?: (request: HitRequest) => boolean): void;
  /** Ends the outage of a service. */
  bringUp(service: string): void;
  /** Stops the stack immediately. Invocations and requests in progress are aborted. */
  stop(): Promise<void>;
}
