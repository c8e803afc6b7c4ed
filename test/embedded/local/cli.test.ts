import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { GetQueueUrlCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { assemblyOf, clientOptions, until } from '../../support/local';

jest.setTimeout(60_000);

const ROOT = join(__dirname, '..', '..', '..');
const processes: ChildProcess[] = [];
afterEach(() => processes.splice(0).forEach((child) => child.kill('SIGKILL')));

function cli(...parameters: string[]): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, ['--import', 'tsx', join('lambda', 'local', 'cli.ts'), ...parameters], {
    cwd: ROOT,
  });
  processes.push(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  }
  return { child, output: () => text };
}

const SHOP = assemblyOf(
  {
    Resources: {
      Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'orders' } },
      Function: {
        Type: 'AWS::Lambda::Function',
        Properties: {
          Code: { S3Key: 'code.zip' },
          Handler: 'index.handler',
          Environment: { Variables: { FSM_WORKFLOW: { 'Fn::Sub': '{"workflow":"shop","queueUrl":"${Queue}"}' } } },
        },
      },
      Mapping: {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: { FunctionName: { Ref: 'Function' }, EventSourceArn: { 'Fn::GetAtt': ['Queue', 'Arn'] } },
      },
    },
  },
  'export const handler = async ({ Records }) => console.log("got " + Records[0].body);',
);

test('a stack runs until it is interrupted, and prints the variables for clients', async () => {
  const { child, output } = cli('local', SHOP);
  await until(() => output().includes('export FSM_WORKFLOW='));
  const environment = Object.fromEntries(
    [...output().matchAll(/export (AWS_\w+)='(.*)'/g)].map(([, name = '', value = '']) => [name, value]),
  );
  const configuration = JSON.parse(/export FSM_WORKFLOW='(.*)'/.exec(output())?.[1] ?? '') as {
    workflow: string;
    queueUrl: string;
  };
  expect(configuration.workflow).toBe('shop');
  const client = new SQSClient(clientOptions({ environment }));
  expect((await client.send(new GetQueueUrlCommand({ QueueName: 'orders' }))).QueueUrl).toContain('/orders');
  await client.send(new SendMessageCommand({ QueueUrl: configuration.queueUrl, MessageBody: 'tea' }));
  await until(() => output().includes('got tea'));
  child.kill('SIGINT');
  expect(await once(child, 'close')).toEqual([0, null]);
});

test.each([
  ['no command', [], 'cdk-lambda-fsm local [ASSEMBLY]'],
  ['an unknown command', ['lcoal'], 'Unknown command "lcoal": expected "local".'],
  ['an unknown option', ['local', SHOP, '--stak', 'Shop'], 'Unknown option "--stak": did you mean --stack?'],
  ['an option without a value', ['local', SHOP, '--stack'], "Option '--stack <value>' argument missing."],
  ['a flag with a value', ['local', SHOP, '--help=yes'], "Option '-h, --help' does not take an argument."],
  ['two assemblies', ['local', SHOP, 'more'], 'Unexpected argument "more": expected one assembly'],
  ['a folder that is not an assembly', ['local', ROOT], 'is not a cloud assembly'],
  ['an unknown stack', ['local', SHOP, '--stack', 'Other'], 'Unknown stack "Other"'],
  [
    'an invalid fraction of faults',
    ['local', SHOP, '--faults', '2'],
    'Invalid --faults "2": expected a number from 0 to 1',
  ],
  ['no fraction of faults', ['local', SHOP, '--faults', ''], 'Invalid --faults "": expected a number from 0 to 1'],
  ['a folder as database', ['local', SHOP, '--db', ROOT], 'Invalid database file'],
  [
    'a task without a command',
    ['local', SHOP, '--task', 'render'],
    'Invalid --task "render": expected NAME=COMMAND, for example --task render=\'node render.js\'.',
  ],
  [
    'a task that no workflow runs',
    ['local', SHOP, '--task', 'render=true'],
    'Unknown container "render" in the local commands: the workflows run no containers.',
  ],
])('%s is an error that says what is wrong', async (_, parameters, text) => {
  const { child, output } = cli(...parameters);
  expect((await once(child, 'close'))[0]).toBe(2);
  expect(output()).toContain(text);
  expect(output()).not.toMatch(/^\s+at /m);
});

test('help is no error', async () => {
  const { child, output } = cli('--help');
  expect((await once(child, 'close'))[0]).toBe(0);
  expect(output()).toContain('cdk-lambda-fsm local [ASSEMBLY]');
});
