import { connect } from '../../../../lambda/aws/connect';
import { connectClient } from '../../../../lambda/aws/connect-client';
import type { WorkflowConfiguration } from '../../../../lambda/contract/configuration';
import { Executions } from '../../../../lambda/engine';
import { acquireRecorded } from '../../../support/recorded-start';
import { Embedded } from '../../../support/servers/embedded';

const embedded = Embedded.use();
const SENDERS = 1_000;

async function deploy(): Promise<WorkflowConfiguration> {
  return {
    workflow: 'Orders',
    machines: ['order'],
    eventSource: { service: 'sqs', queueUrl: await embedded.queue() },
    retryQueues: [{ service: 'dynamodb', tableName: await embedded.table('retries'), shards: 2 }],
    lockTable: { service: 'dynamodb', tableName: await embedded.table('locks'), retentionDays: 30 },
    checkpointTable: { service: 'dynamodb', tableName: await embedded.table('checkpoints'), retentionDays: 30 },
    deadLetterQueue: { service: 'sqs', queueUrl: await embedded.queue() },
  };
}

/** Takes about 4 s on an idle machine with two cores. The bound leaves room for a busy one. */
test('1,000 concurrent senders to one execution are all accepted, each once, and the cost of the last is that of the first', async () => {
  const configuration = await deploy();
  const { ports, close } = await connect(configuration);
  const now = ports.clock.now();
  const { lock } = await acquireRecorded(ports.locks, {
    executionId: 'order-1',
    incarnation: 'a7',
    machine: 'order',
    step: 0,
    parent: 0,
    state: 'working',
    holder: 'h',
    handles: ['paid'],
    now,
    expires: now + 600_000,
    redriven: 0,
    alone: true,
  });
  const client = new Executions(await connectClient(configuration), ['order']);
  const results = await Promise.all(
    Array.from({ length: SENDERS }, (_, index) => client.send('order-1', 'paid', { id: `id-${index}`, data: index })),
  );
  expect(new Set(results)).toEqual(new Set(['waiting']));
  const seen = new Set<string>();
  let next: string | undefined;
  do {
    const page = await ports.mailbox.list(lock!, 100, next);
    page.mails.forEach(({ id }) => seen.add(id));
    ({ next } = page);
  } while (next !== undefined);
  expect(seen.size).toBe(SENDERS);
  await expect(client.send('order-1', 'paid', { id: 'id-7', data: 7 })).resolves.toBe('duplicate');
  expect(await ports.mailbox.first(lock!, ['paid'], 0)).toBeDefined();
  await ports.mailbox.expire(lock!);
  expect(await ports.mailbox.list(lock!, 10)).toEqual({ mails: [] });
  await close();
}, 120_000);
