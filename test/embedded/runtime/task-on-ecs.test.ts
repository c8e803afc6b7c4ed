import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Message } from '@aws-sdk/client-sqs';
import { LocalFunction } from '../../../lambda/local/function/function';
import { normalize } from '../../../lambda/machine';
import { EcsServer } from '../../support/servers/ecs-server';
import { Embedded } from '../../support/servers/embedded';

/* The bundled runtime: an event of EventBridge starts an execution, which runs a task and continues when the task ends. */

jest.setTimeout(60_000);
const embedded = Embedded.use();
const directory = mkdtempSync(join(tmpdir(), 'task-on-ecs-'));
let ecs: EcsServer;
let fn: LocalFunction;
let queueUrl: string;
let checkpoints: string;

beforeAll(async () => {
  cpSync(join(__dirname, '../../../assets/runtime'), directory, { recursive: true });
  const machine = normalize({
    name: 'm',
    initial: 'a',
    states: { a: { do: 'work', on: { ok: 'end', bad: 'end' } }, end: { final: true, entry: 'note' } },
  });
  writeFileSync(join(directory, 'machines.json'), JSON.stringify([machine]));
  writeFileSync(
    join(directory, 'actions.mjs'),
    'export default { note: (context, run) => { context.exitCode = run.data.exitCode; } };',
  );
  const task = {
    container: 'worker',
    startedBy: 'M-work',
    onSuccess: 'ok',
    onFailure: 'bad',
    launchType: 'EC2',
    context: ['n'],
  };
  writeFileSync(
    join(directory, 'ecs-tasks.json'),
    JSON.stringify({ work: { cluster: { $value: 0 }, taskDefinition: { $value: 1 }, ...task } }),
  );
  ecs = await EcsServer.start();
  queueUrl = await embedded.queue();
  checkpoints = await embedded.table('checkpoints');
  const table = (tableName: string) => ({ service: 'dynamodb', tableName, retentionDays: 30 });
  fn = new LocalFunction(
    {
      name: 'm',
      arn: 'arn:aws:lambda:eu-west-1:000000000000:function:m',
      directory,
      handler: 'index.handler',
      timeoutSeconds: 30,
      memoryMegabytes: 512,
      environment: {
        FSM_WORKFLOW: JSON.stringify({
          workflow: 'M',
          machines: ['m'],
          eventSource: { service: 'sqs', queueUrl },
          retryQueues: [{ service: 'sqs', queueUrl: await embedded.queue() }],
          lockTable: table(await embedded.table('locks')),
          checkpointTable: table(checkpoints),
          deadLetterQueue: { service: 'sqs', queueUrl: await embedded.queue() },
        }),
        FSM_ECS_TASKS: JSON.stringify(['c', 't:1']),
        ...Object.fromEntries(
          Object.entries(process.env).flatMap(([name, value]) =>
            name.startsWith('AWS_') ? [[name, value ?? '']] : [],
          ),
        ),
        AWS_ENDPOINT_URL_ECS: ecs.endpoint,
      },
    },
    { environments: 1 },
  );
});

afterAll(async () => {
  await fn?.stop();
  await ecs?.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** Invokes the function with the messages of its queue, as an event source mapping does. */
async function deliver(): Promise<void> {
  const messages = await embedded.receive(queueUrl);
  expect(messages).toHaveLength(1);
  const record = ({ MessageId, ReceiptHandle, Body }: Message) => ({
    messageId: MessageId,
    receiptHandle: ReceiptHandle,
    body: Body,
    attributes: { ApproximateReceiveCount: '1' },
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:eu-west-1:1:q',
  });
  expect(await fn.invoke({ Records: messages.map(record) })).toMatchObject({
    ok: true,
    payload: { batchItemFailures: [] },
  });
}

test('runs an execution from the event that starts it to the end of its task', async () => {
  const start = {
    source: 'cdk-lambda-fsm',
    'detail-type': 'start',
    detail: { machine: 'm', executionId: 'x', context: { n: 1 } },
  };
  expect(await fn.invoke(start)).toMatchObject({ ok: true });
  await deliver();
  expect(ecs.environment(0)).toMatchObject({ FSM_EXECUTION_ID: 'x', FSM_CONTEXT: '{"n":1}' });
  expect(await fn.invoke(ecs.stopped(0, 3))).toMatchObject({ ok: true });
  await deliver();
  const items = await embedded.items(checkpoints);
  expect(items.find(({ outcome }) => outcome?.S === 'completed')).toMatchObject({
    executionId: { S: 'M/x' },
    context: { S: '{"n":1,"exitCode":3}' },
  });
});

test('rejects unknown events and invalid starts', async () => {
  expect(await fn.invoke({ source: 'aws.s3', 'detail-type': 'Object Created' })).toMatchObject({
    ok: false,
    errorType: 'TypeError',
  });
  expect(
    await fn.invoke({ source: 'cdk-lambda-fsm', 'detail-type': 'start', detail: { machine: 'other' } }),
  ).toMatchObject({ ok: false });
});
