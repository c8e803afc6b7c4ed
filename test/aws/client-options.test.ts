import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { CLIENT_OPTIONS } from '../../lambda/aws/client-options';

describe('CLIENT_OPTIONS', () => {
  it('leaves time for a failover in a function of 30 seconds, however the service hangs', () => {
    const { maxAttempts, requestHandler: { connectionTimeout, requestTimeout } } = CLIENT_OPTIONS;
    expect(maxAttempts * Math.max(connectionTimeout, requestTimeout)).toBeLessThanOrEqual(10_000);
  });

  it('gives up a request that gets no answer', async () => {
    let connections = 0;
    const silent = createServer(() => { connections += 1; }).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    // A server that was asked to listen on a port has an address with one.
    const { port } = silent.address() as AddressInfo;
    const client = new DynamoDBClient({
      ...CLIENT_OPTIONS,
      requestHandler: { ...CLIENT_OPTIONS.requestHandler, requestTimeout: 100 },
      endpoint: `http://127.0.0.1:${port}`,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
    await expect(client.send(new GetItemCommand({ TableName: 'locks', Key: { executionId: { S: 'e' } } }))).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(connections).toBe(CLIENT_OPTIONS.maxAttempts);
    client.destroy();
    silent.close();
  });
});
