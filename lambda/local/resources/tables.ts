import {
  CreateTableCommand, DescribeTableCommand, ResourceInUseException, UpdateTableCommand, UpdateTimeToLiveCommand, waitUntilTableExists,
  type CreateTableCommandInput, type DynamoDBClient, type StreamViewType, type TableDescription,
} from '@aws-sdk/client-dynamodb';
import { physicalName } from './physical-name';
import type { Template } from '../template';
import { listOf, memberOf } from '../template-value';

/**
 * Creates the tables of a stack, or finds those again that a database file has kept.
 *
 * A stream is made only for a table whose stream is read: each write to a stream costs dynoxide the more, the more there is in it.
 *
 * @returns the ARNs of their streams
 */
export async function createTables(template: Template, client: DynamoDBClient): Promise<Set<string>> {
  const streamArns = new Set<string>();
  for (const logicalId of template.ofType('AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable')) {
    const streamArn = await createTable(template, logicalId, client);
    if (streamArn !== undefined) {
      streamArns.add(streamArn);
    }
  }
  return streamArns;
}

/** Properties of a table that both resource types and CreateTable know by the same name. Capacity is none of the runner's business. */
const TABLE_PROPERTIES = ['AttributeDefinitions', 'KeySchema', 'LocalSecondaryIndexes', 'StreamSpecification', 'TableName', 'TimeToLiveSpecification'];

async function createTable(template: Template, logicalId: string, client: DynamoDBClient): Promise<string | undefined> {
  const properties = template.properties(logicalId, [...TABLE_PROPERTIES, 'GlobalSecondaryIndexes']);
  const name = physicalName(template, logicalId, properties.TableName);
  const indexes = listOf(properties.GlobalSecondaryIndexes);
  const viewType = isStreamRead(template, logicalId) ? memberOf(properties.StreamSpecification, 'StreamViewType') : undefined;
  const stream = viewType === undefined ? undefined : { StreamEnabled: true, StreamViewType: viewType as StreamViewType };
  // The template's properties are, by CloudFormation's schema, those of the request.
  const input = {
    TableName: name,
    KeySchema: properties.KeySchema,
    AttributeDefinitions: properties.AttributeDefinitions,
    LocalSecondaryIndexes: properties.LocalSecondaryIndexes,
    GlobalSecondaryIndexes: indexes.length === 0 ? undefined : indexes.map((index) => ({
      IndexName: memberOf(index, 'IndexName'), KeySchema: memberOf(index, 'KeySchema'), Projection: memberOf(index, 'Projection'),
    })),
    StreamSpecification: stream,
    BillingMode: 'PAY_PER_REQUEST',
  } as CreateTableCommandInput;
  try {
    await client.send(new CreateTableCommand(input));
    await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1 }, { TableName: name });
    if (memberOf(properties.TimeToLiveSpecification, 'Enabled') === true) {
      const AttributeName = String(memberOf(properties.TimeToLiveSpecification, 'AttributeName'));
      await client.send(new UpdateTimeToLiveCommand({ TableName: name, TimeToLiveSpecification: { AttributeName, Enabled: true } }));
    }
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) {
      throw new Error(`The table "${logicalId}" cannot be created: ${(error as Error).message}`, { cause: error });
    }
  }
  let { Table } = await client.send(new DescribeTableCommand({ TableName: name }));
  if (stream && Table?.LatestStreamArn === undefined) {
    // In the file of a stack that had no use for the stream.
    await client.send(new UpdateTableCommand({ TableName: name, StreamSpecification: stream }));
    ({ Table } = await client.send(new DescribeTableCommand({ TableName: name })));
  }
  template.provide(logicalId, { ref: name, attributes: tableAttributes(Table ?? {}) });
  return Table?.LatestStreamArn;
}

function isStreamRead(template: Template, logicalId: string): boolean {
  return template.ofType('AWS::Lambda::EventSourceMapping').some((mapping) => template.referredBy(template.raw(mapping).EventSourceArn) === logicalId);
}

function tableAttributes({ TableArn, LatestStreamArn }: TableDescription): Record<string, string> {
  return { ...TableArn === undefined ? {} : { Arn: TableArn }, ...LatestStreamArn === undefined ? {} : { StreamArn: LatestStreamArn } };
}
