import { CreateTableCommand, DynamoDBClient, GetItemCommand, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { CLIENT } from './support';
import { FaultProxy, type Caller, type Faults } from '../../lambda/local/fault-proxy';
import { startServers, type Servers } from '../../lambda/local/servers';

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
  const proxy = await FaultProxy.start({ servers: { dynamodb: servers.dynamodb, sqs: servers.sqs, sns: servers.sns }, faults });
  proxies.push(proxy);
  return proxy;
}

/** Without retries, so that a fault shows. */
const clientOf = (proxy: FaultProxy, caller: Caller = 'function') => new DynamoDBClient({ ...CLIENT, endpoint: proxy.endpoint(caller), maxAttempts: 1 });

async function table(): Promise<string> {
  const name = `table-${++created}`;
  await new DynamoDBClient({ ...CLIENT, endpoint: servers.dynamodb }).send(new CreateTableCommand({
    TableName: name,
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    BillingMode: 'PAY_PER_REQUEST',
  }));
  return name;
}

async function itemsOf(name: string): Promise<Set<string>> {
  const { Items } = await new DynamoDBClient({ ...CLIENT, endpoint: servers.dynamodb }).send(new ScanCommand({ TableName: name }));
  return new Set(Items?.map((item) => item.id!.S!));
}

/** Puts that many items, and tells which puts failed, and how. */
async function putItems(client: DynamoDBClient, name: string, count: number): Promise<Map<string, Error>> {
  const failed = new Map<string, Error>();
  for (let n = 0; n < count; n++) {
    await client.send(new PutItemCommand({ TableName: name, Item: { id: { S: String(n) } } }))
      .catch((error: Error) => failed.set(String(n), error));
  }
  return failed;
}

test('requests reach the server of their service, and are counted by caller and operation', async () => {
  const proxy = await start();
  const name = await table();
  await putItems(clientOf(proxy), name, 3);
  await clientOf(proxy, 'client').send(new GetItemCommand({ TableName: name, Key: { id: { S: '1' } } }));
  expect(await itemsOf(name)).toEqual(new Set(['0', '1', '2']));
  expect(proxy.requests('function')).toEqual({ 'dynamodb.PutItem': 3 });
  expect(proxy.requests('client')).toEqual({ 'dynamodb.GetItem': 1 });
  expect(proxy.faults).toBe(0);
});

test('the given share of requests fails: half before and half after they took effect, half by an answer and half by none', async () => {
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

  const answered = [...failed.values()].filter((error) => error.name === 'InternalServerError').length;
  expect(answered).toBeGreaterThan(failed.size * 0.35);
  expect(answered).toBeLessThan(failed.size * 0.65);
  expect([...failed.values()].filter((error) => error.name !== 'InternalServerError').every((error) => /ECONNRESET|socket hang up/.test(`${error.message}`))).toBe(true);
});

test('the seed decides which requests fail', async () => {
  const name = await table();
  const failures = async (seed: string) => [...(await putItems(clientOf(await start({ share: 0.2, seed })), name, 50)).keys()];
  const first = await failures('a');
  expect(await failures('a')).toEqual(first);
  expect(await failures('b')).not.toEqual(first);
});

test('the SDK gets over single faults by its retries', async () => {
  const proxy = await start({ share: 0.2, seed: 1 });
  const name = await table();
  const failed = await putItems(new DynamoDBClient({ ...CLIENT, endpoint: proxy.endpoint('function'), maxAttempts: 10 }), name, 30);
  expect(failed.size).toBe(0);
  expect(proxy.faults).toBeGreaterThan(0);
});

test('the requests of event source mappings are spared', async () => {
  const proxy = await start({ share: 1, seed: 1 });
  const name = await table();
  expect((await putItems(clientOf(proxy, 'mapping'), name, 5)).size).toBe(0);
  expect((await putItems(clientOf(proxy, 'client'), name, 5)).size).toBe(5);
});

test('a service can be taken down for all callers and brought up again, while the others go on', async () => {
  const proxy = await start();
  const name = await table();
  const sqs = new SQSClient({ ...CLIENT, endpoint: proxy.endpoint('mapping'), maxAttempts: 1 });
  proxy.takeDown('sqs');
  await expect(sqs.send(new CreateQueueCommand({ QueueName: 'down' }))).rejects.toThrow('sqs is down');
  expect((await putItems(clientOf(proxy), name, 1)).size).toBe(0);
  proxy.bringUp('sqs');
  await sqs.send(new CreateQueueCommand({ QueueName: 'up' }));
});

test('of a service that is down only those requests fail that are hit, and of which service they are can be said', async () => {
  const proxy = await start();
  const name = await table();
  proxy.takeDown('dynamodb', ({ operation, body }) => operation === 'PutItem' && body.includes('{"S":"0"}'));
  expect([...await putItems(clientOf(proxy), name, 2)].map(([id]) => id)).toEqual(['0']);
  proxy.bringUp('dynamodb');

  const fetching = new SQSClient({ ...CLIENT, endpoint: proxy.endpoint('mapping', 'sns'), maxAttempts: 1 });
  proxy.takeDown('sqs');
  await fetching.send(new CreateQueueCommand({ QueueName: 'of-sns' }));
  expect(proxy.requests('mapping')).toMatchObject({ 'sns.CreateQueue': 1 });
  proxy.takeDown('sns');
  await expect(fetching.send(new CreateQueueCommand({ QueueName: 'of-sns' }))).rejects.toThrow('sns is down');
});

test('a queue is reached by the URL that the proxy gives it, which sends clients to the proxy', async () => {
  const proxy = await start();
  const direct = new SQSClient({ ...CLIENT, endpoint: servers.sqs });
  const { QueueUrl } = await direct.send(new CreateQueueCommand({ QueueName: 'orders' }));
  const url = proxy.nameQueue('orders', QueueUrl!);
  const sender = new SQSClient({ ...CLIENT, endpoint: proxy.endpoint('function') });
  await sender.send(new SendMessageCommand({ QueueUrl: url, MessageBody: `Straße, and the text ${url}` }));
  const { Messages } = await direct.send(new ReceiveMessageCommand({ QueueUrl }));
  expect(Messages?.[0]?.Body).toBe(`Straße, and the text ${url}`);
  expect(new URL(url).origin).toBe(new URL(proxy.endpoint('function')).origin);
  expect(proxy.requests('function')).toEqual({ 'sqs.SendMessage': 1 });
});

test('a service that nobody serves is an error that names it', async () => {
  const proxy = await FaultProxy.start({ servers: { dynamodb: servers.dynamodb } });
  proxies.push(proxy);
  const sqs = new SQSClient({ ...CLIENT, endpoint: proxy.endpoint('function'), maxAttempts: 1 });
  await expect(sqs.send(new CreateQueueCommand({ QueueName: 'q' }))).rejects.toThrow('There is no embedded server for "sqs", only for dynamodb');
});
