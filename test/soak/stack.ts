import * as path from 'node:path';
import { Duration, RemovalPolicy, Stack, type App } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import { parcel } from './parcel.machine';
import { TIMEOUT } from './schedule';
import { CheckpointTable, EventSource, FsmWorkflow, MachineDefinition, RetryQueue } from 'cdk-lambda-fsm';

/** Adds the workflow that is put under load: it can do without SQS, but not without DynamoDB. */
export function addParcels(app: App): void {
  const stack = new Stack(app, 'Parcels');
  new FsmWorkflow(stack, 'Parcels', {
    machines: [MachineDefinition.fromObject(parcel)],
    actions: path.join(__dirname, 'parcel.actions.ts'),
    timeout: Duration.millis(TIMEOUT),
    eventSource: EventSource.sqs(),
    failoverEventSource: EventSource.sns(),
    retryQueue: RetryQueue.sqs(),
    failoverRetryQueue: RetryQueue.dynamoDb(),
    // A table without a stream: for each record of a stream the embedded server looks at all before it, and soon does little else.
    checkpointTable: CheckpointTable.fromTable(new dynamodb.Table(stack, 'Checkpoints', {
      partitionKey: { name: 'executionId', type: dynamodb.AttributeType.STRING },
      sortKey: { name: 'entry', type: dynamodb.AttributeType.STRING },
      timeToLiveAttribute: 'ttl',
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      removalPolicy: RemovalPolicy.DESTROY,
    })),
  });
}
