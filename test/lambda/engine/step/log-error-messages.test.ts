import type { MachineInput } from '../../../../lambda/machine';
import { World } from '../../../support/world';

const machine: MachineInput = {
  name: 'order',
  initial: 'charging',
  maxRetries: 1,
  states: { charging: { do: 'charge', on: { charged: 'done' } }, done: { final: true } },
};

async function logOf(logErrorMessages: boolean | undefined): Promise<readonly string[]> {
  const charge = () => {
    throw new RangeError('card 4111 declined', { cause: new Error('the limit is 90') });
  };
  const world = new World([machine], { charge }, {}, { logErrorMessages });
  await world.start('order', 'order-17');
  await world.bench.run();
  expect(world.lock('order-17')?.status).toBe('failed');
  return world.log;
}

test.each([undefined, false])(
  'by default, the log has no message of an error that an action throws',
  async (option) => {
    const log = (await logOf(option)).join('\n');
    expect(log).toContain('failed with RangeError');
    expect(log).not.toMatch(/4111|the limit is 90/);
  },
);

test('on request, the log has the message, the stack and the causes of the error, and the reason of the dead letter', async () => {
  const log = await logOf(true);
  const failures = log.filter((line) => line.startsWith('The step into state "charging" failed with RangeError at '));
  expect(failures).toHaveLength(2);
  for (const line of failures) {
    expect(JSON.parse(line.slice(line.indexOf('{')))).toMatchObject({
      executionId: 'order-17',
      error: {
        name: 'RangeError',
        message: 'card 4111 declined',
        stack: expect.stringContaining('log-error-messages.test'),
        cause: { name: 'Error', message: 'the limit is 90' },
      },
    });
  }
  expect(log.join('\n')).toContain('failed permanently with RangeError: card 4111 declined');
});
