import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { FaultProxy, type Caller, type Faults } from '../../../../lambda/local/servers/fault-proxy';
import { startServers, type Servers } from '../../../../lambda/local/servers/servers';
import { CLIENT } from '../../../support/local';

jest.setTimeout(60_000);

let servers: Servers;
let created = 0;
const proxies: FaultProxy[] = [];

beforeAll(async () => {
  servers = await startServers();
});
afterEach(() => Promise.all(proxies.splice(0).map((proxy) => proxy.stop())));
afterAll(() => servers.stop());

async function start(faults?: Faults): Promise<FaultProxy> {
  const proxy = await FaultProxy.start({
    credentials: CLIENT.credentials,
    servers: { dynamodb: servers.dynamodb, sqs: servers.sqs, sns: servers.sns },
    faults,
  });
  proxies.push(proxy);
  return proxy;
}

/** Without retries, so that faults are visible. */
const clientOf = (proxy: FaultProxy, caller: Caller = 'function') =>
  new DynamoDBClient({ ...CLIENT, endpoint: proxy.endpoint(caller), maxAttempts: 1 });

async function table(): Promise<string> {
  const name = `table-${++created}`;
  await new DynamoDBClient({ ...CLIENT, endpoint: servers.dynamodb }).send(
    new CreateTableCommand({
      TableName: name,
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  );
  return name;
}

async function itemsOf(name: string): Promise<Set<string>> {
  const { Items } = await new DynamoDBClient({ ...CLIENT, endpoint: servers.dynamodb }).send(
    new ScanCommand({ TableName: name }),
  );
  return new Set(Items?.map((item) => item.id!.S!));
}

/** Puts items, and returns the errors of the puts that failed. */
async function putItems(client: DynamoDBClient, name: string, count: number): Promise<Map<string, Error>> {
  const failed = new Map<string, Error>();
  for (let n = 0; n < count; n++) {
    await client
      .send(new PutItemCommand({ TableName: name, Item: { id: { S: String(n) } } }))
      .catch((error: Error) => failed.set(String(n), error));
  }
  return failed;
}

test('requests are forwarded to the server of their service, and counted by caller and operation', async () => {
  const proxy = await start();
  const name = await table();
  await putItems(clientOf(proxy), name, 3);
  await clientOf(proxy, 'client').send(new GetItemCommand({ TableName: name, Key: { id: { S: '1' } } }));
  expect(await itemsOf(name)).toEqual(new Set(['0', '1', '2']));
  expect(proxy.requests('function')).toEqual({ 'dynamodb.PutItem': 3 });
  expect(proxy.requests('client')).toEqual({ 'dynamodb.GetItem': 1 });
  expect(proxy.faults).toBe(0);
});

test('the given fraction of requests fails: half before and half after they take effect, some of them throttled, with an error response, or without a response', async () => {
  const proxy = await start({ share: 0.4, seed: 7 });
  const name = await table();
  const failed = await putItems(clientOf(proxy), name, 300);
  expect(failed.size).toBe(proxy.faults);
  expect(failed.size).toBeGreaterThan(90);
  expect(failed.size).toBeLessThan(150);

  const present = await itemsOf(name);
  const tookEffect = [...failed.keys()].filter((id) => present.has(id)).length;
  expect(tookEffect).toBeGreaterThan(failed.size * 0.35);
  expect(tookEffect).toBeLessThan(failed.size * 0.65);
  expect(present.size).toBe(300 - failed.size + tookEffect);

  const named = (errorName: string) => [...failed].filter(([, error]) => error.name === errorName).map(([id]) => id);
  const answered = named('InternalServerError').length;
  expect(answered).toBeGreaterThan(failed.size * 0.25);
  expect(answered).toBeLessThan(failed.size * 0.5);
  const throttled = named('ThrottlingException');
  expect(throttled.length).toBeGreaterThan(failed.size * 0.15);
  expect(throttled.filter((id) => present.has(id))).toEqual([]);
  const unanswered = [...failed.values()].filter((error) => /ECONNRESET|socket hang up/.test(error.message));
  expect(answered + throttled.length + unanswered.length).toBe(failed.size);
});

test('the seed determines which requests fail', async () => {
  const name = await table();
  const failures = async (seed: string) => [
    ...(await putItems(clientOf(await start({ share: 0.2, seed })), name, 50)).keys(),
  ];
  const first = await failures('a');
  expect(await failures('a')).toEqual(first);
  expect(await failures('b')).not.toEqual(first);
});

test('the retries of the SDK handle single faults', async () => {
  const proxy = await start({ share: 0.2, seed: 1 });
  const name = await table();
  const failed = await putItems(
    new DynamoDBClient({ ...CLIENT, endpoint: proxy.endpoint('function'), maxAttempts: 10 }),
    name,
    30,
  );
  expect(failed.size).toBe(0);
  expect(proxy.faults).toBeGreaterThan(0);
});

test('requests of event source mappings do not fail', async () => {
  const proxy = await start({ share: 1, seed: 1 });
  const name = await table();
  expect((await putItems(clientOf(proxy, 'mapping'), name, 5)).size).toBe(0);
  expect((await putItems(clientOf(proxy, 'client'), name, 5)).size).toBe(5);
});

test('a service can be taken down and brought up for all callers, without affecting other services', async () => {
  const proxy = await start();
  const name = await table();
  const sqs = new SQSClient({ ...CLIENT, endpoint: proxy.endpoint('mapping'), maxAttempts: 1 });
  proxy.takeDown('sqs');
  await expect(sqs.send(new CreateQueueCommand({ QueueName: 'down' }))).rejects.toThrow('sqs is down');
  expect((await putItems(clientOf(proxy), name, 1)).size).toBe(0);
  proxy.bringUp('sqs');
  await sqs.send(new CreateQueueCommand({ QueueName: 'up' }));
});

test('an outage can be limited to selected requests, and an endpoint can be tied to a service', async () => {
  const proxy = await start();
  const name = await table();
  proxy.takeDown('dynamodb', ({ operation, body }) => operation === 'PutItem' && body.includes('{"S":"0"}'));
  expect([...(await putItems(clientOf(proxy), name, 2))].map(([id]) => id)).toEqual(['0']);
  proxy.bringUp('dynamodb');

  const fetching = new SQSClient({ ...CLIENT, endpoint: proxy.endpoint('mapping', 'sns'), maxAttempts: 1 });
  proxy.takeDown('sqs');
  await fetching.send(new CreateQueueCommand({ QueueName: 'of-sns' }));
  expect(proxy.requests('mapping')).toMatchObject({ 'sns.CreateQueue': 1 });
  proxy.takeDown('sns');
  await expect(fetching.send(new CreateQueueCommand({ QueueName: 'of-sns' }))).rejects.toThrow('sns is down');
});

test('clients reach a queue through the proxy, by the URL that the proxy assigns', async () => {
  const proxy = await start();
  const direct = new SQSClient({ ...CLIENT, endpoint: servers.sqs });
  const { QueueUrl } = await direct.send(new CreateQueueCommand({ QueueName: 'orders' }));
  const url = proxy.nameQueue('000000000000/orders', QueueUrl!);
  const sender = new SQSClient({ ...CLIENT, endpoint: proxy.endpoint('function') });
  await sender.send(new SendMessageCommand({ QueueUrl: url, MessageBody: `Straße, and the text ${url}` }));
  const { Messages } = await direct.send(new ReceiveMessageCommand({ QueueUrl }));
  expect(Messages?.[0]?.Body).toBe(`Straße, and the text ${url}`);
  expect(new URL(url).origin).toBe(new URL(proxy.endpoint('function')).origin);
  expect(proxy.requests('function')).toEqual({ 'sqs.SendMessage': 1 });
});

test('a request to an unsupported service fails with an error that names the service', async () => {
  const proxy = await FaultProxy.start({
    credentials: CLIENT.credentials,
    servers: { dynamodb: servers.dynamodb },
  });
  proxies.push(proxy);
  const sqs = new SQSClient({ ...CLIENT, endpoint: proxy.endpoint('function'), maxAttempts: 1 });
  await expect(sqs.send(new CreateQueueCommand({ QueueName: 'q' }))).rejects.toThrow(
    'The local runner does not support the service "sqs". It supports dynamodb',
  );
});
