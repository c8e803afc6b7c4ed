import type { WorkflowConfiguration } from '../aws/configuration';
import { connect } from '../aws/connect';
import { CONFIGURATION_VARIABLE, parseConfiguration } from '../aws/parse-configuration';
import {
  Executions, type CompleteOptions, type CompleteResult, type ExecutionDescription,
  type ExecutionStatus, type RedriveOptions, type SendOptions, type SendResult, type StartedExecution, type StartRequest, type StartResult,
} from '../engine';

/**
 * Starts executions of a deployed workflow, sends them events and looks into them.
 *
 * Make one client and keep it: it holds the connections. Its rights come from the construct: `workflow.grantStart(fn)`, `grantSend`,
 * `grantDescribe`, `grantCancel`, `grantRedrive`, `grantResume`.
 *
 * ```ts
 * const client = WorkflowClient.fromEnvironment();
 * const { executionId } = await client.start({ machine: 'order', context: { sku: 'tea' } });
 * ```
 */
export class WorkflowClient {
  /**
   * The client of the workflow whose configuration a function finds in its environment. Put it there in the CDK app:
   * `environment: { FSM_WORKFLOW: workflow.clientConfiguration }`.
   *
   * @param variable name of the environment variable
   * @throws ConfigurationError when the variable is missing or holds something else
   */
  public static fromEnvironment(variable: string = CONFIGURATION_VARIABLE): WorkflowClient {
    return new WorkflowClient(parseConfiguration(process.env[variable]));
  }

  private readonly configuration: WorkflowConfiguration;
  private executions?: Promise<Executions>;

  /**
   * @param configuration the workflow's `clientConfiguration`, as text or parsed
   * @throws ConfigurationError when it is something else
   */
  constructor(configuration: string | WorkflowConfiguration) {
    this.configuration = typeof configuration === 'string' ? parseConfiguration(configuration) : configuration;
  }

  /** {@inheritDoc Executions.start} */
  public async start(request: StartRequest): Promise<StartedExecution> {
    return (await this.connected()).start(request);
  }

  /** {@inheritDoc Executions.startMany} */
  public async startMany(requests: readonly StartRequest[]): Promise<readonly StartResult[]> {
    return (await this.connected()).startMany(requests);
  }

  /** {@inheritDoc Executions.send} */
  public async send(executionId: string, event: string, options?: SendOptions): Promise<SendResult> {
    return (await this.connected()).send(executionId, event, options);
  }

  /** {@inheritDoc Executions.complete} */
  public async complete(token: string, event: string, options?: CompleteOptions): Promise<CompleteResult> {
    return (await this.connected()).complete(token, event, options);
  }

  /** {@inheritDoc Executions.describe} */
  public async describe(executionId: string): Promise<ExecutionDescription | undefined> {
    return (await this.connected()).describe(executionId);
  }

  /** {@inheritDoc Executions.resume} */
  public async resume(executionId: string): Promise<'resumed' | ExecutionStatus> {
    return (await this.connected()).resume(executionId);
  }

  /** {@inheritDoc Executions.cancel} */
  public async cancel(executionId: string): Promise<'cancelled' | 'completed'> {
    return (await this.connected()).cancel(executionId);
  }

  /** {@inheritDoc Executions.redrive} */
  public async redrive(executionId: string, options?: RedriveOptions): Promise<void> {
    return (await this.connected()).redrive(executionId, options);
  }

  /** Connects when it is first used. */
  private connected(): Promise<Executions> {
    this.executions ??= connect(this.configuration).then(({ ports }) => (
      new Executions(ports, this.configuration.machines, this.configuration.ecsTasks)
    ));
    return this.executions;
  }
}
