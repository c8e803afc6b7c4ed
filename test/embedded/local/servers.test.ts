import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { startServers } from '../../../lambda/local/servers/servers';

jest.setTimeout(60_000);

const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };

test('the servers serve the protocols of DynamoDB and SQS', async () => {
  const servers = await startServers();
  try {
    const tables = await new DynamoDBClient({ endpoint: servers.dynamodb, region: 'us-east-1', credentials }).send(
      new ListTablesCommand({}),
    );
    expect(tables.TableNames).toEqual([]);
    const queue = await new SQSClient({ endpoint: servers.sqs, region: 'us-east-1', credentials }).send(
      new CreateQueueCommand({ QueueName: 'orders' }),
    );
    expect(queue.QueueUrl).toContain('/orders');
  } finally {
    await servers.stop();
  }
});

test('a database file that cannot be created is named in the error', async () => {
  await expect(startServers({ databaseFile: '/nowhere/orders.db' })).rejects.toThrow(
    /Invalid database file "\/nowhere\/orders\.db": the folder \/nowhere does not exist/,
  );
});

test('on a platform without an embedded DynamoDB, the error contains the workaround', async () => {
  const platform = Object.getOwnPropertyDescriptor(process, 'platform')!;
  Object.defineProperty(process, 'platform', { ...platform, value: 'sunos' });
  try {
    await expect(startServers()).rejects.toThrow(/Missing package @dynoxide\/sunos-\w+,.*FSM_LOCAL_DYNAMODB/);
  } finally {
    Object.defineProperty(process, 'platform', platform);
  }
});
