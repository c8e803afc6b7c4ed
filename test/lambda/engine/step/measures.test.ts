import { defineMachine, implement } from '../../../../lambda/machine';
import { TestWorkflow } from '../../../../lambda/testing';

const order = defineMachine({
  name: 'order',
  initial: 'packing',
  states: {
    packing: { do: 'pack', on: { packed: 'shipping' } },
    shipping: { do: 'ship', on: { shipped: { target: 'billing', local: true } } },
    billing: { do: 'bill', on: { billed: 'done' } },
    done: { final: true },
  },
});

function open(options: { readonly failing?: number; readonly delivery?: number } = {}): TestWorkflow {
  const workflow: TestWorkflow = new TestWorkflow({
    implementations: [
      implement(order, {
        pack: async () => {
          await workflow.sleep({ milliseconds: 30 });
          return 'packed';
        },
        ship: async (_, run) => {
          await workflow.sleep({ milliseconds: 500 });
          if (run.attempt < (options.failing ?? 0)) throw new Error('no carrier');
          return 'shipped';
        },
        bill: async () => {
          await workflow.sleep({ milliseconds: 70 });
          return 'billed';
        },
      }),
    ],
    // Half of the delay passes before the envelope reaches the queue, the other half afterwards.
    retryQueues: ['sqs'],
    faults: options.delivery ? [{ on: 'client.eventSources', fault: 'delay', milliseconds: 2 * options.delivery }] : [],
  });
  return workflow;
}

describe('measures', () => {
  test('how long the actions of each step took, by the state that the step ended in', async () => {
    const workflow = open();
    await workflow.start('order');
    await workflow.run();
    expect(workflow.metrics.millisecondsOf('StepDuration', 'order', 'packing')).toEqual([30]);
    // One step, because the transition between the two is local.
    expect(workflow.metrics.millisecondsOf('StepDuration', 'order', 'shipping')).toEqual([]);
    expect(workflow.metrics.millisecondsOf('StepDuration', 'order', 'billing')).toEqual([570]);
    expect(workflow.metrics.millisecondsOf('StepDuration')).toEqual([30, 570, 0]);
  });

  test('how long failed attempts took, by the state that failed', async () => {
    const workflow = open({ failing: 2 });
    await workflow.start('order');
    await workflow.run();
    expect(workflow.metrics.millisecondsOf('StepDuration', 'order', 'shipping')).toEqual([500, 500]);
    expect(workflow.metrics.millisecondsOf('StepDuration', 'order', 'billing')).toEqual([570]);
  });

  test('the age of each envelope, without its intended delay', async () => {
    const workflow = open({ failing: 2 });
    await workflow.start('order');
    await workflow.run();
    const ages = workflow.metrics.millisecondsOf('EnvelopeAge', 'order');
    expect(ages).toHaveLength(5);
    // A retry arrives within a second after it is due. Counted from the creation of the envelope, it would be older than the attempt before.
    expect(Math.max(...ages)).toBeLessThanOrEqual(1_000);
  });

  test('the delay of an envelope in transit', async () => {
    const workflow = open({ delivery: 5_000 });
    await Promise.all([workflow.start('order'), workflow.run()]);
    expect(workflow.metrics.millisecondsOf('EnvelopeAge', 'order', 'packing')[0]).toBeGreaterThanOrEqual(5_000);
    expect(workflow.metrics.millisecondsOf('EnvelopeAge', 'order', 'shipping')[0]).toBeLessThan(5_000);
  });
});
