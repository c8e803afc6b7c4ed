import type { Delivery, Outcome } from '../../../../lambda/engine';
import { sendDue } from '../../../../lambda/engine/retries/send-due';
import type { SimulatedWorkflowOptions } from '../../../../lambda/testing';
import type { ExecutionEnvironment } from '../../../../lambda/testing/bench/execution-environment';
import { SimulatedWorkflow } from '../../../../lambda/testing/bench/simulated-workflow';
import { dispatch } from '../../../contracts/transport';
import { keyOf } from '../../../support/execution-key';
import { mailsOf } from '../../../support/mails-of';

const BEGIN = new SimulatedWorkflow(() => ({
  process: async () => new Map(),
  sendDue: async () => undefined,
})).clock.now();

type Code = (deliveries: readonly Delivery[], environment: ExecutionEnvironment, deadline: number) => Promise<unknown>;

/** Creates a workflow whose function runs this code. It acknowledges everything, unless the code returns outcomes. */
const open = (code: Code, options: SimulatedWorkflowOptions = {}) =>
  new SimulatedWorkflow(
    (environment) => ({
      process: async (deliveries, { deadline }) => {
        const outcomes = await code(deliveries, environment, deadline);
        return outcomes instanceof Map
          ? (outcomes as Map<string, Outcome>)
          : new Map(deliveries.map(({ id }) => [id, 'acknowledge']));
      },
      sendDue: async (stores, until, invocation) => {
        await sendDue(environment.ports, stores, until, invocation);
        await environment.ports.metrics.flush();
      },
    }),
    options,
  );

const fill = async (workflow: SimulatedWorkflow, count: number) => {
  for (let step = 0; step < count; step++) await workflow.services.eventSources[0]!.send([dispatch('a', step)]);
};

describe('SimulatedWorkflow', () => {
  test('invokes the function with batches, concurrently', async () => {
    const batches: number[] = [];
    let most = 0;
    let now = 0;
    const workflow = open(
      async (deliveries, { ports }) => {
        batches.push(deliveries.length);
        most = Math.max(most, ++now);
        await ports.clock.sleep(1000);
        now--;
      },
      { batchSize: 4, concurrency: 2 },
    );
    await fill(workflow, 14);
    await workflow.run();
    expect([batches, most, workflow.clock.now() - BEGIN]).toEqual([[4, 4, 4, 2], 2, 2000]);
  });

  test('ends an invocation that exceeds the timeout, and redelivers its batch after the visibility timeout', async () => {
    const deliveredAt: number[] = [];
    const workflow = open(
      async (_, { ports }) => {
        deliveredAt.push(workflow.clock.now() - BEGIN);
        if (deliveredAt.length === 1) {
          await ports.clock.sleep(10_001);
          await ports.mailbox.put(keyOf('e'), { id: 'too late', event: 'e' });
        }
      },
      { timeout: 10_000 },
    );
    await fill(workflow, 1);
    await workflow.run();
    expect([deliveredAt, await mailsOf(workflow.services.mailbox, 'e'), workflow.clock.now() - BEGIN]).toEqual([
      [0, 40_000],
      [],
      40_000,
    ]);
  });

  test('lets a frozen invocation continue after its timeout', async () => {
    const invocations: ExecutionEnvironment[] = [];
    const workflow = open(
      async (_, environment) => {
        invocations.push(environment);
        if (invocations.length === 1) {
          await environment.ports.locks.read('e');
          await environment.ports.mailbox.put(keyOf('e'), {
            id: `late by ${workflow.clock.now() - BEGIN - 10_000}`,
            event: 'e',
          });
        }
      },
      {
        timeout: 10_000,
        faults: [{ fault: 'pause', on: 'locks.read', call: 1, effect: 'after', milliseconds: 70_000 }],
      },
    );
    await fill(workflow, 1);
    await workflow.run();
    expect(await mailsOf(workflow.services.mailbox, 'e')).toEqual([expect.objectContaining({ id: 'late by 60000' })]);
    expect(invocations).toHaveLength(2);
    expect(invocations[1]).not.toBe(invocations[0]);
  });

  test('reuses an environment unless it crashed', async () => {
    const names: string[] = [];
    const workflow = open(
      async (_, environment) => {
        names.push(environment.name);
        await environment.ports.locks.read('e');
      },
      { batchSize: 1, concurrency: 1, faults: [{ fault: 'crash', on: 'locks.read', call: 2 }] },
    );
    await fill(workflow, 3);
    await workflow.run();
    expect(names).toEqual(['environment-1', 'environment-1', 'environment-2', 'environment-2']);
  });

  test('gives environments skewed clocks, and deadlines by these clocks', async () => {
    const skews = new Set<number>();
    const workflow = open(
      async (_, { ports }, deadline) => {
        skews.add(ports.clock.now() - workflow.clock.now());
        expect(deadline - ports.clock.now()).toBe(30_000);
        await ports.clock.sleep(1);
      },
      { batchSize: 1, clockSkew: 2000 },
    );
    await fill(workflow, 50);
    await workflow.run();
    expect(skews.size).toBe(5);
    skews.forEach((skew) => expect(Math.abs(skew)).toBeLessThanOrEqual(2000));
  });

  test('advances time for a client without delivering messages', async () => {
    const workflow = open(async () => undefined, { faults: [{ fault: 'delay', on: 'client', milliseconds: 5000 }] });
    await fill(workflow, 1);
    await workflow.asClient((ports) => ports.locks.read('e'));
    expect([workflow.clock.now() - BEGIN, workflow.function.invocations]).toEqual([5000, 0]);
  });

  test('rethrows the error of a handler, which must not throw', async () => {
    const workflow = open(async () => {
      throw new Error('a bug');
    });
    await fill(workflow, 1);
    await expect(workflow.run()).rejects.toThrow('a bug');
  });

  test('polls a table of due envelopes once a minute, and skips minutes without due envelopes', async () => {
    const deliveredAt: number[] = [];
    const workflow = open(async () => deliveredAt.push(workflow.clock.now() - BEGIN), {
      retryQueues: ['dynamodb'],
      faults: [{ on: 'eventSources', fault: 'fail', effect: 'before', until: 3_700_000 }],
    });
    const [table] = workflow.services.retryQueues;
    await table!.send([
      dispatch('a', 0, { notBefore: BEGIN + 3_600_000 }),
      dispatch('b', 0, { notBefore: BEGIN + 7_230_000 }),
    ]);
    await workflow.run();
    // The first envelope could not be sent earlier. The second is due within its minute, but after the timer's invocation has ended.
    expect(deliveredAt).toEqual([3_720_000, 7_260_000]);
    expect(table!.size).toBe(0);
  });
});
