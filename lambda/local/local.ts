import type { Faults, HitRequest } from './fault-proxy';
import type { MetricSums } from './metrics';
import type { OnPollerError } from './pollers/poller';

/** What to run, and how. */
export interface LocalOptions {
  /** The cloud assembly: the folder that `cdk synth` writes, usually `cdk.out`. */
  readonly assembly: string;
  /**
   * Name of the stack.
   *
   * @default - the only stack of the assembly
   */
  readonly stack?: string;
  /**
   * The file that the tables are kept in. Run with the same file again, a workflow goes on where it was, as far as its state is in
   * tables: queues are in memory.
   *
   * @default - in memory
   */
  readonly databaseFile?: string;
  /**
   * How many requests of functions and clients fail.
   *
   * @default - none
   */
  readonly faults?: Faults;
  /**
   * Most execution environments of each function: ≥ 1.
   *
   * @default 2
   */
  readonly environments?: number;
  /**
   * Milliseconds from one run of a scheduled rule to the next, whatever the rule says.
   *
   * @default - as the rule says
   */
  readonly scheduleInterval?: number;
  /**
   * Milliseconds after which Lambda tries an asynchronous invocation again that has failed (from SNS, or from a rule of EventBridge);
   * before the last attempt it waits twice as long.
   *
   * @default 60_000 - as Lambda
   */
  readonly asynchronousRetryDelay?: number;
  /**
   * What runs in place of the containers of Amazon ECS: command lines for the shell, by the container's name, or by family of the task
   * definition and name (`films/render`). A process gets the environment of its container, reaches the embedded servers, and is judged by
   * its exit code.
   *
   * @default - none: a stack that runs tasks is refused
   */
  readonly tasks?: Readonly<Record<string, string>>;
  /**
   * Environment variables that all functions get besides their own.
   *
   * @default - none
   */
  readonly environment?: Readonly<Record<string, string>>;
  /**
   * Gets each line that functions and containers write to their output, but for those of metrics.
   *
   * @default - they are dropped
   */
  readonly onLine?: (line: string) => void;
  /**
   * Gets what goes wrong outside the functions.
   *
   * @default - it is dropped
   */
  readonly onError?: OnPollerError;
}

/** A stack that runs on this machine. */
export interface Local {
  /** What a client of each workflow is made with, by the workflow's name. */
  readonly workflows: Readonly<Record<string, string>>;
  /** The environment variables with which any AWS client reaches the embedded servers: endpoint, Region, credentials. */
  readonly environment: Readonly<Record<string, string>>;
  /** What the functions have counted. */
  readonly metrics: MetricSums;
  /** How many requests the functions have sent, by service and operation: `dynamodb.PutItem`. */
  readonly requests: Readonly<Record<string, number>>;
  /** How many requests of functions and clients were made to fail. */
  readonly faults: number;
  /**
   * Lets requests to a service (`dynamodb`, `sqs`, `kinesis`, `sns`, `ecs`, `events`) fail, those of event source mappings too, until it is
   * brought up again.
   *
   * @param isHit which of them; all when left out
   */
  takeDown(service: string, isHit?: (request: HitRequest) => boolean): void;
  bringUp(service: string): void;
  /** Ends everything at once, in the middle of whatever it does. */
  stop(): Promise<void>;
}
