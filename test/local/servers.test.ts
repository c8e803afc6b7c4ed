import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { startServers } from '../../lambda/local/servers';

jest.setTimeout(60_000);

const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };

test('the servers speak the protocols of DynamoDB and SQS', async () => {
  const servers = await startServers();
  try {
    const tables = await new DynamoDBClient({ endpoint: servers.dynamodb, region: 'us-east-1', credentials }).send(new ListTablesCommand({}));
    expect(tables.TableNames).toEqual([]);
    const queue = await new SQSClient({ endpoint: servers.sqs, region: 'us-east-1', credentials }).send(new CreateQueueCommand({ QueueName: 'orders' }));
    expect(queue.QueueUrl).toContain('/orders');
  } finally {
    await servers.stop();
  }
});

test('a database file that cannot be made is an error that names it', async () => {
  await expect(startServers({ databaseFile: '/nowhere/orders.db' })).rejects.toThrow(/does not start: .*\/nowhere\/orders\.db/);
});

test('a platform without an embedded DynamoDB gets an error that tells what to do', async () => {
  const platform = Object.getOwnPropertyDescriptor(process, 'platform')!;
  Object.defineProperty(process, 'platform', { ...platform, value: 'sunos' });
  try {
    await expect(startServers()).rejects.toThrow(/@dynoxide\/sunos-\w+, is not installed.*FSM_LOCAL_DYNAMODB/);
  } finally {
    Object.defineProperty(process, 'platform', platform);
  }
});
