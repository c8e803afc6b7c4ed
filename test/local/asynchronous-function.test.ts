import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { CLIENT, FakeFunction, until } from './support';
import { AsynchronousFunction, type AsynchronousSettings } from '../../lambda/local/asynchronous-function';
import { startServers, type Servers } from '../../lambda/local/servers';

jest.setTimeout(60_000);

let servers: Servers;
let queues: SQSClient;
let onFailureQueueUrl: string;
const running: AsynchronousFunction[] = [];

beforeAll(async () => {
  servers = await startServers();
  queues = new SQSClient({ ...CLIENT, endpoint: servers.sqs });
});
beforeEach(async () => {
  const { QueueUrl = '' } = await queues.send(new CreateQueueCommand({ QueueName: `destination-${running.length}-${Date.now()}` }));
  onFailureQueueUrl = QueueUrl;
});
afterEach(() => Promise.all(running.map((each) => each.stop())));
afterAll(() => servers.stop());

function asynchronous(target: FakeFunction<unknown>, settings: Partial<AsynchronousSettings> = {}, retryDelay = 20): AsynchronousFunction {
  const made = new AsynchronousFunction(target, {
    functionArn: 'arn:function', maximumRetryAttempts: 2, maximumEventAgeSeconds: 60, onFailureQueueUrl, ...settings,
  }, { queues, retryDelay, onError: (error) => { throw error; } });
  running.push(made);
  return made;
}

const fail = () => { throw new Error('no'); };
async function givenUp(waitSeconds = 5): Promise<unknown[]> {
  const { Messages = [] } = await queues.send(new ReceiveMessageCommand({ QueueUrl: onFailureQueueUrl, WaitTimeSeconds: waitSeconds }));
  return Messages.map(({ Body = '' }) => JSON.parse(Body) as unknown);
}

test('what succeeds in the end is not given up', async () => {
  const target = new FakeFunction<unknown>((_, invocation) => invocation < 2 && fail());
  await asynchronous(target).invoke({ a: 1 });
  await until(() => target.batches.length === 3);
  expect(target.batches.flat()).toEqual([{ a: 1 }, { a: 1 }, { a: 1 }]);
  expect(await givenUp(1)).toEqual([]);
});

test('it resolves after the first attempt, and one that fails does not hold up others', async () => {
  const target = new FakeFunction<unknown>(([event]) => (event as { bad?: boolean }).bad && fail());
  const made = asynchronous(target, {}, 10_000);
  await made.invoke({ bad: true });
  await made.invoke({ good: true });
  expect(target.batches.flat()).toEqual([{ bad: true }, { good: true }]);
});

test('without retries it is given up at once', async () => {
  await asynchronous(new FakeFunction<unknown>(fail), { maximumRetryAttempts: 0 }).invoke({ a: 1 });
  expect(await givenUp()).toMatchObject([{ requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 1 }, requestPayload: { a: 1 } }]);
});

test('an event that has become too old is not tried again', async () => {
  const target = new FakeFunction<unknown>(fail);
  await asynchronous(target, { maximumEventAgeSeconds: 0.05 }, 100).invoke({ a: 1 });
  expect(await givenUp()).toMatchObject([{ requestContext: { condition: 'EventAgeExceeded', approximateInvokeCount: 1 } }]);
  expect(target.batches).toHaveLength(1);
});

test('when the runner is stopped, nothing is given up', async () => {
  const made = asynchronous(new FakeFunction<unknown>(fail), {}, 10_000);
  await made.invoke({ a: 1 });
  await made.stop();
  expect(await givenUp(1)).toEqual([]);
});
