import { App } from 'aws-cdk-lib';
import { ParcelStack } from './parcel-stack';
import { EventSource, RetryQueue } from 'cdk-lambda-fsm';

new ParcelStack(new App(), 'SqsParcels', {
  eventSource: EventSource.sqs(),
  failoverEventSource: EventSource.dynamoDb(),
  retryQueue: RetryQueue.sqs(),
});
