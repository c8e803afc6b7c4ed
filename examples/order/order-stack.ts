import * as path from 'node:path';
import { Duration, RemovalPolicy, Stack, type App } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { order } from './order.machine';
import { EventSource, FsmWorkflow, MachineDefinition, RetryQueue, type FsmWorkflowProps } from 'cdk-lambda-fsm';

/** What carries the orders from step to step. */
export type OrderTransports = Pick<FsmWorkflowProps, 'eventSource' | 'failoverEventSource' | 'retryQueue' | 'failoverRetryQueue'>;

/** A shop's orders as a workflow. */
export class OrderStack extends Stack {
  public readonly workflow: FsmWorkflow;

  constructor(scope: Construct, id: string, transports: OrderTransports) {
    super(scope, id);
    this.workflow = new FsmWorkflow(this, 'Orders', {
      machines: [MachineDefinition.fromObject(order)],
      actions: path.join(__dirname, 'order.actions.ts'),
      timeout: Duration.seconds(5),
      // An example leaves nothing behind.
      removalPolicy: RemovalPolicy.DESTROY,
      ...transports,
    });
  }
}

/** Names of the stacks. Each is the whole workflow: deploy the one or the other. */
export const ON_QUEUES = 'Orders';
export const ON_DYNAMODB = 'OrdersOnDynamoDb';

export function addOrderStacks(app: App): void {
  // Queues carry the orders. When SQS fails, DynamoDB takes over.
  new OrderStack(app, ON_QUEUES, {
    eventSource: EventSource.sqs(),
    failoverEventSource: EventSource.dynamoDb(),
    retryQueue: RetryQueue.sqs(),
    failoverRetryQueue: RetryQueue.dynamoDb(),
  });
  // No service but DynamoDB, and so nothing else that could fail.
  new OrderStack(app, ON_DYNAMODB, { eventSource: EventSource.dynamoDb(), retryQueue: RetryQueue.dynamoDb() });
}
