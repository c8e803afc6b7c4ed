import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import { KinesisClient, type KinesisClientConfig } from '@aws-sdk/client-kinesis';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { AsynchronousFunction } from './asynchronous-function';
import { checkCommands, containersOf, environmentsOf } from './containers';
import { EventBus } from './event-bus';
import type { Mapping } from './event-source-mappings';
import { FaultProxy, type HitRequest } from './fault-proxy';
import { LocalFunction } from './function';
import { readDeployments, type Deployment } from './functions';
import { JsonServer } from './json-server';
import type { Local, LocalOptions } from './local';
import { MetricCollector, type MetricSums } from './metrics';
import { DynamoDbStreamReader } from './pollers/dynamodb-stream';
import { KinesisStreamReader } from './pollers/kinesis-stream';
import type { OnPollerError, Poller } from './pollers/poller';
import { runSchedule } from './pollers/schedule';
import { pollQueue } from './pollers/sqs';
import { pollStream } from './pollers/stream';
import { deliverTopic } from './pollers/topic';
import { createResources } from './resources';
import { subscribeFunction } from './resources/topics';
import { startServers, type Servers } from './servers';
import { TaskRunner } from './tasks';
import { LOCAL_REGION, type Template } from './template';

/** Every embedded server takes these. */
const CLIENT = { region: LOCAL_REGION, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };

/** The stack while it runs: the servers, the functions, and what invokes these. */
export class RunningStack implements Local {
  /** Starts the servers. Nothing of the stack is there yet. */
  public static async start(options: LocalOptions): Promise<RunningStack> {
    const servers = await startServers({ databaseFile: options.databaseFile });
    const own = await JsonServer.start();
    const { dynamodb, sqs, sns, kinesis } = servers;
    const proxy = await FaultProxy.start({
      servers: { dynamodb, sqs, sns, kinesis, ecs: own.url, events: own.url }, faults: options.faults,
    });
    return new RunningStack(options, servers, own, proxy);
  }

  public readonly workflows: Record<string, string> = {};
  public readonly environment: Readonly<Record<string, string>>;
  private readonly collector = new MetricCollector();
  private readonly onError: OnPollerError;
  private readonly bus: EventBus;
  private readonly functions: LocalFunction[] = [];
  private readonly pollers: Poller[] = [];

  private constructor(
    private readonly options: LocalOptions,
    private readonly servers: Servers,
    private readonly own: JsonServer,
    private readonly proxy: FaultProxy,
  ) {
    this.environment = variablesFor(proxy.endpoint('client'));
    this.onError = options.onError ?? (() => undefined);
    this.bus = new EventBus(this.onError);
    own.add(this.bus.operations);
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

  public takeDown(service: string, isHit?: (request: HitRequest) => boolean): void {
    this.proxy.takeDown(service, isHit);
  }

  public bringUp(service: string): void {
    this.proxy.bringUp(service);
  }

  /** @throws Error when the stack needs something that the runner does not provide */
  public async run(template: Template): Promise<void> {
    const { options, proxy, servers } = this;
    const resources = await createResources(template, {
      dynamodb: new DynamoDBClient({ ...CLIENT, endpoint: servers.dynamodb }),
      kinesis: overHttp1({ ...CLIENT, endpoint: servers.kinesis }),
      sns: new SNSClient({ ...CLIENT, endpoint: servers.sns }),
      sqs: new SQSClient({ ...CLIENT, endpoint: servers.sqs }),
      nameQueue: (name, actualUrl) => proxy.nameQueue(name, actualUrl),
    });
    const variables = variablesFor(proxy.endpoint('function'));
    const deployments = readDeployments(template, resources, { ...options.environment, ...variables });
    if (deployments.length === 0) {
      throw new Error(`The stack "${template.stackName}" has no function that a queue, a stream, a topic or a rule invokes. Is it the right one?`);
    }
    this.runTasks(template, deployments, variables);
    for (const deployment of deployments) {
      await this.runFunction(template, deployment);
    }
  }

  public async stop(): Promise<void> {
    await Promise.all([...this.pollers.map((poller) => poller.stop()), ...this.functions.map((each) => each.stop())]);
    await Promise.all([this.proxy.stop(), this.own.stop()]);
    await this.servers.stop();
  }

  private runTasks(template: Template, deployments: readonly Deployment[], environment: Readonly<Record<string, string>>): void {
    const { tasks: commands = {}, onLine } = this.options;
    const containers = containersOf(deployments.map(({ definition }) => definition));
    checkCommands(containers, commands);
    const runner = new TaskRunner({ commands, environments: environmentsOf(template, containers), environment, onLine }, this.bus);
    this.own.add(runner.operations);
    this.pollers.push(runner);
  }

  private async runFunction(template: Template, deployment: Deployment): Promise<void> {
    const { options, onError, proxy } = this;
    const { definition, asynchronous: settings } = deployment;
    const target = new LocalFunction(definition, {
      environments: options.environments ?? 2,
      onLine: (line) => this.collector.collect(line) || options.onLine?.(line),
    });
    this.functions.push(target);
    const queues = new SQSClient({ ...CLIENT, endpoint: proxy.endpoint('mapping') });
    const retryDelay = options.asynchronousRetryDelay ?? 60_000;
    const asynchronous = new AsynchronousFunction(target, settings, { queues, retryDelay, onError });
    this.pollers.push(
      asynchronous,
      ...deployment.mappings.map((mapping) => this.poll(mapping, target, queues)),
      ...deployment.schedules.map(({ interval, ...schedule }) =>
        runSchedule({ ...schedule, interval: options.scheduleInterval ?? interval }, target, onError)),
    );
    for (const rule of deployment.rules) {
      this.bus.addRule(rule, (event) => asynchronous.invoke(event));
    }
    // SNS fetches from queues of its own: they fail when SNS fails, and not when SQS does.
    const fetching = new SQSClient({ ...CLIENT, endpoint: proxy.endpoint('mapping', 'sns') });
    const sns = new SNSClient({ ...CLIENT, endpoint: this.servers.sns });
    const sqs = new SQSClient({ ...CLIENT, endpoint: this.servers.sqs });
    for (const logicalId of deployment.subscriptionIds) {
      const subscription = await subscribeFunction(template, logicalId, sns, sqs);
      this.pollers.push(deliverTopic(subscription, asynchronous, fetching, onError));
    }
    const configuration = definition.environment.FSM_WORKFLOW;
    if (configuration !== undefined) {
      this.workflows[nameOf(configuration)] = configuration;
    }
  }

  private poll(mapping: Mapping, target: LocalFunction, queues: SQSClient): Poller {
    const { onError } = this;
    if (mapping.service === 'sqs') {
      return pollQueue(mapping.queue, target, queues, onError);
    }
    const { stream } = mapping;
    const client = { ...CLIENT, endpoint: this.proxy.endpoint('mapping') };
    const reader = mapping.service === 'dynamodb'
      ? new DynamoDbStreamReader(new DynamoDBStreamsClient(client), stream.streamArn)
      : new KinesisStreamReader(overHttp1(client), stream.streamArn, stream.sourceArn);
    return pollStream(stream, reader, target, queues, onError);
  }
}

/** By itself, this client speaks HTTP/2, which the embedded server does not know. */
function overHttp1(configuration: KinesisClientConfig): KinesisClient {
  return new KinesisClient({ ...configuration, requestHandler: new NodeHttpHandler() });
}

function variablesFor(endpoint: string): Readonly<Record<string, string>> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: LOCAL_REGION,
    AWS_ACCESS_KEY_ID: CLIENT.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CLIENT.credentials.secretAccessKey,
  };
}

/** The configuration of a workflow is written by its construct, which always names it. */
function nameOf(configuration: string): string {
  return (JSON.parse(configuration) as { readonly workflow: string }).workflow;
}
