/*
 * Measures one kind of load on embedded servers: `starts`, `senders` or `due`.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { answer } from './child';
import { createTable, createWorkflow } from './sources';
import { connect } from '../lambda/aws/connect';
import { WorkflowClient } from '../lambda/client';
import { TIMER_PARTS } from '../lambda/contract';
import type { WorkflowConfiguration } from '../lambda/contract/configuration';
import { Engine } from '../lambda/engine';
import { encodeEnvelope } from '../lambda/engine/envelope/codec';
import { startEnvelope } from '../lambda/engine/envelope/create';

/** The answer of this file. */
export interface LoadCost {
  readonly count: number;
  readonly failed: number;
  readonly seconds: number;
  /** How much the heap has grown at its largest, and at the end, without garbage, in bytes. */
  readonly peakBytes: number;
  readonly leftBytes: number;
}

const STARTS = 100_000;
const SENDERS = 1_000;
const RETRIES = 30_000;
const SHARDS = 32;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** Runs work that returns the number of failures, and watches the heap. */
async function measure(count: number, work: () => Promise<number>): Promise<LoadCost> {
  const before = heapBytes();
  let peak = before;
  const watch = setInterval(() => (peak = Math.max(peak, heapBytes())), 1_000);
  const began = performance.now();
  const failed = await work();
  const seconds = (performance.now() - began) / 1_000;
  clearInterval(watch);
  return { count, failed, seconds, peakBytes: peak - before, leftBytes: heapBytes() - before };
}

const LOADS: Readonly<Record<string, (configuration: WorkflowConfiguration) => Promise<LoadCost>>> = {
  starts: (configuration) => {
    const client = new WorkflowClient(configuration);
    const requests = Array.from({ length: STARTS }, (_, order) => ({
      machine: 'ring',
      executionId: `order-${order}`,
      context: { order, text: 'x'.repeat(200) },
    }));
    return measure(STARTS, async () => {
      const results = await client.startMany(requests);
      return results.filter(({ outcome }) => outcome === 'failed').length;
    });
  },

  senders: async (configuration) => {
    const client = new WorkflowClient(configuration);
    await client.start({ machine: 'ring', executionId: 'ring' });
    return measure(SENDERS, async () => {
      const sent = await Promise.allSettled(
        Array.from({ length: SENDERS }, (_, index) => client.send('ring', 'go', { id: `id-${index}` })),
      );
      return sent.filter(({ status }) => status === 'rejected').length;
    });
  },

  due: async (configuration) => {
    const due = Date.now();
    const tableName = await createTable('due-retries', ['shard', 'due']);
    const retryQueues = [{ service: 'dynamodb', tableName, shards: SHARDS } as const];
    const { ports, dueStores } = await connect({ ...configuration, retryQueues });
    const [table] = ports.retryQueues;
    for (let first = 0; first < RETRIES; first += 25) {
      const entries = Array.from({ length: 25 }, (_, index) => {
        const executionId = `order-${first + index}`;
        const start = startEnvelope({ executionId, machine: 'ring', context: {}, sentAt: due }, ports.random.id());
        const envelope = { ...start, notBefore: due };
        return { envelope, body: encodeEnvelope(envelope) };
      });
      await table?.send(entries);
    }
    const engine = new Engine(ports, [], () => undefined);
    return measure(RETRIES, async () => {
      const invocation = { deadline: Date.now() + 600_000 };
      const parts = Array.from({ length: TIMER_PARTS }, (_, index) => ({ index, count: TIMER_PARTS }));
      await Promise.all(parts.map((part) => engine.sendDue(dueStores, invocation.deadline, invocation, part)));
      let left = 0;
      for (const store of dueStores) {
        for (let shard = 0; shard < SHARDS; shard += 1) {
          for await (const page of store.due(due, shard)) left += page.length;
        }
      }
      return left;
    });
  },
};

async function main([kind = '']: readonly string[]): Promise<void> {
  const load = LOADS[kind];
  if (!load) throw new Error(`Unknown load "${kind}": expected ${Object.keys(LOADS).join(', ')}.`);
  answer(await load(await createWorkflow('sqs')));
}

void main(process.argv.slice(2));
