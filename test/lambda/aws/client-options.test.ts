import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { CLIENT_OPTIONS } from '../../../lambda/aws/client-options';

describe('CLIENT_OPTIONS', () => {
  test('leaves time for a failover in a function of 30 seconds, even if the service hangs', () => {
    const {
      maxAttempts,
      requestHandler: { connectionTimeout, requestTimeout },
    } = CLIENT_OPTIONS;
    expect(maxAttempts * Math.max(connectionTimeout, requestTimeout)).toBeLessThanOrEqual(10_000);
  });

  test('abandons a request without a response', async () => {
    const connections: Socket[] = [];
    const silent = createServer((connection) => {
      connections.push(connection);
    }).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    // A TCP server has an address with a port.
    const { port } = silent.address() as AddressInfo;
    const client = new DynamoDBClient({
      ...CLIENT_OPTIONS,
      requestHandler: { ...CLIENT_OPTIONS.requestHandler, requestTimeout: 100 },
      endpoint: `http://127.0.0.1:${port}`,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
    await expect(
      client.send(new GetItemCommand({ TableName: 'locks', Key: { executionId: { S: 'e' } } })),
    ).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(connections).toHaveLength(CLIENT_OPTIONS.maxAttempts);
    client.destroy();
    silent.close();
    // The server never reads, so it does not notice that the client has closed its connections.
    connections.forEach((connection) => connection.destroy());
  });
});
