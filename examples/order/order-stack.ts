import * as path from 'node:path';
import { Duration, RemovalPolicy, Stack, type App } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { order } from './order.machine';
import { EventSource, FsmWorkflow, MachineDefinition, RetryQueue, type FsmWorkflowProps } from 'cdk-lambda-fsm';

/** The services that carry the orders from step to step. */
export type OrderTransports = Pick<
  FsmWorkflowProps,
  'eventSource' | 'failoverEventSource' | 'retryQueue' | 'failoverRetryQueue'
>;

/** The orders of a shop as a workflow. */
export class OrderStack extends Stack {
  public readonly workflow: FsmWorkflow;

  constructor(scope: Construct, id: string, transports: OrderTransports) {
    super(scope, id);
    this.workflow = new FsmWorkflow(this, 'Orders', {
      machines: [MachineDefinition.fromObject(order)],
      actions: path.join(__dirname, 'order.actions.ts'),
      timeout: Duration.seconds(5),
      // Deleting the stack of an example deletes its tables, too.
      removalPolicy: RemovalPolicy.DESTROY,
      ...transports,
    });
  }
}

/** The names of the stacks. Each stack contains the whole workflow, so deploy one of them. */
export const ON_QUEUES = 'Orders';
export const ON_DYNAMODB = 'OrdersOnDynamoDb';

export function addOrderStacks(app: App): void {
  // SQS carries the orders. When SQS fails, DynamoDB Streams takes over.
  new OrderStack(app, ON_QUEUES, {
    eventSource: EventSource.sqs(),
    failoverEventSource: EventSource.dynamoDb(),
    retryQueue: RetryQueue.sqs(),
    failoverRetryQueue: RetryQueue.dynamoDb(),
  });
  // DynamoDB alone: no other service can fail.
  new OrderStack(app, ON_DYNAMODB, { eventSource: EventSource.dynamoDb(), retryQueue: RetryQueue.dynamoDb() });
}
