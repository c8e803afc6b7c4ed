import {
  ASYNCHRONOUS_INVOCATION_DEFAULTS,
  isTooOld,
  retryDelayMs,
} from '../../../../lambda/testing/rules/asynchronous-invocation';
import { fromFirstFailure } from '../../../../lambda/testing/rules/stream-batch';

describe('asynchronous invocations', () => {
  test.each([
    [1, 60_000],
    [2, 120_000],
    [3, undefined],
  ])('after %d failures, the delay is %s ms', (failures, delay) => {
    expect(retryDelayMs(failures, ASYNCHRONOUS_INVOCATION_DEFAULTS)).toBe(delay);
  });

  test('an event is too old after six hours', () => {
    const sixHours = 6 * 3_600_000;
    expect(isTooOld(0, sixHours, ASYNCHRONOUS_INVOCATION_DEFAULTS)).toBe(false);
    expect(isTooOld(0, sixHours + 1, ASYNCHRONOUS_INVOCATION_DEFAULTS)).toBe(true);
  });
});

test.each([
  ['no record failed', [], []],
  ['the first record failed', ['a'], ['a', 'b', 'c']],
  ['several records failed', ['c', 'b'], ['b', 'c']],
])('if %s, the batch is redelivered from there', (_, failed, expected) => {
  expect(fromFirstFailure(['a', 'b', 'c'], (record) => failed.includes(record))).toEqual(expected);
});
