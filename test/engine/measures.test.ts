import { defineMachine, implement } from '../../lambda/machine';
import { TestWorkflow } from '../../lambda/testing';

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
    implementations: [implement(order, {
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
    })],
    // Half of the delay passes before the envelope is in the queue, the other half after that.
    retryQueues: ['sqs'],
    faults: options.delivery ? [{ on: 'client.eventSources', fault: 'delay', milliseconds: 2 * options.delivery }] : [],
  });
  return workflow;
}

describe('what is measured', () => {
  it('is how long the actions of each step took, by the state that it came to', async () => {
    const workflow = open();
    await workflow.start('order');
    await workflow.run();
    expect(workflow.metrics.millisecondsOf('StepDuration', 'order', 'packing')).toEqual([30]);
    // One step, because the transition between the two is local.
    expect(workflow.metrics.millisecondsOf('StepDuration', 'order', 'shipping')).toEqual([]);
    expect(workflow.metrics.millisecondsOf('StepDuration', 'order', 'billing')).toEqual([570]);
    expect(workflow.metrics.millisecondsOf('StepDuration')).toEqual([30, 570, 0]);
  });

  it('is how long those attempts took that failed, too, by the state in which they did', async () => {
    const workflow = open({ failing: 2 });
    await workflow.start('order');
    await workflow.run();
    expect(workflow.metrics.millisecondsOf('StepDuration', 'order', 'shipping')).toEqual([500, 500]);
    expect(workflow.metrics.millisecondsOf('StepDuration', 'order', 'billing')).toEqual([570]);
  });

  it('is how long each envelope was on its way, without the time for which it was to wait', async () => {
    const workflow = open({ failing: 2 });
    await workflow.start('order');
    await workflow.run();
    const ages = workflow.metrics.millisecondsOf('EnvelopeAge', 'order');
    expect(ages).toHaveLength(5);
    // A retry comes when it is due, to the second; counted from when the envelope was made it would be older than the attempt before it.
    expect(Math.max(...ages)).toBeLessThanOrEqual(1_000);
  });

  it('is longer when an envelope is held up on its way', async () => {
    const workflow = open({ delivery: 5_000 });
    await Promise.all([workflow.start('order'), workflow.run()]);
    expect(workflow.metrics.millisecondsOf('EnvelopeAge', 'order', 'packing')[0]).toBeGreaterThanOrEqual(5_000);
    expect(workflow.metrics.millisecondsOf('EnvelopeAge', 'order', 'shipping')[0]).toBeLessThan(5_000);
  });
});
