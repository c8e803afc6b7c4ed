import type { Envelope } from '../../../../lambda/engine';
import { defineMachine } from '../../../../lambda/machine';
import { Deployments } from '../../../support/deployments';
import { INCARNATION } from '../../../support/execution-key';
import { recordStartOf } from '../../../support/recorded-start';

const MINUTE = 60_000;

const line = defineMachine({
  name: 'line',
  initial: 'a',
  states: { a: { do: 'work', on: { go: 'b' } }, b: { final: true, do: 'work' } },
});
const actions = { work: () => 'go' };

const OLD = { machines: [line] };
/** An envelope of the next version of the library. */
const NEW = { machines: [line], read: (body: string) => body.replace('"version":2', '"version":1') };

function newer(executionId: string, sentAt: number): { readonly envelope: Envelope; readonly body: string } {
  const envelope: Envelope = {
    version: 2,
    executionId,
    incarnation: INCARNATION,
    machine: 'line',
    step: 0,
    parent: 0,
    attempt: 0,
    state: null,
    event: '$start',
    context: {},
    sentAt,
  };
  return { envelope, body: `${JSON.stringify(envelope).slice(0, -1)}, "added" : {"by": "version 2"}}` };
}

describe.each([
  { eventSources: ['sqs'], retryQueues: ['sqs'] },
  { eventSources: ['sqs-fifo'], retryQueues: ['dynamodb'] },
  { eventSources: ['kinesis'], retryQueues: ['sqs'] },
  { eventSources: ['dynamodb'], retryQueues: ['dynamodb'] },
] as const)('on $eventSources with retries on $retryQueues', (services) => {
  test('an envelope of a newer version waits unchanged for the newer function, and delays no other envelope', async () => {
    const workflow = new Deployments(OLD, actions, services);
    const { bench } = workflow;
    const sent = newer('early', bench.clock.now());
    await recordStartOf(bench.services.locks, { ...sent.envelope, now: bench.clock.now() });
    await bench.services.eventSources[0]!.send([sent]);
    await workflow.client((client) => client.start({ machine: 'line', executionId: 'other' }));
    await bench.advance(MINUTE);
    expect(workflow.lock('other')).toMatchObject({ status: 'completed' });
    await bench.advance(9 * MINUTE);
    expect(workflow.lock('early')).toMatchObject({ status: 'pending' });
    expect(workflow.deadLetters).toEqual([]);
    expect(bench.totals.of('Redelivery')).toBeGreaterThan(1);
    // The delays grow, because the newer function may take a long time to arrive.
    expect(bench.totals.of('Redelivery')).toBeLessThan(30);

    workflow.deploy(NEW);
    await bench.run();
    expect(workflow.lock('early')).toMatchObject({ status: 'completed', fence: 2 });
    const bodies = workflow.deliveries.map(({ body }) => body).filter((body) => body.includes('"version":2'));
    expect(new Set(bodies)).toEqual(new Set([sent.body]));
  });

  test('an envelope of a newer version is dead-lettered unchanged after 14 days', async () => {
    const workflow = new Deployments(OLD, actions, services);
    const { bench } = workflow;
    const sent = newer('early', bench.clock.now() - 14 * 24 * 60 * MINUTE - 1);
    await bench.services.eventSources[0]!.send([sent]);
    await bench.run();
    expect(bench.services.deadLetters.letters).toMatchObject([
      {
        reason:
          'The envelope has version 2; this runtime runs version 1. No newer runtime received it within 14 days: deploy the newer version of the library and send the message again.',
        executionId: 'early',
        body: sent.body,
      },
    ]);
  });
});

test('a step of a newer version is not mistaken for a step of the execution', async () => {
  const workflow = new Deployments(NEW, actions);
  const { bench } = workflow;
  await workflow.client((client) => client.start({ machine: 'line', executionId: 'x' }));
  await bench.run({ until: () => workflow.lock('x')?.fence === 1 });
  workflow.deploy(OLD);
  await bench.services.eventSources[0]!.send([newer('x', bench.clock.now())]);
  await bench.advance(10 * MINUTE);
  expect(workflow.ran).toEqual(['1 a', '2 b']);
  expect(bench.totals.of('Duplicate')).toBe(0);
  expect(workflow.deadLetters).toEqual([]);
});
