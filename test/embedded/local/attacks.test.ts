import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Duration, type Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { film } from './actions/film.machine';
import { startLocal, type Local } from '../../../lambda/local';
import { temporaryDirectory, until } from '../../support/local';
import { synthesize } from '../../support/local-stack';
import { send, type Answer, type SignedRequest } from '../../support/signed-request';
import { FsmWorkflow, MachineDefinition, RetryQueue } from 'cdk-lambda-fsm';

/* Requests of strangers to a local stack: other users of the machine, and web pages in the user's browser. */

jest.setTimeout(120_000);

const ECS = 'AmazonEC2ContainerServiceV20141113';
const JSON_TYPE = 'application/x-amz-json-1.0';
const FORM = 'application/x-www-form-urlencoded';

/** A harmless request of each service, which succeeds if it is signed. */
const REQUESTS: Readonly<Record<string, SignedRequest>> = {
  dynamodb: { service: 'dynamodb', target: 'DynamoDB_20120810.ListTables', contentType: JSON_TYPE },
  sqs: { service: 'sqs', target: 'AmazonSQS.ListQueues', contentType: JSON_TYPE },
  kinesis: { service: 'kinesis', target: 'Kinesis_20131202.ListStreams', contentType: 'application/x-amz-json-1.1' },
  sns: { service: 'sns', contentType: FORM, body: 'Action=ListTopics&Version=2010-03-31' },
  ecs: { service: 'ecs', target: `${ECS}.ListTasks` },
  events: {
    service: 'events',
    target: 'AWSEvents.PutEvents',
    body: '{"Entries":[{"Source":"a","DetailType":"b","Detail":"{}"}]}',
  },
};

let local: Local;
const directory = temporaryDirectory();
const proof = join(directory, 'proof');

beforeAll(async () => {
  writeFileSync(join(directory, 'task.js'), `require('node:fs').writeFileSync(${JSON.stringify(proof)}, '');`);
  local = await startLocal({
    assembly: synthesize(addWorkflow),
    tasks: { 'films/renderer': `node ${join(directory, 'task.js')}` },
  });
});
afterAll(() => local.stop());

function addWorkflow(stack: Stack): void {
  const taskDefinition = new ecs.FargateTaskDefinition(stack, 'Films', { family: 'films' });
  taskDefinition.addContainer('renderer', { image: ecs.ContainerImage.fromRegistry('renderer') });
  new FsmWorkflow(stack, 'Studio', {
    machines: [MachineDefinition.fromObject(film)],
    actions: join(__dirname, 'actions', 'film.actions.ts'),
    retryQueue: RetryQueue.sqs(),
    timeout: Duration.seconds(5),
  }).addEcsTask('render', {
    cluster: new ecs.Cluster(stack, 'Cluster', { vpc: new ec2.Vpc(stack, 'Network', { maxAzs: 2 }) }),
    taskDefinition,
    onSuccess: 'rendered',
    onFailure: 'broken',
  });
}

const MINUTES = 60_000;
const port = () => new URL(local.environment.AWS_ENDPOINT_URL!).port;

/** Each attack alters a valid request. */
const ATTACKS: readonly (readonly [name: string, alter: () => Partial<SignedRequest>, error: RegExp])[] = [
  ['no signature', () => ({ altered: { authorization: undefined } }), /MissingAuthenticationToken/],
  ['a bearer token', () => ({ altered: { authorization: 'Bearer secret' } }), /InvalidSignature/],
  ['the key of another run', () => ({ accessKeyId: 'local' }), /UnrecognizedClient/],
  ['the secret of another run', () => ({ secretAccessKey: 'local' }), /InvalidSignature/],
  ['another body', () => ({ alteredBody: '{"Limit":1}' }), /InvalidSignature/],
  ['another time', () => ({ altered: { 'x-amz-date': '20200101T000000Z' } }), /InvalidSignature/],
  ['another content type', () => ({ altered: { 'content-type': 'text/plain' } }), /InvalidSignature/],
  ['an additional target', () => ({ altered: { 'x-amz-target': 'Other.Operation' } }), /InvalidSignature/],
  ['an unsigned header of AWS', () => ({ altered: { 'x-amz-other': 'x' } }), /x-amz-other is not signed/],
  ['an undeclared body', () => ({ altered: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } }), /InvalidSignature/],
  ['another path', () => ({ path: '/mapping' }), /InvalidSignature/],
  ['a presigned URL', () => ({ path: '/client?X-Amz-Signature=0', altered: { authorization: undefined } }), /query/],
  ['a replay', () => ({ time: Date.now() - 6 * MINUTES }), /Signature expired/],
  ['a signature of the future', () => ({ time: Date.now() + 6 * MINUTES }), /Signature expired/],
  ['a rebound name', () => ({ altered: { host: `evil.example:${port()}` } }), /Host header/],
  ['another port', () => ({ altered: { host: '127.0.0.1:1' } }), /Host header/],
  ['a web page', () => ({ altered: { origin: 'https://evil.example' } }), /web pages/],
  ['a sandboxed web page', () => ({ altered: { origin: 'null' } }), /web pages/],
  ['a navigation', () => ({ altered: { 'sec-fetch-site': 'cross-site' } }), /web pages/],
  ['a preflight', () => ({ method: 'OPTIONS' }), /method OPTIONS/],
  ['a GET request', () => ({ method: 'GET', body: '' }), /method GET/],
  [
    'a form',
    () => ({ contentType: FORM, body: 'Action=Publish&Message=x', altered: { authorization: undefined } }),
    /MissingAuthenticationToken/,
  ],
];

describe.each(Object.entries(REQUESTS))('%s', (service, request) => {
  test('a signed request succeeds, and no web page may read the answer', async () => {
    const { status, headers } = await send(local, request);
    expect(status).toBe(200);
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
  });

  test.each(ATTACKS)('%s is refused', async (_, alter, error) => {
    const { status, text, headers } = await send(local, { ...request, ...alter() });
    expect(status).toBe(403);
    expect(text).toMatch(error);
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });

  test('the signature of another service is refused', async () => {
    const other = service === 'ecs' ? 'events' : 'ecs';
    const { status, text } = await send(local, { ...request, service: other, claimedService: service });
    expect(status).toBe(403);
    expect(text).toContain('InvalidSignature');
  });

  test('a body that is too long is refused, even without a declared length', async () => {
    const body = 'x'.repeat(17 * 1024 * 1024);
    // The server may close the connection while the client still writes.
    const closed = (error: Error): Answer => ({ status: 413, headers: {}, text: error.message });
    const isClosed = (error: NodeJS.ErrnoException): Answer => {
      if (error.code === 'EPIPE' || error.code === 'ECONNRESET') return closed(error);
      throw error;
    };
    expect((await send(local, { ...request, body }).catch(isClosed)).status).toBe(413);
    const chunked = { 'transfer-encoding': 'chunked' };
    expect((await send(local, { ...request, body, altered: chunked }).catch(isClosed)).status).toBe(413);
    expect((await send(local, request)).status).toBe(200);
  });
});

/** Sends bytes, and returns the answer up to the end of the connection. */
async function raw(...lines: readonly string[]): Promise<string> {
  const socket = connect(Number(port()), '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString()));
  socket.on('error', () => undefined);
  socket.write(lines.join('\r\n'));
  await once(socket, 'close');
  return text;
}

test.each([
  ['two lengths', ['Content-Length: 2', 'Content-Length: 3']],
  ['a length and chunks', ['Content-Length: 2', 'Transfer-Encoding: chunked']],
])('%s are refused as malformed', async (_, headers) => {
  const answer = await raw('POST /client HTTP/1.1', `Host: 127.0.0.1:${port()}`, ...headers, '', '{}');
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
});

test.each([
  ['Host', () => [`Host: 127.0.0.1:${port()}`, 'Host: evil.example']],
  ['x-amz-target', () => [`Host: 127.0.0.1:${port()}`, 'X-Amz-Target: a', 'X-Amz-Target: b']],
])('a request with two headers %s is refused', async (_, headers) => {
  const answer = await raw('POST /client HTTP/1.1', ...headers(), 'Content-Length: 2', '', '{}');
  expect(answer).toMatch(/^HTTP\/1\.1 40[03] /);
});

test('a request whose headers never end is closed', async () => {
  const started = Date.now();
  const answer = await raw('POST /client HTTP/1.1', `Host: 127.0.0.1:${port()}`, 'X-Slow: ');
  expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  expect(Date.now() - started).toBeLessThan(20_000);
});

const run = (overrides: object, taskDefinition = 'films') =>
  send(local, {
    service: 'ecs',
    target: `${ECS}.RunTask`,
    body: JSON.stringify({
      cluster: 'x',
      taskDefinition,
      overrides: { containerOverrides: [{ name: 'renderer', ...overrides }] },
    }),
  });

test.each([
  ...['NODE_OPTIONS', 'node_options', 'NODE_PATH', 'LD_PRELOAD', 'DYLD_INSERT_LIBRARIES', 'PATH', 'BASH_ENV', 'ENV'],
  ...['BASH_FUNC_ls%%', 'IFS', 'PS4', 'PYTHONSTARTUP', 'PERL5OPT', 'RUBYOPT', 'JAVA_TOOL_OPTIONS', 'GIT_SSH_COMMAND'],
  ...['AWS_CONFIG_FILE', 'AWS_ENDPOINT_URL_S3', 'DOTNET_STARTUP_HOOKS', 'OPENSSL_CONF', '', 'A=B', 'A\0B'],
])('a task with the variable %j does not start', async (name) => {
  const { status, text } = await run({ environment: [{ name, value: 'x' }] });
  expect(status).toBe(400);
  expect(JSON.parse(text)).toMatchObject({
    __type: 'InvalidParameterException',
    message: expect.stringContaining(`Invalid environment variable ${JSON.stringify(name)}: `),
  });
});

test('a value with a NUL is refused', async () => {
  expect((await run({ environment: [{ name: 'TITLE', value: 'a\0b' }] })).status).toBe(400);
});

test('only a task definition that a workflow runs starts a program', async () => {
  expect(JSON.parse((await run({}, 'other')).text)).toMatchObject({ tasks: [], failures: [{ reason: 'MISSING' }] });
  expect(existsSync(proof)).toBe(false);
  expect(JSON.parse((await run({ environment: [{ name: 'TITLE', value: 'x' }] })).text)).toMatchObject({
    failures: [],
  });
  await until(() => existsSync(proof));
});
