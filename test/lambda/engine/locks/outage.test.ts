import { BROKER_NAMES } from '../../../../lambda/contract/brokers';
import { defineMachine } from '../../../../lambda/machine';
import { World } from '../../../support/world';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** a ──go──▶ b ──sent or timedOut──▶ c ──go──▶ end; the first attempt at `c` fails. */
const machine = defineMachine({
  name: 'line',
  initial: 'a',
  maxRetries: 1,
  states: {
    a: { do: 'go', on: { go: 'b' } },
    b: { on: { sent: 'c', timedOut: 'c' }, timeout: { seconds: 60, event: 'timedOut' } },
    c: { do: 'failOnce', on: { go: 'end' } },
    end: { final: true },
  },
});

describe('an outage of the lock store', () => {
  test.each(BROKER_NAMES)('loses nothing and uses up no attempt (%s)', async (eventSource) => {
    const outage = [
      // The start, the park and the retry each meet an outage of seconds, the timeout one of minutes.
      ...[0, 5, 12].map((from) => ({ from: from * SECOND, until: (from + 4) * SECOND })),
      { from: 50 * SECOND, until: 6 * MINUTE },
    ];
    const world = new World(
      [machine],
      {
        go: () => 'go',
        failOnce: (_context, { attempt }) => {
          if (attempt === 0) throw new Error('not yet');
          return 'go';
        },
      },
      {
        eventSources: [eventSource],
        retryQueues: ['sqs'],
        faults: outage.map((times) => ({ on: 'locks', fault: 'fail', effect: 'before', ...times })),
      },
    );
    for (let n = 0; n < 8; n += 1) await world.start('line', `x${n}`);
    await world.bench.run();
    expect(world.services.locks.all.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 'completed'));
    expect(world.services.deadLetters.letters).toEqual([]);
    expect(world.count('LockFailure')).toBeGreaterThan(8);
    expect(world.count('Retry')).toBe(8);
    expect(world.count('Timeout')).toBe(8);
  });
});
