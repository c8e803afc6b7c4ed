import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import { SQSClient } from '@aws-sdk/client-sqs';
import { readStack } from './assembly';
import { FaultProxy, type Faults } from './fault-proxy';
import { LocalFunction } from './function';
import { readDeployments } from './functions';
import { MetricCollector, type MetricSums } from './metrics';
import { pollDynamoDbStream } from './pollers/dynamodb-stream';
import type { OnPollerError, Poller } from './pollers/poller';
import { runSchedule } from './pollers/schedule';
import { pollQueue } from './pollers/sqs';
import { createResources } from './resources';
import { startServers, type Servers } from './servers';
import { LOCAL_REGION, Template } from './template';

export type { Faults } from './fault-proxy';
export type { MetricSums } from './metrics';

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
   * Environment variables that all functions get besides their own.
   *
   * @default - none
   */
  readonly environment?: Readonly<Record<string, string>>;
  /**
   * Gets each line that functions write to their output, but for those of metrics.
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
  /** Lets every request to a service (`dynamodb`, `sqs`) fail, those of event source mappings too, until it is brought up again. */
  takeDown(service: string): void;
  bringUp(service: string): void;
  /** Ends everything at once, in the middle of whatever it does. */
  stop(): Promise<void>;
}

/** Every embedded server takes these. */
const CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };

/**
 * Runs a stack on this machine: its tables and queues on embedded servers, its functions in threads, and what Lambda does between them.
 *
 * @throws Error when the assembly cannot be read, or the stack needs something that the runner does not provide
 */
export async function startLocal(options: LocalOptions): Promise<Local> {
  const template = new Template(readStack(options.assembly, options.stack));
  const servers = await startServers({ databaseFile: options.databaseFile });
  const proxy = await FaultProxy.start({ servers: { dynamodb: servers.dynamodb, sqs: servers.sqs }, faults: options.faults });
  const running = new Running(options, servers, proxy);
  try {
    await running.run(template);
  } catch (error) {
    await running.stop();
    throw error;
  }
  return running;
}

class Running implements Local {
  public readonly workflows: Record<string, string> = {};
  public readonly environment: Readonly<Record<string, string>>;
  private readonly collector = new MetricCollector();
  private readonly functions: LocalFunction[] = [];
  private readonly pollers: Poller[] = [];

  constructor(private readonly options: LocalOptions, private readonly servers: Servers, private readonly proxy: FaultProxy) {
    this.environment = variablesFor(proxy.endpoint('client'));
  }

  public get metrics(): MetricSums {
    return this.collector.sums;
  }

  public get requests(): Readonly<Record<string, number>> {
    return this.proxy.requests('function');
  }

  public get faults(): number {
    return this.proxy.faults;
  }

  public takeDown(service: string): void {
    this.proxy.takeDown(service);
  }

  public bringUp(service: string): void {
    this.proxy.bringUp(service);
  }

  public async run(template: Template): Promise<void> {
    const { options, proxy, servers } = this;
    const direct = { region: LOCAL_REGION, credentials: CREDENTIALS };
    const resources = await createResources(template, {
      dynamodb: new DynamoDBClient({ ...direct, endpoint: servers.dynamodb }),
      sqs: new SQSClient({ ...direct, endpoint: servers.sqs }),
      nameQueue: (name, actualUrl) => proxy.nameQueue(name, actualUrl),
    });
    const throughProxy = { ...direct, endpoint: proxy.endpoint('mapping') };
    const queues = new SQSClient(throughProxy);
    const streams = new DynamoDBStreamsClient(throughProxy);
    const onError = options.onError ?? (() => undefined);
    for (const deployment of readDeployments(template, resources, { ...options.environment, ...variablesFor(proxy.endpoint('function')) })) {
      const { definition } = deployment;
      const target = new LocalFunction(definition, {
        environments: options.environments ?? 2,
        onLine: (line) => this.collector.collect(line) || options.onLine?.(line),
      });
      this.functions.push(target);
      this.pollers.push(
        ...deployment.queues.map((mapping) => pollQueue(mapping, target, queues, onError)),
        ...deployment.streams.map((mapping) => pollDynamoDbStream(mapping, target, { streams, queues }, onError)),
        ...deployment.schedules.map(({ interval, ...schedule }) =>
          runSchedule({ ...schedule, interval: options.scheduleInterval ?? interval }, target, onError)),
      );
      const configuration = definition.environment.FSM_WORKFLOW;
      if (configuration !== undefined) {
        this.workflows[nameOf(configuration)] = configuration;
      }
    }
    if (this.functions.length === 0) {
      throw new Error(`The stack "${template.stackName}" has no function that a queue, a stream or a schedule invokes. Is it the right one?`);
    }
  }

  public async stop(): Promise<void> {
    await Promise.all([...this.pollers.map((poller) => poller.stop()), ...this.functions.map((each) => each.stop())]);
    await this.proxy.stop();
    await this.servers.stop();
  }
}

function variablesFor(endpoint: string): Readonly<Record<string, string>> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: LOCAL_REGION,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  };
}

/** The configuration of a workflow is written by its construct, which always names it. */
function nameOf(configuration: string): string {
  return (JSON.parse(configuration) as { readonly workflow: string }).workflow;
}
