import assert from 'node:assert/strict';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { OrderContext } from '../../../examples/order/order.actions';
import { readDeadLetter } from '../../../lambda/aws/sqs/dead-letter-queue';
import type { WorkflowConfiguration } from '../../../lambda/contract/configuration';
import type { DeadLetter } from '../../../lambda/engine/ports';
import { ROOT } from '../emulator';
import { actingAs, defineProfiles } from '../profiles';
import { eventually, type Outputs } from '../scenario';
import { WorkflowClient, type ExecutionDescription, type StartRequest } from 'cdk-lambda-fsm/client';

/** A text in the context of every order. It must not appear in a log. */
export const SECRET = 'the-customer-is-Rumpelstiltskin';

/** A deployed workflow for orders, with access as a caller and as the owner. */
export class Orders {
  /** Reads the deployment's outputs. `client` acts in the caller's role. */
  public static async at(output: Outputs): Promise<Orders> {
    defineProfiles({ caller: output('CallerRole'), stranger: output('StrangerRole') });
    const client = new WorkflowClient(output('ClientConfiguration'));
    assert.equal(await actingAs('caller', async () => client.describe('nobody')), undefined);
    return new Orders(client, output('ClientConfiguration'));
  }

  public readonly configuration: WorkflowConfiguration;

  private constructor(
    /** Has the permissions to start, send and describe, and no others. */
    public readonly client: WorkflowClient,
    public readonly clientConfiguration: string,
  ) {
    this.configuration = JSON.parse(clientConfiguration) as WorkflowConfiguration; // The construct writes this format.
  }

  public async start(...requests: readonly StartRequest[]): Promise<void> {
    for (const result of await this.client.startMany(requests)) {
      if (result.outcome === 'failed') throw result.error;
    }
  }

  /** Waits until an execution has this status, and describes it. */
  public async settled(
    executionId: string,
    status: ExecutionDescription['status'],
    seconds?: number,
  ): Promise<ExecutionDescription> {
    const found = await eventually(
      async () => this.client.describe(executionId),
      (execution) => execution?.status === status,
      seconds,
    );
    assert.ok(found);
    return found;
  }

  /** Waits until an order awaits its payment, and pays it. */
  public async pay(executionId: string): Promise<void> {
    assert.equal((await this.settled(executionId, 'parked')).state, 'awaitingPayment');
    await this.client.send(executionId, 'paid', { id: 'payment', data: 1000 });
  }

  /** Reads the dead-letter queue without removing messages. */
  public async deadLetters(): Promise<DeadLetter[]> {
    const { queueUrl } = this.configuration.deadLetterQueue;
    const { Messages = [] } = await new SQSClient({ credentials: ROOT }).send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: 10,
        VisibilityTimeout: 0,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['All'],
      }),
    );
    return Promise.all(Messages.map(async (message) => readDeadLetter(message, queueUrl)));
  }
}

/** Returns a request to start an order. It meets no trouble unless the context causes it. */
export function order(executionId: string, context: Partial<OrderContext> = {}): StartRequest {
  return {
    machine: 'order',
    executionId,
    context: { number: 1, quantity: 1, price: 1000, destination: 'Rome', history: [], secret: SECRET, ...context },
  };
}

/** Returns requests to start several orders without any trouble. */
export function orders(name: string, count: number): StartRequest[] {
  return Array.from({ length: count }, (_, index) => order(`${name}-${index}`));
}
