import assert from 'node:assert/strict';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { ParcelContext } from './parcel.actions';
import { readDeadLetter } from '../../../lambda/aws/sqs/dead-letter-queue';
import type { DeadLetter } from '../../../lambda/engine/ports';
import { ROOT } from '../emulator';
import { actingAs, defineProfiles } from '../profiles';
import { eventually, type Outputs } from '../scenario';
import { WorkflowClient, type ExecutionDescription, type StartRequest, type WorkflowConfiguration } from 'cdk-lambda-fsm/client';

/** A word in the context of every parcel. It must never get into a log. */
export const SECRET = 'the-sender-is-Rumpelstiltskin';

/** A deployed workflow for parcels, as its callers see it and as its owner does. */
export class Parcels {
  /** Looks into the deployment; `client` then acts in the role of its caller. */
  public static async at(output: Outputs): Promise<Parcels> {
    defineProfiles({ caller: output('CallerRole'), stranger: output('StrangerRole') });
    const text = output('ClientConfiguration');
    const client = new WorkflowClient(text);
    await actingAs('caller', async () => {
      assert.equal(await client.describe('nobody'), undefined);
    });
    return new Parcels(client, text);
  }

  public readonly configuration: WorkflowConfiguration;
  /** Acts as the root user. */
  public readonly sqs = new SQSClient({ credentials: ROOT });

  private constructor(
    /** May start, send and describe, and nothing else. */
    public readonly client: WorkflowClient,
    public readonly clientConfiguration: string,
  ) {
    this.configuration = JSON.parse(clientConfiguration) as WorkflowConfiguration; // The construct has rendered it.
  }

  /** Starts parcels of a light weight, unless the context says otherwise; their names are `name-0`, `name-1` … */
  public async start(name: string, context: Partial<ParcelContext> = {}, count = 1): Promise<void> {
    for (const result of await this.client.startMany(requests(name, context, count))) {
      assert.ok(result.started, `${result.executionId} was not started: ${JSON.stringify(result)}`);
    }
  }

  /** Waits until an execution has come to rest in this way, and tells its story. */
  public async settled(executionId: string, status: ExecutionDescription['status'], seconds?: number): Promise<ExecutionDescription> {
    const found = await eventually(async () => this.client.describe(executionId), (execution) => execution?.status === status, seconds);
    assert.ok(found);
    return found;
  }

  /** What is in the dead-letter queue, and stays there. */
  public async deadLetters(): Promise<DeadLetter[]> {
    const { queueUrl } = this.configuration.deadLetterQueue;
    const { Messages = [] } = await this.sqs.send(new ReceiveMessageCommand({
      QueueUrl: queueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 0, MessageAttributeNames: ['All'], MessageSystemAttributeNames: ['All'],
    }));
    return Promise.all(Messages.map(async (message) => readDeadLetter(message, queueUrl)));
  }
}

/** The starts of parcels that differ in nothing but their names. */
export function requests(name: string, context: Partial<ParcelContext>, count: number): StartRequest[] {
  return Array.from({ length: count }, (_, index) => ({
    machine: 'parcel',
    executionId: `${name}-${index}`,
    context: { kilograms: 2, trace: [], secret: SECRET, ...context },
  }));
}

/** What was done to a parcel, in order. */
export function traceOf(execution: ExecutionDescription): unknown {
  return execution.context?.trace;
}
