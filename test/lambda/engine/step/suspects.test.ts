import { defineMachine, implement, type Run } from '../../../../lambda/machine';
import { TestWorkflow, type EventSourceKind, type TestWorkflowOptions } from '../../../../lambda/testing';

const SOURCES: readonly EventSourceKind[] = ['sqs', 'sqs-fifo', 'kinesis', 'dynamodb', 'sns'];

const job = defineMachine({
  name: 'job',
  initial: 'working',
  states: { working: { do: 'work', on: { worked: 'done' } }, done: { final: true } },
});
const killer = defineMachine({
  name: 'killer',
  initial: 'killing',
  states: { killing: { do: 'kill', on: { killed: 'done' } }, done: { final: true } },
});

/** Starts nine healthy executions, and one whose action ends its invocation, and runs them to their end. */
async function poison(options: Omit<TestWorkflowOptions, 'implementations'>) {
  const runs: Run[] = [];
  const workflow = new TestWorkflow({
    implementations: [
      implement(job, {
        work: async (_context, run) => {
          runs.push(run);
          return 'worked';
        },
      }),
      implement(killer, { kill: async () => 'killed' }),
    ],
    faults: [{ on: 'actions.kill', fault: 'crash', effect: 'before' }],
    ...options,
  });
  const healthy = Array.from({ length: 9 }, (_, index) => `healthy-${index}`);
  for (const executionId of healthy) await workflow.start('job', { executionId });
  await workflow.start('killer', { executionId: 'killer' });
  await workflow.run();
  const statuses = workflow.executions
    .filter(({ executionId }) => executionId !== 'killer')
    .map(({ status }) => status);
  const [killed] = workflow.executions.filter(({ executionId }) => executionId === 'killer');
  return { workflow, runs, statuses, killed: await killed?.describe() };
}

describe.each(SOURCES)('an execution that ends its invocation, from %s', (source) => {
  test.each(['sqs', 'dynamodb'] as const)(
    'fails alone, and the others of its batch complete (retries: %s)',
    async (queue) => {
      const { workflow, statuses, killed, runs } = await poison({ eventSources: [source], retryQueues: [queue] });
      expect(statuses).toEqual(Array.from({ length: 9 }, () => 'completed'));
      // Lambda invokes the function three times for a message of a topic, which is less often than the step may be tried.
      if (source !== 'sns') expect(killed).toMatchObject({ status: 'failed', error: { name: 'InvocationDiedError' } });
      expect(workflow.deadLetters).toHaveLength(1);
      // Once beside the killer, and once alone.
      for (const executionId of new Set(runs.map((run) => run.executionId))) {
        expect(runs.filter((run) => run.executionId === executionId).length).toBeLessThanOrEqual(2);
      }
    },
  );
});

test('an execution that ends its invocation uses up its attempts', async () => {
  let kills = 0;
  const workflow = new TestWorkflow({
    implementations: [
      implement(killer, {
        kill: async () => {
          kills += 1;
          return 'killed';
        },
      }),
    ],
    eventSources: ['sqs'],
    faults: [{ on: 'actions.kill', fault: 'crash', effect: 'after' }],
  });
  await workflow.start('killer', { executionId: 'killer' });
  await workflow.run();
  expect(kills).toBe(6);
});
