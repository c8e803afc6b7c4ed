import type { Envelope } from '../../../../lambda/engine';
import { defineMachine } from '../../../../lambda/machine';
import { Deployments } from '../../../support/deployments';
import { INCARNATION } from '../../../support/execution-key';

const line = defineMachine({
  name: 'line',
  initial: 'a',
  states: { a: { do: 'work', on: { go: 'b' } }, b: { final: true, do: 'work' } },
});
const deployed = { machines: [line] };

/** An envelope that an attacker could put into an event source. */
const forged = (executionId: string, fields: Partial<Envelope>) => {
  const envelope: Envelope = {
    version: 1,
    executionId,
    incarnation: INCARNATION,
    machine: 'line',
    step: 0,
    parent: 0,
    attempt: 0,
    state: null,
    event: '$start',
    context: {},
    sentAt: 0,
    ...fields,
  };
  return { envelope, body: JSON.stringify(envelope) };
};

test.each(['sqs', 'dynamodb'] as const)(
  'metrics contain only names of the definition, even if envelopes fail and wait on %s',
  async (retryQueue) => {
    const workflow = new Deployments(
      deployed,
      { work: () => 'go' },
      {
        eventSources: ['kinesis', 'sqs'],
        retryQueues: [retryQueue],
        // The timer also finds that the first source accepts nothing.
        faults: [
          { on: 'eventSources[0]', fault: 'fail', effect: 'before' },
          ...(['retryQueues[0]', 'locks.acquire'] as const).map(
            (on) => ({ on, fault: 'fail', effect: 'before', share: 0.7 }) as const,
          ),
        ],
        seed: 4,
      },
    );
    const { bench } = workflow;
    const forgeries = [
      forged('machine', { machine: 'forged' }),
      forged('state', { step: 1, parent: 1, state: 'forged', event: 'go' }),
      forged('prototype', { machine: 'constructor' }),
      forged('waits', { machine: 'forged', notBefore: bench.clock.now() + 90_000 }),
      forged('newer', { machine: 'forged', definition: 'f'.repeat(16) }),
    ];
    await bench.services.eventSources[1]!.send(forgeries);
    await workflow.client((client) => client.start({ machine: 'line', executionId: 'mine' }));
    await bench.run();
    expect(workflow.lock('mine')).toMatchObject({ status: 'completed' });
    const counted = bench.totals.all;
    expect(
      counted.filter(
        ({ name, machine }) => (name === 'Failover' || name === 'DispatchFailure') && machine === undefined,
      ).length,
    ).toBeGreaterThan(0);
    expect([...new Set(counted.map(({ machine, state }) => [machine, state].join(' ')))].sort()).toEqual([
      ' ',
      'line ',
      'line a',
      'line b',
    ]);
  },
);
