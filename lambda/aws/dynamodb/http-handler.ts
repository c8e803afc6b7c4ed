import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CLIENT_OPTIONS } from '../client-options';

/**
 * Creates a handler that sends requests over HTTP/1.1 with the timeouts of {@link CLIENT_OPTIONS}, as the client of DynamoDB does by
 * default. The package that contains the handler cannot be imported by its name: package managers install it below the AWS clients.
 */
export function createHttpHandler(): DynamoDBClient['config']['requestHandler'] {
  return new DynamoDBClient(CLIENT_OPTIONS).config.requestHandler;
}
