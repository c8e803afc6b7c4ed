import {
  CreateTableCommand,
  DescribeTableCommand,
  ResourceInUseException,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
  type CreateTableCommandInput,
  type DynamoDBClient,
  type StreamViewType,
  type TableDescription,
} from '@aws-sdk/client-dynamodb';
import type { Template } from '../../template/template';
import { listOf, memberOf } from '../../template/template-value';
import type { EventSources, ResourceClients } from '../shared/broker';
import { physicalName } from '../shared/physical-name';

/**
 * Creates the tables of a stack, or reuses the tables in a database file.
 *
 * Only tables whose streams are read get a stream: in dynoxide, the cost of a write grows with the size of the stream.
 *
 * @returns the ARNs of the tables' streams
 */
export async function createTables(template: Template, { dynamodb }: ResourceClients): Promise<EventSources> {
  const streamArns = new Map<string, string>();
  for (const logicalId of template.ofType('AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable')) {
    const streamArn = await createTable(template, logicalId, dynamodb);
    if (streamArn !== undefined) {
      streamArns.set(streamArn, streamArn);
    }
  }
  return streamArns;
}

/** The properties of a table with the same name in both resource types and in CreateTable. The local runner ignores capacity. */
const TABLE_PROPERTIES = [
  'AttributeDefinitions',
  'KeySchema',
  'LocalSecondaryIndexes',
  'StreamSpecification',
  'TableName',
  'TimeToLiveSpecification',
];

async function createTable(template: Template, logicalId: string, client: DynamoDBClient): Promise<string | undefined> {
  const properties = template.properties(logicalId, [...TABLE_PROPERTIES, 'GlobalSecondaryIndexes']);
  const name = physicalName(template, logicalId, properties.TableName);
  const indexes = listOf(properties.GlobalSecondaryIndexes);
  const viewType = isStreamRead(template, logicalId)
    ? memberOf(properties.StreamSpecification, 'StreamViewType')
    : undefined;
  const stream =
    viewType === undefined ? undefined : { StreamEnabled: true, StreamViewType: viewType as StreamViewType };
  // By CloudFormation's schema, the properties have the types that the request expects.
  const input = {
    TableName: name,
    KeySchema: properties.KeySchema,
    AttributeDefinitions: properties.AttributeDefinitions,
    LocalSecondaryIndexes: properties.LocalSecondaryIndexes,
    GlobalSecondaryIndexes:
      indexes.length === 0
        ? undefined
        : indexes.map((index) => ({
            IndexName: memberOf(index, 'IndexName'),
            KeySchema: memberOf(index, 'KeySchema'),
            Projection: memberOf(index, 'Projection'),
          })),
    StreamSpecification: stream,
    BillingMode: 'PAY_PER_REQUEST',
  } as CreateTableCommandInput;
  try {
    await client.send(new CreateTableCommand(input));
    await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1 }, { TableName: name });
    if (memberOf(properties.TimeToLiveSpecification, 'Enabled') === true) {
      const AttributeName = String(memberOf(properties.TimeToLiveSpecification, 'AttributeName'));
      await client.send(
        new UpdateTimeToLiveCommand({ TableName: name, TimeToLiveSpecification: { AttributeName, Enabled: true } }),
      );
    }
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) {
      throw new Error(`Cannot create table "${logicalId}": ${(error as Error).message}`, { cause: error });
    }
  }
  let { Table } = await client.send(new DescribeTableCommand({ TableName: name }));
  if (stream && Table?.LatestStreamArn === undefined) {
    // The database file was created by a version of the stack that did not read the stream.
    await client.send(new UpdateTableCommand({ TableName: name, StreamSpecification: stream }));
    ({ Table } = await client.send(new DescribeTableCommand({ TableName: name })));
  }
  template.provide(logicalId, { ref: name, attributes: tableAttributes(Table ?? {}) });
  return Table?.LatestStreamArn;
}

function isStreamRead(template: Template, logicalId: string): boolean {
  return template
    .ofType('AWS::Lambda::EventSourceMapping')
    .some((mapping) => template.referredBy(template.raw(mapping).EventSourceArn) === logicalId);
}

function tableAttributes({ TableArn, LatestStreamArn }: TableDescription): Record<string, string> {
  return {
    ...(TableArn === undefined ? {} : { Arn: TableArn }),
    ...(LatestStreamArn === undefined ? {} : { StreamArn: LatestStreamArn }),
  };
}
