import type { SeededRandom } from '../../lambda/testing';

/** Values that JSON cannot represent, or would change silently. An action that stores one of them has failed. */
const VALUES: readonly (() => unknown)[] = [
  () => -0,
  () => Number.NaN,
  () => 1n,
  () => new Date(0),
  () => new Map([['a', 1]]),
  () => Object.create(null),
  () => ({ [Symbol('key')]: 1 }),
  () => Object.assign([1], { extra: 1 }),
  () => Array(2),
  () => () => 1,
  () => {
    const circle: unknown[] = [];
    circle.push(circle);
    return { circle };
  },
];

/** Values that actions throw. Most of them are not well-formed errors. */
const ERRORS: readonly ((message: string) => unknown)[] = [
  (message) => new Error(message),
  (message) => message,
  () => undefined,
  () => null,
  () => Object.create(null),
  (message) => Object.assign(new Error(message), { name: null }),
  (message) => Object.assign(new Error(message), { name: Symbol('name') }),
  (message) => Object.assign(new Error(message), { name: 'N'.repeat(5_000) }),
  (message) => Object.assign(new Error(message), { message: null }),
  (message) => Object.assign(new Error(message), { stack: null }),
  (message) => Object.assign(new Error(message), { cause: { toJSON: () => message } }),
  (message) => new AggregateError([new Error(message), null], message),
  (message) =>
    Object.defineProperty(new Error(message), 'message', {
      get: () => {
        throw new Error(message);
      },
    }),
  (message) => new Proxy(new Error(message), {}),
];

/** Draws a value that an action must not store. */
export function drawValue(random: SeededRandom): () => unknown {
  return random.pick(VALUES);
}

/** Draws what a failing action throws. */
export function drawError(random: SeededRandom): (message: string) => unknown {
  return random.pick(ERRORS);
}
