import { connect } from '../../../lambda/aws/connect';
import { connectClient } from '../../../lambda/aws/connect-client';
import type { WorkflowConfiguration } from '../../../lambda/contract/configuration';
import { Executions } from '../../../lambda/engine';
import { Embedded } from '../../support/servers/embedded';

const embedded = Embedded.use();

/** Two workflows that share a lock table and a checkpoint table. A key without escapes would confuse their executions. */
async function deploy() {
  const [locks, checkpoints] = [await embedded.table('locks'), await embedded.table('checkpoints')];
  const configurationOf = async (workflow: string): Promise<WorkflowConfiguration> => {
    const queueUrl = await embedded.queue();
    return {
      workflow,
      machines: ['order', 'refund'],
      eventSource: { service: 'sqs', queueUrl },
      retryQueues: [{ service: 'sqs', queueUrl }],
      lockTable: { service: 'dynamodb', tableName: locks, retentionDays: 30 },
      checkpointTable: { service: 'dynamodb', tableName: checkpoints, retentionDays: 30 },
      deadLetterQueue: { service: 'sqs', queueUrl },
      maxRunningExecutions: { order: 1 },
    };
  };
  return [await configurationOf('shop'), await configurationOf('shop/returns')] as const;
}

const IDS: readonly [own: string, other: string][] = [
  ['order-7', 'order-7'],
  ['returns/order-7', 'order-7'],
];

test.each(IDS)('executions %s and %s of two workflows are apart', async (own, other) => {
  const configurations = await deploy();
  const [shop, returns] = await Promise.all(
    configurations.map(async (configuration) => new Executions(await connectClient(configuration), undefined)),
  );
  expect(await shop!.start({ machine: 'order', executionId: own, context: { n: 1 } })).toMatchObject({
    outcome: 'started',
  });
  expect(await returns!.start({ machine: 'refund', executionId: other, context: { n: 2 } })).toMatchObject({
    outcome: 'started',
  });
  expect(await shop!.send(own, 'paid', { id: 'same', data: 1 })).toBe('waiting');
  expect(await returns!.send(other, 'paid', { id: 'same', data: 2 })).toBe('waiting');
  expect(await shop!.cancel(own)).toBe('cancelled');
  expect(await shop!.describe(own)).toMatchObject({ executionId: own, machine: 'order', status: 'cancelled' });
  expect(await returns!.describe(other)).toMatchObject({
    executionId: other,
    machine: 'refund',
    status: 'pending',
    waiting: [{ id: 'same' }],
  });
});

test('each workflow has a concurrency limit of its own', async () => {
  for (const configuration of await deploy()) {
    const { ports, close } = await connect(configuration);
    const execution = { executionId: configuration.workflow, fence: 0, expires: Date.now() + 60_000 };
    expect(await ports.running!.enter('running order 0', 1, execution)).toBe(true);
    close();
  }
});
