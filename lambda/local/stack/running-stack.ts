import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createResources } from './brokers';
import { clientVariables, mappingClients, resourceClients } from './clients';
import { checkCommands, containersOf, environmentsOf } from './containers';
import { readDeployments, type Deployment } from './functions';
import { provideNames } from './names';
import { CODE_FILES } from '../../contract/code';
import { WORKFLOW_VARIABLE } from '../../contract/environment';
import type { ResourceClients } from '../brokers/shared/broker';
import { TaskRunner } from '../ecs/tasks';
import { EventBus } from '../eventbridge/event-bus';
import { runSchedule } from '../eventbridge/schedule';
import { AsynchronousFunction } from '../function/asynchronous-function';
import { LocalFunction, type FunctionDefinition } from '../function/function';
import { MetricCollector, type MetricSums } from '../function/metrics';
import type { OnPollerError, Poller } from '../function/poller';
import type { Local, LocalOptions } from '../local';
import { FaultProxy, type HitRequest } from '../servers/fault-proxy';
import { JsonServer } from '../servers/json-server';
import { createRunCredentials, type RunCredentials } from '../servers/run-credentials';
import { startServers, type Servers } from '../servers/servers';
import type { Template } from '../template/template';

/** A running stack: the embedded servers, the functions, and the pollers that invoke them. */
export class RunningStack implements Local {
  /** Starts the embedded servers, without the resources of the stack. */
  public static async start(options: LocalOptions): Promise<RunningStack> {
    const servers = await startServers({ databaseFile: options.databaseFile });
    const own = await JsonServer.start();
    const { dynamodb, sqs, sns, kinesis } = servers;
    const credentials = createRunCredentials();
    const proxy = await FaultProxy.start({
      credentials,
      servers: { dynamodb, sqs, sns, kinesis, ecs: own.url, events: own.url },
      faults: options.faults,
    });
    return new RunningStack(options, servers, own, proxy, credentials);
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
    private readonly credentials: RunCredentials,
  ) {
    this.environment = clientVariables(proxy.endpoint('client'), credentials);
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

  /**
   * Creates the resources of the stack, and starts its functions and pollers.
   *
   * @throws Error if the stack requires something that the local runner does not support
   */
  public async run(template: Template): Promise<void> {
    const { options, proxy, servers } = this;
    const clients = resourceClients(servers, proxy);
    provideNames(template);
    const resources = await createResources(template, clients);
    const variables = clientVariables(proxy.endpoint('function'), this.credentials);
    const deployments = readDeployments(template, resources, { ...options.environment, ...variables });
    if (deployments.length === 0) {
      throw new Error(
        `Stack "${template.stackName}" has no function that a queue, a stream, a topic or a rule invokes. Check that it is the right stack.`,
      );
    }
    this.runTasks(template, deployments, variables);
    for (const deployment of deployments) {
      await this.runFunction(deployment, clients);
    }
  }

  public async stop(): Promise<void> {
    await Promise.all([...this.pollers.map((poller) => poller.stop()), ...this.functions.map((each) => each.stop())]);
    await Promise.all([this.proxy.stop(), this.own.stop()]);
    await this.servers.stop();
  }

  private runTasks(
    template: Template,
    deployments: readonly Deployment[],
    environment: Readonly<Record<string, string>>,
  ): void {
    const { tasks: commands = {}, onLine } = this.options;
    const containers = containersOf(deployments.map(({ definition }) => definition));
    checkCommands(containers, commands);
    const runner = new TaskRunner(
      {
        commands,
        containers: containers.map(({ fullName }) => fullName),
        environments: environmentsOf(template, containers),
        environment,
        onLine,
      },
      this.bus,
    );
    this.own.add(runner.operations);
    this.pollers.push(runner);
  }

  private async runFunction(deployment: Deployment, clients: ResourceClients): Promise<void> {
    const { options, onError, proxy } = this;
    const { definition, asynchronous: settings } = deployment;
    const target = new LocalFunction(definition, {
      environments: options.environments ?? 2,
      onLine: (line) => this.collector.collect(line) || options.onLine?.(line),
    });
    this.functions.push(target);
    const polling = mappingClients(proxy, this.credentials);
    const asynchronous = new AsynchronousFunction(target, settings, {
      queues: polling.sqs,
      firstRetryDelayMs: options.asynchronousRetryDelay,
      onError,
    });
    this.pollers.push(
      asynchronous,
      ...deployment.schedules.map(({ intervalMs, ...schedule }) =>
        runSchedule({ ...schedule, intervalMs: options.scheduleInterval ?? intervalMs }, target, onError),
      ),
    );
    for (const rule of deployment.rules) {
      this.bus.addRule(rule, (event) => asynchronous.invoke(event));
    }
    for (const startPoller of deployment.triggers) {
      this.pollers.push(
        await startPoller({ target, asynchronous, clients: polling, resourceClients: clients, onError }),
      );
    }
    const configuration = definition.environment[WORKFLOW_VARIABLE];
    if (configuration !== undefined) {
      const complete = { ...JSON.parse(configuration), ...configurationBeside(definition) };
      this.workflows[nameOf(configuration)] = JSON.stringify(complete);
    }
  }
}

/** The members of the configuration that are next to the code. */
function configurationBeside({ directory }: FunctionDefinition): object {
  const file = join(directory, CODE_FILES.configuration);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as object) : {};
}

/** The construct writes the configuration of a workflow, and always includes its name. */
function nameOf(configuration: string): string {
  return (JSON.parse(configuration) as { readonly workflow: string }).workflow;
}
