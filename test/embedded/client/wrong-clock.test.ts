import { connectClient } from '../../../lambda/aws/connect-client';
import { defaultSystem, systemClock } from '../../../lambda/aws/system';
import { Executions } from '../../../lambda/engine';
import { Embedded } from '../../support/servers/embedded';

const DAY_MS = 86_400_000;

const embedded = Embedded.use();

/** A client whose clock is ahead by some days. */
async function clientOf(days: number, tables: { readonly locks: string; readonly checkpoints: string }) {
  const queueUrl = await embedded.queue();
  const clock = { ...systemClock, now: () => Date.now() + days * DAY_MS };
  const ports = await connectClient(
    {
      workflow: 'Orders',
      machines: ['order'],
      eventSource: { service: 'sqs', queueUrl },
      retryQueues: [{ service: 'sqs', queueUrl }],
      lockTable: { service: 'dynamodb', tableName: tables.locks, retentionDays: 30 },
      checkpointTable: { service: 'dynamodb', tableName: tables.checkpoints, retentionDays: 30 },
      deadLetterQueue: { service: 'sqs', queueUrl },
    },
    { ...defaultSystem(), clock },
  );
  return new Executions(ports, ['order']);
}

/** The days after which the items of a table expire. */
async function daysOf(tableName: string): Promise<number[]> {
  const ends = (await embedded.items(tableName)).flatMap(({ ttl }) => (ttl ? [Number(ttl.N) * 1_000] : []));
  return ends.map((end) => Math.round((end - Date.now()) / DAY_MS)).sort((a, b) => a - b);
}

test.each([-40, 40])('nothing that a client writes expires by its clock, which is %d days ahead', async (days) => {
  const tables = { locks: await embedded.table('locks'), checkpoints: await embedded.table('checkpoints') };
  const client = await clientOf(days, tables);
  await client.start({ machine: 'order', executionId: 'x' });
  expect(await client.send('x', 'paid', { id: 'once' })).toBe('waiting');
  // The mail and its counter after 400 days, the id after the retention.
  expect(await daysOf(tables.checkpoints)).toEqual([30, 400, 400]);
  const other = await clientOf(0, tables);
  expect(await other.send('x', 'paid', { id: 'once' })).toBe('duplicate');
  // A client that has made no other request yet.
  expect(await (await clientOf(days, tables)).cancel('x')).toBe('cancelled');
  expect(await daysOf(tables.locks)).toEqual([30]);
  expect(await other.start({ machine: 'order', executionId: 'x' })).toMatchObject({ outcome: 'exists' });
});
