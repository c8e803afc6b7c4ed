import { World } from './world';
import { ENVELOPE_VERSION } from '../../lambda/engine';

const machine = { name: 'm', initial: 'a', maxRetries: 1, states: { a: { do: 'once', on: { go: 'b' } }, b: { final: true } } };

test('a message that cannot be put aside now does not keep what is due beside it from going on, and is put aside later', async () => {
  const world = new World([machine], {
    once: (_context, run) => {
      if (run.attempt === 0) throw new Error('not yet');
      return 'go';
    },
  }, { retryQueues: ['dynamodb'], faults: [{ on: 'deadLetters.put', fault: 'fail', call: 1 }] });
  const [retries] = world.services.retryQueues;
  const envelope = {
    version: ENVELOPE_VERSION, executionId: 'y', machine: 'm', step: 0, parent: 0, attempt: 0, state: null, event: '$start', context: {}, sentAt: 0,
  };
  await retries?.send([{ envelope, body: 'no envelope' }]);
  await world.start('m', 'x');
  await world.bench.run();
  expect(world.lock('x')).toMatchObject({ status: 'completed' });
  expect(world.effects.map(({ attempt }) => attempt)).toEqual([0, 1]);
  expect(world.services.deadLetters.letters).toMatchObject([{ body: 'no envelope' }]);
  expect(world.log.join('\n')).toContain('was not put aside as a dead letter');
});
