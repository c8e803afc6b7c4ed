import assert from 'node:assert/strict';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { OrderContext } from '../../../examples/order/order.actions';
import { readDeadLetter } from '../../../lambda/aws/sqs/dead-letter-queue';
import type { DeadLetter } from '../../../lambda/engine/ports';
import { ROOT } from '../emulator';
import { actingAs, defineProfiles } from '../profiles';
import { eventually, type Outputs } from '../scenario';
import { WorkflowClient, type ExecutionDescription, type StartRequest, type WorkflowConfiguration } from 'cdk-lambda-fsm/client';

/** A word in the context of every order. It must never get into a log. */
export const SECRET = 'the-customer-is-Rumpelstiltskin';

/** A deployed workflow for orders, as its callers see it and as its owner does. */
export class Orders {
  /** Looks into the deployment; `client` acts in the role of its caller. */
  public static async at(output: Outputs): Promise<Orders> {
    defineProfiles({ caller: output('CallerRole'), stranger: output('StrangerRole') });
    const client = new WorkflowClient(output('ClientConfiguration'));
    assert.equal(await actingAs('caller', async () => client.describe('nobody')), undefined);
    return new Orders(client, output('ClientConfiguration'));
  }

  public readonly configuration: WorkflowConfiguration;

  private constructor(
    /** May start, send and describe, and nothing else. */
    public readonly client: WorkflowClient,
    public readonly clientConfiguration: string,
  ) {
    this.configuration = JSON.parse(clientConfiguration) as WorkflowConfiguration; // The construct has rendered it.
  }

  public async start(...requests: readonly StartRequest[]): Promise<void> {
    for (const result of await this.client.startMany(requests)) {
      assert.ok(result.started, result.started ? '' : result.error.message);
    }
  }

  /** Waits until an execution has come to rest in this way, and tells its story. */
  public async settled(executionId: string, status: ExecutionDescription['status'], seconds?: number): Promise<ExecutionDescription> {
    const found = await eventually(async () => this.client.describe(executionId), (execution) => execution?.status === status, seconds);
    assert.ok(found);
    return found;
  }

  /** Waits until an order asks for its payment, and pays it. */
  public async pay(executionId: string): Promise<void> {
    assert.equal((await this.settled(executionId, 'parked')).state, 'awaitingPayment');
    await this.client.send(executionId, 'paid', { id: 'payment', data: 1000 });
  }

  /** What is in the dead-letter queue, and stays there. */
  public async deadLetters(): Promise<DeadLetter[]> {
    const { queueUrl } = this.configuration.deadLetterQueue;
    const { Messages = [] } = await new SQSClient({ credentials: ROOT }).send(new ReceiveMessageCommand({
      QueueUrl: queueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 0, MessageAttributeNames: ['All'], MessageSystemAttributeNames: ['All'],
    }));
    return Promise.all(Messages.map(async (message) => readDeadLetter(message, queueUrl)));
  }
}

/** The start of an order that goes smoothly, unless the context says otherwise. */
export function order(executionId: string, context: Partial<OrderContext> = {}): StartRequest {
  return {
    machine: 'order',
    executionId,
    context: { number: 1, quantity: 1, price: 1000, destination: 'Rome', history: [], secret: SECRET, ...context },
  };
}

/** The starts of orders that go smoothly, by their names. */
export function orders(name: string, count: number): StartRequest[] {
  return Array.from({ length: count }, (_, index) => order(`${name}-${index}`));
}
