import { App } from 'aws-cdk-lib';
import { ParcelStack } from './parcel-stack';
import { EventSource, RetryQueue } from 'cdk-lambda-fsm';

new ParcelStack(new App(), 'DynamoDbParcels', {
  eventSource: EventSource.dynamoDb(),
  retryQueue: RetryQueue.dynamoDb(),
});
