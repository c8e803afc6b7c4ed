import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duration } from 'aws-cdk-lib';
import { WorkflowClient } from '../../../lambda/client';
import { temporaryDirectory, until } from '../../support/local';
import { runningStacks, synthesize } from '../../support/local-stack';
import { EventSource, FsmWorkflow, MachineDefinition, RetryQueue } from 'cdk-lambda-fsm';

/* The bundled runtime: an execution that ends or blocks its invocation harms only itself. */

jest.setTimeout(300_000);

const job = {
  name: 'job',
  initial: 'working',
  maxRetries: 1,
  backoff: { baseSeconds: 0, capSeconds: 0 },
  states: { working: { do: 'work', on: { worked: 'done' } }, done: { final: true } },
};

const actions = join(temporaryDirectory(), 'actions.mjs');
writeFileSync(
  actions,
  `
  const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  class Job {
    #conduct = {
      healthy: () => undefined,
      slow: () => wait(1_000),
      exit: () => process.exit(3),
      memory: () => { const kept = []; for (;;) kept.push(new Array(1_000_000).fill(kept.length)); },
      regularExpression: () => /^(a+)+$/.test('a'.repeat(40) + '!'),
      compute: () => { for (const end = Date.now() + 3_000; Date.now() < end;); },
      rejection: () => void wait(100).then(() => { throw new Error('left behind'); }),
      exception: () => void setTimeout(() => { throw new Error('left behind'); }, 100),
      emitter: () => void setImmediate(() => { throw { get message() { throw 1; } }; }),
    };
    async work(context, run) {
      context.attempt = run.attempt;
      await this.#conduct[context.kind]();
      return 'worked';
    }
  }
  export default new Job();`,
);

const SOURCES = {
  sqs: () => ({ eventSource: EventSource.sqs(), retryQueue: RetryQueue.dynamoDb() }),
  fifo: () => ({ eventSource: EventSource.sqs({ fifo: true }), retryQueue: RetryQueue.dynamoDb() }),
  dynamodb: () => ({ eventSource: EventSource.dynamoDb(), retryQueue: RetryQueue.dynamoDb() }),
};

const stacks = runningStacks();

/** Starts executions together, and waits until all of them have ended. */
async function run(source: keyof typeof SOURCES, kinds: readonly string[]) {
  let name = '';
  const assembly = synthesize((stack) => {
    const workflow = new FsmWorkflow(stack, 'Jobs', {
      machines: [MachineDefinition.fromObject(job)],
      actions,
      timeout: Duration.seconds(5),
      ...SOURCES[source](),
    });
    name = workflow.workflowName;
  });
  const local = await stacks.start({ assembly, scheduleInterval: 1_000 });
  Object.assign(process.env, local.environment);
  const client = new WorkflowClient(local.workflows[name]!);
  const ids = kinds.map((kind, index) => `${kind}-${index}`);
  await client.startMany(
    ids.map((executionId, index) => ({ machine: 'job', executionId, context: { kind: kinds[index]! } })),
  );
  const describeAll = () => Promise.all(ids.map((id) => client.describe(id)));
  await until(
    async () => (await describeAll()).every((found) => found && !['pending', 'running'].includes(found.status)),
    200_000,
  );
  const found = await describeAll();
  return found.map((description, index) => [kinds[index], description?.status, description?.error?.name]);
}

const healthy = Array.from({ length: 8 }, () => 'healthy');

test.each([
  ['sqs', 'exit'],
  ['fifo', 'exit'],
  ['dynamodb', 'memory'],
  ['dynamodb', 'regularExpression'],
] as const)(
  'from %s, an execution that ends its invocation (%s) fails, and the others of its batch complete',
  async (source, kind) => {
    const ended = await run(source, [...healthy, 'slow', kind]);
    expect(ended).toEqual([
      ...[...healthy, 'slow'].map((each) => [each, 'completed', undefined]),
      [kind, 'failed', 'InvocationDiedError'],
    ]);
  },
);

test('ten executions that compute for more than half of the timeout all complete', async () => {
  const kinds = Array.from({ length: 10 }, () => 'compute');
  expect(await run('dynamodb', kinds)).toEqual(kinds.map((kind) => [kind, 'completed', undefined]));
});

test('errors that no code handles end neither the invocation nor other executions', async () => {
  const kinds = ['slow', 'rejection', 'slow', 'exception', 'slow', 'emitter'];
  const ended = await run('sqs', kinds);
  expect(ended).toEqual(kinds.map((kind) => [kind, 'completed', undefined]));
});
