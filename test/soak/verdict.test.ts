import type { HeapSample } from './heap';
import { outagesOf, type Progress } from './schedule';
import { judgeExecutions, judgeMemory, judgeThroughput } from './verdict';
import { SeededRandom } from '../../lambda/testing/determinism/seeded-random';

const MB = 2 ** 20;

/** An environment whose memory varies by half a megabyte, and grows. */
function environment(name: string, growth: number, count = 100): HeapSample[] {
  const random = new SeededRandom(name);
  return Array.from({ length: count }, (_, n) => ({
    environment: name,
    actions: 300 * n,
    bytes: 20 * MB + 300 * n * growth + (random.next() - 0.5) * MB,
  }));
}

describe('memory', () => {
  test.each([
    [0, 0],
    [20, 0],
    [-500, 0],
    [300, 1],
    [2_000, 1],
  ])('that grows by %d bytes for each action has %d problems', (growth, count) => {
    expect(judgeMemory(environment('one', growth)).problems).toHaveLength(count);
  });

  test('is judged separately for each environment, since new ones are smaller', () => {
    expect(judgeMemory([...environment('one', 0), ...environment('two', 0)]).problems).toEqual([]);
    expect(judgeMemory([...environment('one', 0), ...environment('two', 500)]).problems).toEqual([
      expect.stringContaining('The memory of environment two grows by'),
    ]);
  });

  test('may grow for a short time', () => {
    expect(judgeMemory(environment('one', 200, 20)).problems).toEqual([]);
    expect(judgeMemory(environment('one', 200, 200)).problems).toHaveLength(1);
  });

  test('cannot be judged by few samples', () => {
    expect(judgeMemory([...environment('one', 0, 9), ...environment('two', 0, 5)]).problems).toEqual([
      'No environment ran long enough to measure the growth of its memory.',
    ]);
  });
});

describe('throughput', () => {
  const MINUTES = 5;
  const outages = outagesOf(MINUTES * 60_000);
  /** The progress in each second. */
  const progressOf = (rateAt: (second: number) => number): Progress[] => {
    let transitions = 0;
    return Array.from({ length: MINUTES * 60 }, (_, second) => ({
      at: 1000 * second,
      transitions: (transitions += rateAt(second)),
      processor: 1000 * second,
    }));
  };
  const problems = (rateAt: (second: number) => number) =>
    judgeThroughput(outages, progressOf(rateAt)).flatMap((finding) => finding.problems);

  test('is measured before and after the outages of each service', () => {
    expect(outages.map(({ service, begin }) => [service, begin])).toEqual([
      ['sqs', 60_000],
      ['dynamodb', 120_000],
      ['sqs', 180_000],
      ['dynamodb', 240_000],
    ]);
    expect(
      judgeThroughput(
        outages,
        progressOf(() => 300),
      ).map(({ what, measured }) => `${what}: ${measured}`),
    ).toEqual([
      'transitions per second of processor time, before and after outages of sqs: 300 → 300, 300 → 300',
      'transitions per second of processor time, before and after outages of dynamodb: 300 → 300, 300 → 300',
    ]);
  });

  test('may be zero during an outage, and until returned messages are visible again', () => {
    expect(problems((second) => (second > 60 && second % 60 < 39 ? 0 : 300))).toEqual([]);
  });

  test('may be low for a while if it recovers', () => {
    expect(problems((second) => (second > 60 && second % 60 < 49 ? 10 : 300))).toEqual([]);
  });

  test('may be low while other processes use the processor', () => {
    const busy = progressOf((second) => (second < 125 ? 300 : 60)).map(({ processor, ...rest }) => ({
      ...rest,
      processor: processor <= 125_000 ? processor : 125_000 + (processor - 125_000) / 5,
    }));
    expect(judgeThroughput(outages, busy).flatMap((finding) => finding.problems)).toEqual([]);
  });

  test('must recover', () => {
    expect(problems((second) => (second < 185 ? 300 : 150))).toEqual([
      'The throughput did not recover after the outage of sqs at 180 s: 300 → 150.',
    ]);
    expect(problems(() => 0)).toHaveLength(4);
  });
});

test('judgeExecutions lists the problems of the executions', () => {
  expect(judgeExecutions(3, { endings: { completed: 2, running: 1 }, problems: ['One is running.'] })).toEqual({
    what: '3 executions',
    measured: '2 completed, 1 running',
    problems: ['One is running.'],
  });
});
