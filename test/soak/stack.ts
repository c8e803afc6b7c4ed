import * as path from 'node:path';
import { Duration, RemovalPolicy, Stack, type App } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import { parcel } from './parcel.machine';
import { TIMEOUT } from './schedule';
import { CheckpointTable, EventSource, FsmWorkflow, MachineDefinition, RetryQueue } from 'cdk-lambda-fsm';

/** Adds the workflow under test. It survives an outage of SQS by failover, and stops during an outage of DynamoDB. */
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
    // A table without a stream: for each record of a stream, the embedded server scans all earlier ones.
    checkpointTable: CheckpointTable.fromTable(
      new dynamodb.Table(stack, 'Checkpoints', {
        partitionKey: { name: 'executionId', type: dynamodb.AttributeType.STRING },
        sortKey: { name: 'entry', type: dynamodb.AttributeType.STRING },
        timeToLiveAttribute: 'ttl',
        billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
        removalPolicy: RemovalPolicy.DESTROY,
      }),
    ),
  });
}
