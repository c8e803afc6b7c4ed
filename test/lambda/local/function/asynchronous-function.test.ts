import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import {
  AsynchronousFunction,
  type AsynchronousSettings,
} from '../../../../lambda/local/function/asynchronous-function';
import { startServers, type Servers } from '../../../../lambda/local/servers/servers';
import { CLIENT, FakeFunction, until } from '../../../support/local';

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
  const { QueueUrl = '' } = await queues.send(
    new CreateQueueCommand({ QueueName: `destination-${running.length}-${Date.now()}` }),
  );
  onFailureQueueUrl = QueueUrl;
});
afterEach(() => Promise.all(running.map((each) => each.stop())));
afterAll(() => servers.stop());

function asynchronous(
  target: FakeFunction<unknown>,
  settings: Partial<AsynchronousSettings> = {},
  firstRetryDelayMs = 20,
): AsynchronousFunction {
  const made = new AsynchronousFunction(
    target,
    {
      functionArn: 'arn:function',
      maxRetryAttempts: 2,
      maxEventAgeMs: 60_000,
      onFailureQueueUrl,
      ...settings,
    },
    {
      queues,
      firstRetryDelayMs,
      onError: (error) => {
        throw error;
      },
    },
  );
  running.push(made);
  return made;
}

const fail = () => {
  throw new Error('no');
};
async function discarded(waitSeconds = 5): Promise<unknown[]> {
  const { Messages = [] } = await queues.send(
    new ReceiveMessageCommand({ QueueUrl: onFailureQueueUrl, WaitTimeSeconds: waitSeconds }),
  );
  return Messages.map(({ Body = '' }) => JSON.parse(Body) as unknown);
}

test('an event that succeeds after retries is not discarded', async () => {
  const target = new FakeFunction<unknown>((_, invocation) => invocation < 2 && fail());
  await asynchronous(target).invoke({ a: 1 });
  await until(() => target.batches.length === 3);
  expect(target.batches.flat()).toEqual([{ a: 1 }, { a: 1 }, { a: 1 }]);
  expect(await discarded(1)).toEqual([]);
});

test('invoke resolves after the first attempt, and a failing event does not block others', async () => {
  const target = new FakeFunction<unknown>(([event]) => (event as { bad?: boolean }).bad && fail());
  const made = asynchronous(target, {}, 10_000);
  await made.invoke({ bad: true });
  await made.invoke({ good: true });
  expect(target.batches.flat()).toEqual([{ bad: true }, { good: true }]);
});

test('without retries, a failed event is discarded immediately', async () => {
  await asynchronous(new FakeFunction<unknown>(fail), { maxRetryAttempts: 0 }).invoke({ a: 1 });
  expect(await discarded()).toMatchObject([
    { requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 1 }, requestPayload: { a: 1 } },
  ]);
});

test('an event that is too old is not retried', async () => {
  const target = new FakeFunction<unknown>(fail);
  await asynchronous(target, { maxEventAgeMs: 50 }, 100).invoke({ a: 1 });
  expect(await discarded()).toMatchObject([
    { requestContext: { condition: 'EventAgeExceeded', approximateInvokeCount: 1 } },
  ]);
  expect(target.batches).toHaveLength(1);
});

test('stopping the runner does not discard events', async () => {
  const made = asynchronous(new FakeFunction<unknown>(fail), {}, 10_000);
  await made.invoke({ a: 1 });
  await made.stop();
  expect(await discarded(1)).toEqual([]);
});
