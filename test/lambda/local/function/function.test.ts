import {
  LocalFunction,
  type FunctionDefinition,
  type FunctionOptions,
  type InvocationResult,
} from '../../../../lambda/local/function/function';
import { functionDirectory, until } from '../../../support/local';

jest.setTimeout(60_000);

const running: LocalFunction[] = [];

function payloadOf(result: InvocationResult): unknown {
  return result.ok ? result.payload : result;
}

function start(
  code: string,
  options: Partial<FunctionOptions> = {},
  definition: Partial<FunctionDefinition> = {},
): LocalFunction {
  const local = new LocalFunction(
    {
      name: 'ship',
      arn: 'arn:aws:lambda:us-east-1:000000000000:function:ship',
      directory: functionDirectory(code),
      handler: 'index.handler',
      environment: { COLOUR: 'blue' },
      timeoutSeconds: 5,
      memoryMegabytes: 256,
      ...definition,
    },
    { environments: 1, ...options },
  );
  running.push(local);
  return local;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((local) => local.stop()));
});

test('the handler receives the event and the context', async () => {
  const local = start(`export const handler = async (event, context) => ({
    event, name: context.functionName, id: context.awsRequestId, remaining: context.getRemainingTimeInMillis() });`);
  const result = await local.invoke({ n: 1 });
  expect(result).toMatchObject({ ok: true, payload: { event: { n: 1 }, name: 'ship', id: result.requestId } });
  const { remaining } = payloadOf(result) as { remaining: number };
  expect(remaining).toBeGreaterThan(4_000);
  expect(remaining).toBeLessThanOrEqual(5_000);
});

test("the function sees its own environment variables and Lambda's, but not those of this process", async () => {
  process.env.SECRET_OF_THE_CALLER = 'secret';
  const result = await start('export const handler = async () => process.env;').invoke({});
  expect(result).toMatchObject({
    ok: true,
    payload: { COLOUR: 'blue', AWS_LAMBDA_FUNCTION_NAME: 'ship', AWS_REGION: 'us-east-1' },
  });
  expect(payloadOf(result)).not.toHaveProperty('SECRET_OF_THE_CALLER');
  delete process.env.SECRET_OF_THE_CALLER;
});

test('an environment keeps its modules between invocations, and does not share them', async () => {
  const local = start(
    'let count = 0; export const handler = async (wait) => { count++; await new Promise((go) => setTimeout(go, wait)); return count; };',
    { environments: 2 },
  );
  expect(await Promise.all([local.invoke(200), local.invoke(200)])).toMatchObject([{ payload: 1 }, { payload: 1 }]);
  expect(await local.invoke(0)).toMatchObject({ payload: 2 });
});

test('the number of environments limits concurrent invocations', async () => {
  const local = start(
    `import { readdirSync, writeFileSync, unlinkSync } from 'node:fs';
    const directory = process.env.LAMBDA_TASK_ROOT;
    export const handler = async (n) => {
      writeFileSync(directory + '/running-' + n, '');
      await new Promise((go) => setTimeout(go, 30));
      const running = readdirSync(directory).filter((name) => name.startsWith('running')).length;
      unlinkSync(directory + '/running-' + n);
      return running;
    };`,
    { environments: 2 },
  );
  const results = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => local.invoke(n)));
  expect(Math.max(...results.map((result) => Number(payloadOf(result))))).toBe(2);
});

test('an error of the handler is returned and logged, and the environment is reused', async () => {
  const lines: string[] = [];
  const local = start(
    'let count = 0; export const handler = async () => { if (++count === 1) throw new TypeError("no ship"); return count; };',
    { onLine: (line) => lines.push(line) },
  );
  const result = await local.invoke({});
  expect(result).toMatchObject({ ok: false, errorType: 'TypeError', errorMessage: 'no ship' });
  expect(await local.invoke({})).toMatchObject({ ok: true, payload: 2 });
  expect(lines).toEqual([`RequestId: ${result.requestId} Error: TypeError: no ship`]);
});

test('an invocation that exceeds the timeout is terminated with its environment, even in an endless loop', async () => {
  const local = start(
    'let count = 0; export const handler = async (endless) => { count++; while (endless); return count; };',
    {},
    { timeoutSeconds: 1 },
  );
  const begin = Date.now();
  expect(await local.invoke(true)).toMatchObject({
    ok: false,
    errorType: 'Sandbox.Timedout',
    errorMessage: 'Task timed out after 1.00 seconds',
  });
  expect(Date.now() - begin).toBeGreaterThanOrEqual(1_000);
  expect(await local.invoke(false)).toMatchObject({ ok: true, payload: 1 });
});

test.each([
  [
    'process.exit',
    'export const handler = async (die) => { if (die) process.exit(3); return "alive"; };',
    'exit status 3',
  ],
  [
    'an uncaught error',
    'export const handler = async (die) => { if (die) { setTimeout(() => { throw new Error("late"); }); await new Promise(() => {}); } return "alive"; };',
    'late',
  ],
  [
    'an unhandled rejection',
    'export const handler = async (die) => { if (die) { Promise.reject(new Error("loose")); await new Promise((go) => setTimeout(go, 500)); } return "alive"; };',
    'loose',
  ],
])('%s ends the environment, and the next invocation gets a new one', async (_, code, message) => {
  const local = start(code);
  expect(await local.invoke(true)).toMatchObject({
    ok: false,
    errorType: 'Runtime.ExitError',
    errorMessage: expect.stringContaining(message),
  });
  expect(await local.invoke(false)).toMatchObject({ ok: true, payload: 'alive' });
});

test('output is reported line by line', async () => {
  const lines: string[] = [];
  await start(
    'console.log("loaded"); export const handler = async () => { process.stdout.write("one\\ntwo\\n"); console.error("oops"); };',
    { onLine: (line) => lines.push(line) },
  ).invoke({});
  await until(() => lines.length === 4);
  expect(lines.sort()).toEqual(['loaded', 'one', 'oops', 'two']);
});

test.each([
  ['a missing handler', 'export const other = 1;', 'index.handler', 'does not export a function "handler"'],
  ['a missing module', '', 'main.handler', 'Cannot find handler "main.handler"'],
  ['a module that fails', 'throw new Error("no configuration");', 'index.handler', 'no configuration'],
])('%s fails the invocation with a clear error', async (_, code, handler, message) => {
  expect(await start(code, {}, { handler }).invoke({})).toMatchObject({
    ok: false,
    errorMessage: expect.stringContaining(message),
  });
});

test('stopping the function fails running and waiting invocations', async () => {
  const local = start('export const handler = () => new Promise(() => {});');
  const results = Promise.all([local.invoke(1), local.invoke(2)]);
  await new Promise((resolve) => setTimeout(resolve, 100));
  await local.stop();
  expect(await results).toMatchObject([
    { ok: false, errorMessage: 'The local runner was stopped.' },
    { ok: false, errorMessage: 'The local runner was stopped.' },
  ]);
});
