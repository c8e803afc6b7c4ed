import assert from 'node:assert/strict';
import { PutRolePolicyCommand, DeleteRolePolicyCommand, IAMClient } from '@aws-sdk/client-iam';
import {
  InvokeCommand,
  LambdaClient,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
  type EventSourceMappingConfiguration,
} from '@aws-sdk/client-lambda';
import type { Call, Right } from './caller';
import type {
  EventSourceConfiguration,
  RetryQueueConfiguration,
  WorkflowConfiguration,
} from '../../../lambda/contract/configuration';
import { committedAttempt } from '../../support/committed';
import { ACCOUNT, REGION, ROOT } from '../emulator';
import { eventually } from '../scenario';
import { WorkflowClient, type ExecutionDescription } from 'cdk-lambda-fsm/client';

/** The configuration of an event source or retry queue. */
type Transport = EventSourceConfiguration | RetryQueueConfiguration;

const lambda = new LambdaClient({ credentials: ROOT });
const iam = new IAMClient({ credentials: ROOT });

/** A function and its role. */
export interface DeployedFunction {
  readonly functionName: string;
  readonly roleName: string;
}

/** The functions that call the workflows, by the permission that each has. */
export type Callers = Readonly<Record<Right, DeployedFunction>>;

/** A deployed workflow of the journey machine. */
export class Deployment {
  public readonly configuration: WorkflowConfiguration;
  public readonly function: DeployedFunction;
  /** A client of the account's root user, which can describe every execution. */
  private readonly observer: WorkflowClient;
  private readonly text: string;
  private ticking?: Promise<unknown>;

  /** @param output the stack's output for the workflow */
  constructor(
    output: string,
    private readonly callers: Callers,
  ) {
    // The app writes the output in this format.
    const { configuration, ...fn } = JSON.parse(output) as DeployedFunction & { readonly configuration: string };
    this.text = configuration;
    this.configuration = JSON.parse(configuration) as WorkflowConfiguration; // The construct writes this format.
    this.function = fn;
    this.observer = new WorkflowClient(configuration);
  }

  /** Calls a method of the client in a function that has only the permission for it. */
  public async call(method: Call['method'], ...args: readonly unknown[]): Promise<unknown> {
    const call: Call = { configuration: this.text, method, arguments: args };
    const { functionName } = this.callers[method === 'startMany' ? 'start' : method];
    const { FunctionError, Payload } = await lambda.send(
      new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(call) }),
    );
    const answer = Payload?.length ? (JSON.parse(Buffer.from(Payload).toString()) as unknown) : undefined; // Lambda returns JSON.
    if (FunctionError === undefined) return answer;
    throw new Error((answer as { readonly errorMessage: string }).errorMessage); // Lambda's format of errors.
  }

  public async describe(executionId: string): Promise<ExecutionDescription | undefined> {
    return this.observer.describe(executionId);
  }

  /** Waits until an execution is in a given situation. */
  public async until(
    executionId: string,
    isDone: (execution: ExecutionDescription) => boolean,
  ): Promise<ExecutionDescription> {
    const found = await eventually(
      async () => {
        await this.tick();
        return this.describe(executionId);
      },
      (execution) => execution !== undefined && isDone(execution),
    );
    assert.ok(found);
    return found;
  }

  public async settled(executionId: string, status: ExecutionDescription['status']): Promise<ExecutionDescription> {
    return this.until(executionId, (execution) => execution.status === status);
  }

  /** Waits until an execution and its journal are complete. The journal is written after envelopes are dispatched. */
  public async ended(executionId: string): Promise<ExecutionDescription> {
    return this.until(
      executionId,
      ({ status, step, steps }) => status === 'completed' && steps.length === step + 1 && steps.every(committedAttempt),
    );
  }

  /** Starts an outage of transports, for the workflow and for its callers: requests that send envelopes to them fail. */
  public async takeDown(...transports: readonly Transport[]): Promise<void> {
    const { start, send, resume, redrive } = this.callers;
    for (const { roleName } of [this.function, start, send, resume, redrive]) {
      await this.deny(roleName, 'Outage', transports);
    }
  }

  /** Ends the outage. */
  public async bringUp(): Promise<void> {
    const { start, send, resume, redrive } = this.callers;
    for (const { roleName } of [this.function, start, send, resume, redrive]) await this.allow(roleName, 'Outage');
  }

  /** Calls `use` while the caller with this permission cannot send to any event source. */
  public async cutOff(right: Right, use: () => Promise<void>): Promise<void> {
    const { roleName } = this.callers[right];
    const { eventSource, failoverEventSource } = this.configuration;
    await this.deny(roleName, 'CutOff', failoverEventSource ? [eventSource, failoverEventSource] : [eventSource]);
    await use();
    await this.allow(roleName, 'CutOff');
  }

  /**
   * Calls `use` while the event source mapping of a stream drops the envelopes of running executions. A wrong filter does the same: Lambda
   * acknowledges the records that it filters out, so they are lost.
   */
  public async losing<T>(transport: Transport, use: () => Promise<T>): Promise<T> {
    const mapping = await this.mappingOf(transport);
    const { UUID, FilterCriteria = { Filters: [] } } = mapping;
    const filter = async (Filters: { Pattern?: string }[] | undefined) => {
      await lambda.send(new UpdateEventSourceMappingCommand({ UUID, FilterCriteria: { Filters } }));
    };
    await filter([
      {
        // Passes the envelopes that start executions, and drops those that continue them.
        Pattern: JSON.stringify(
          transport.service === 'kinesis'
            ? { data: { step: [0], attempt: [0] } }
            : { dynamodb: { NewImage: { entry: { S: [{ prefix: 'send#' }] } } } },
        ),
      },
    ]);
    try {
      return await use();
    } finally {
      await filter(FilterCriteria.Filters);
    }
  }

  private async deny(roleName: string, why: string, transports: readonly Transport[]): Promise<void> {
    await iam.send(
      new PutRolePolicyCommand({
        RoleName: roleName,
        PolicyName: `${why}-${this.function.functionName}`,
        PolicyDocument: JSON.stringify({
          Version: '2012-10-17',
          Statement: transports.map((transport) => this.denial(transport)),
        }),
      }),
    );
  }

  private async allow(roleName: string, why: string): Promise<void> {
    await iam.send(
      new DeleteRolePolicyCommand({ RoleName: roleName, PolicyName: `${why}-${this.function.functionName}` }),
    );
  }

  /** Invokes the function as the schedule of a retry table does each minute, unless an invocation is running. */
  private async tick(): Promise<void> {
    if (!this.configuration.retryQueues.some(({ service }) => service === 'dynamodb')) return;
    this.ticking ??= lambda
      .send(
        new InvokeCommand({
          FunctionName: this.function.functionName,
          Payload: JSON.stringify({ source: 'cdk-lambda-fsm', 'detail-type': 'timer' }),
        }),
      )
      .finally(() => {
        this.ticking = undefined;
      });
    await this.ticking;
  }

  private async mappingOf(transport: Transport): Promise<EventSourceMappingConfiguration> {
    const { functionName } = this.function;
    const { EventSourceMappings = [] } = await lambda.send(
      new ListEventSourceMappingsCommand({ FunctionName: functionName }),
    );
    const end =
      transport.service === 'kinesis'
        ? `:stream/${transport.streamName}`
        : `:table/${this.configuration.checkpointTable.tableName}/stream/`;
    const found = EventSourceMappings.find(({ EventSourceArn }) => EventSourceArn?.includes(end));
    assert.ok(found, `No event source mapping reads ${end}`);
    return found;
  }

  private denial(transport: Transport): object {
    const arn = (service: string, name: string) => `arn:aws:${service}:${REGION}:${ACCOUNT}:${name}`;
    switch (transport.service) {
      case 'sqs':
        return {
          Effect: 'Deny',
          Action: 'sqs:SendMessage*',
          Resource: arn('sqs', transport.queueUrl.split('/').at(-1) ?? ''),
        };
      case 'kinesis':
        return {
          Effect: 'Deny',
          Action: 'kinesis:PutRecords',
          Resource: arn('kinesis', `stream/${transport.streamName}`),
        };
      case 'sns':
        return { Effect: 'Deny', Action: 'sns:Publish*', Resource: transport.topicArn };
      case 'dynamodb':
        return {
          Effect: 'Deny',
          Action: 'dynamodb:BatchWriteItem',
          Resource: arn(
            'dynamodb',
            `table/${'tableName' in transport ? transport.tableName : this.configuration.checkpointTable.tableName}`,
          ),
          // The same action writes the journal, which must remain available while the stream takes no envelopes.
          Condition: { 'ForAnyValue:StringEquals': { 'dynamodb:Attributes': ['envelope'] } },
        };
    }
  }
}
