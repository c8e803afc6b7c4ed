import { definitionHash, normalize, type Machine, type State } from '../../../lambda/machine';
import { order } from '../../support/machines';

const machine = normalize(order);
const { reserving, shipping } = machine.states as Record<keyof typeof order.states, State>;

test('the hash has 16 hexadecimal digits, and does not change between releases', () => {
  // Envelopes in flight carry the hash: if it changes, every running execution appears to have a different definition.
  expect(definitionHash(machine)).toBe('3568425ea16a42ca');
});

test('neither the order of names nor explicit defaults change the hash', () => {
  const { charging, ...others } = order.states;
  const { charged, declined } = charging.on;
  const reordered = {
    ...order,
    states: { ...others, charging: { ...charging, final: false, maxRetries: 3, on: { declined, charged } } },
  };
  expect(definitionHash(normalize(reordered))).toBe(definitionHash(machine));
});

test.each<[string, Partial<Machine>]>([
  ['another name', { name: 'orders' }],
  ['another initial state', { initial: 'charging' }],
  ['other retries', { maxRetries: 4 }],
  ['another backoff', { backoff: { baseSeconds: 3, capSeconds: 60 } }],
  ['another action', { states: { ...machine.states, reserving: { ...reserving, do: 'reserve' } } }],
  [
    'another event',
    {
      states: {
        ...machine.states,
        reserving: { ...reserving, on: { reserved: { target: 'charging', local: false } } },
      },
    },
  ],
  [
    'another target',
    {
      states: {
        ...machine.states,
        shipping: { ...shipping, catch: { target: 'done', action: 'apologize', local: false } },
      },
    },
  ],
])('%s changes the hash', (_name, change) => {
  expect(definitionHash({ ...machine, ...change })).not.toBe(definitionHash(machine));
});
