import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { GetQueueUrlCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { assemblyOf, CLIENT, until } from './support';

jest.setTimeout(60_000);

const ROOT = join(__dirname, '..', '..');
const processes: ChildProcess[] = [];
afterEach(() => processes.splice(0).forEach((child) => child.kill('SIGKILL')));

function cli(...parameters: string[]): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, ['--import', 'tsx', join('lambda', 'local', 'cli.ts'), ...parameters], { cwd: ROOT });
  processes.push(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => text += chunk.toString());
  }
  return { child, output: () => text };
}

const SHOP = assemblyOf({
  Resources: {
    Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'orders' } },
    Function: {
      Type: 'AWS::Lambda::Function',
      Properties: {
        Code: { S3Key: 'code.zip' }, Handler: 'index.handler', Environment: { Variables: { FSM_WORKFLOW: { 'Fn::Sub': '{"workflow":"shop","queueUrl":"${Queue}"}' } } },
      },
    },
    Mapping: { Type: 'AWS::Lambda::EventSourceMapping', Properties: { FunctionName: { Ref: 'Function' }, EventSourceArn: { 'Fn::GetAtt': ['Queue', 'Arn'] } } },
  },
}, 'export const handler = async ({ Records }) => console.log("got " + Records[0].body);');

test('a stack runs until it is interrupted, and says how to reach it', async () => {
  const { child, output } = cli('local', SHOP);
  await until(() => output().includes('export FSM_WORKFLOW='));
  const endpoint = /export AWS_ENDPOINT_URL='(.*)'/.exec(output())?.[1];
  const configuration = JSON.parse(/export FSM_WORKFLOW='(.*)'/.exec(output())?.[1] ?? '') as { workflow: string; queueUrl: string };
  expect(configuration.workflow).toBe('shop');
  const client = new SQSClient({ ...CLIENT, endpoint });
  expect((await client.send(new GetQueueUrlCommand({ QueueName: 'orders' }))).QueueUrl).toContain('/orders');
  await client.send(new SendMessageCommand({ QueueUrl: configuration.queueUrl, MessageBody: 'tea' }));
  await until(() => output().includes('got tea'));
  child.kill('SIGINT');
  expect(await once(child, 'close')).toEqual([0, null]);
});

test.each([
  ['no command', [], 2, 'cdk-lambda-fsm local [ASSEMBLY]'],
  ['an assembly that is none', ['local', ROOT], 1, 'is no cloud assembly'],
  ['a stack that is not there', ['local', SHOP, '--stack', 'Other'], 1, 'There is no stack "Other"'],
  ['a share that is none', ['local', SHOP, '--faults', '2'], 1, '--faults takes a number from 0 to 1, not "2"'],
  ['a task without a command', ['local', SHOP, '--task', 'render'], 1, '--task takes the name of a container and a command line, as in --task render=\'node render.js\', not "render"'],
  ['a task that nobody runs', ['local', SHOP, '--task', 'render=true'], 1, 'There is a command for the container "render", but the workflows run none.'],
  ['help', ['--help'], 0, 'cdk-lambda-fsm local [ASSEMBLY]'],
])('%s', async (_, parameters, code, text) => {
  const { child, output } = cli(...parameters);
  expect((await once(child, 'close'))[0]).toBe(code);
  expect(output()).toContain(text);
});
