import { jsonLogger, systemClock, systemRandom } from '../../../lambda/aws/system';

describe('systemClock', () => {
  test('sleeps', async () => {
    const start = systemClock.now();
    await systemClock.sleep(30);
    expect(systemClock.now() - start).toBeGreaterThanOrEqual(29);
  });

  test('wakes on abort, and does not sleep if already aborted', async () => {
    const start = systemClock.now();
    const controller = new AbortController();
    const slept = systemClock.sleep(60_000, controller.signal);
    controller.abort();
    await slept;
    await systemClock.sleep(60_000, controller.signal);
    expect(systemClock.now() - start).toBeLessThan(5_000);
  });
});

describe('systemRandom', () => {
  test('creates unique ids', () => {
    expect(new Set(Array.from({ length: 1_000 }, () => systemRandom.id())).size).toBe(1_000);
    expect(systemRandom.next()).toBeLessThan(1);
  });
});

describe('jsonLogger', () => {
  const lines = (level?: string) => {
    const written: string[] = [];
    const logger = jsonLogger(level, (line) => {
      written.push(line);
    });
    logger.debug('a');
    logger.info('b\n', { executionId: 'e', step: 3 });
    logger.warn('c');
    logger.error('d');
    return written;
  };

  test('writes one line of JSON for each message', () => {
    const [line = ''] = lines('INFO');
    expect(line.endsWith('\n')).toBe(true);
    expect(line.trimEnd()).not.toContain('\n');
    expect(JSON.parse(line)).toEqual({
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      level: 'INFO',
      message: 'b\n',
      executionId: 'e',
      step: 3,
    });
  });

  test.each([
    ['TRACE', 4],
    ['DEBUG', 4],
    ['INFO', 3],
    ['WARN', 2],
    ['ERROR', 1],
    ['FATAL', 1],
  ])('with the minimum %s, writes %d of four levels', (level, count) => {
    expect(lines(level)).toHaveLength(count);
  });

  test('uses the level of the function, and INFO by default', () => {
    delete process.env.AWS_LAMBDA_LOG_LEVEL;
    expect(lines()).toHaveLength(3);
    process.env.AWS_LAMBDA_LOG_LEVEL = 'ERROR';
    expect(lines()).toHaveLength(1);
    delete process.env.AWS_LAMBDA_LOG_LEVEL;
  });
});

test('the clock sleeps for more than 24 days', async () => {
  jest.useFakeTimers();
  try {
    const days = 86_400_000;
    let awake = false;
    void systemClock.sleep(30 * days).then(() => (awake = true));
    await jest.advanceTimersByTimeAsync(29 * days);
    expect(awake).toBe(false);
    await jest.advanceTimersByTimeAsync(days);
    expect(awake).toBe(true);
  } finally {
    jest.useRealTimers();
  }
});
