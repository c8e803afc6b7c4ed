import { EmbeddedMetrics } from '../../../../lambda/aws/cloudwatch/embedded-metrics';

const NOW = 1_900_000_000_000;

function open(workflow = 'Orders') {
  const written: string[] = [];
  const metrics = new EmbeddedMetrics(workflow, { now: () => NOW, sleep: async () => undefined }, (lines) => {
    written.push(lines);
  });
  const lines = () =>
    written
      .join('')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { metrics, written, lines };
}

describe('EmbeddedMetrics', () => {
  test('writes nothing if nothing was counted', () => {
    const { metrics, written } = open();
    void metrics.flush();
    expect(written).toEqual([]);
  });

  test('sums counters, and writes one line for each machine and state in one call', () => {
    const { metrics, written, lines } = open();
    metrics.count('Transition', 'order', 'charging');
    metrics.count('Transition', 'order', 'charging');
    metrics.count('Retry', 'order', 'charging');
    metrics.count('Transition', 'order', 'shipping');
    metrics.count('CheckpointFailure', 'order');
    metrics.count('LockFailure');
    expect(written).toEqual([]);
    void metrics.flush();
    expect(written).toHaveLength(1);
    expect(written[0]?.endsWith('}\n')).toBe(true);
    expect(lines()[0]).toEqual({
      _aws: {
        Timestamp: NOW,
        CloudWatchMetrics: [
          {
            Namespace: 'CdkLambdaFsm',
            Dimensions: [['workflow'], ['workflow', 'machine'], ['workflow', 'machine', 'state']],
            Metrics: [
              { Name: 'Transition', Unit: 'Count' },
              { Name: 'Retry', Unit: 'Count' },
            ],
          },
        ],
      },
      workflow: 'Orders',
      machine: 'order',
      state: 'charging',
      Transition: 2,
      Retry: 1,
    });
    expect(lines().slice(1)).toMatchObject([
      { workflow: 'Orders', machine: 'order', state: 'shipping', Transition: 1 },
      {
        _aws: { CloudWatchMetrics: [{ Dimensions: [['workflow'], ['workflow', 'machine']] }] },
        machine: 'order',
        CheckpointFailure: 1,
      },
      { _aws: { CloudWatchMetrics: [{ Dimensions: [['workflow']] }] }, workflow: 'Orders', LockFailure: 1 },
    ]);
  });

  test('writes all measured values next to the counters, so that CloudWatch can compute percentiles', () => {
    const { metrics, lines } = open();
    metrics.count('Transition', 'order', 'charging');
    metrics.measure('StepDuration', 12, 'order', 'charging');
    metrics.measure('StepDuration', 30, 'order', 'charging');
    metrics.measure('EnvelopeAge', 7, 'order', 'charging');
    void metrics.flush();
    expect(lines()).toMatchObject([
      {
        _aws: {
          CloudWatchMetrics: [
            {
              Dimensions: [['workflow'], ['workflow', 'machine'], ['workflow', 'machine', 'state']],
              Metrics: [
                { Name: 'Transition', Unit: 'Count' },
                { Name: 'StepDuration', Unit: 'Milliseconds' },
                { Name: 'EnvelopeAge', Unit: 'Milliseconds' },
              ],
            },
          ],
        },
        Transition: 1,
        StepDuration: [12, 30],
        EnvelopeAge: [7],
      },
    ]);
  });

  test('starts another line after 100 values, without repeating any', () => {
    const { metrics, lines } = open();
    const durations = Array.from({ length: 201 }, (_, index) => index);
    metrics.count('Transition', 'order');
    metrics.measure('EnvelopeAge', 7, 'order');
    durations.forEach((milliseconds) => metrics.measure('StepDuration', milliseconds, 'order'));
    void metrics.flush();
    expect(lines().map(({ StepDuration }) => (StepDuration as number[]).length)).toEqual([100, 100, 1]);
    expect(lines().flatMap(({ StepDuration }) => StepDuration)).toEqual(durations);
    expect(lines().map(({ Transition }) => Transition)).toEqual([1, undefined, undefined]);
    expect(lines().map(({ EnvelopeAge }) => EnvelopeAge)).toEqual([[7], undefined, undefined]);
    expect(lines()[2]).toMatchObject({ _aws: { CloudWatchMetrics: [{ Metrics: [{ Name: 'StepDuration' }] }] } });
  });

  test('starts from zero after a flush', () => {
    const { metrics, lines } = open();
    metrics.count('Busy');
    void metrics.flush();
    void metrics.flush();
    metrics.count('Busy');
    void metrics.flush();
    expect(lines().map(({ Busy }) => Busy)).toEqual([1, 1]);
  });

  test('encodes every dimension as CloudWatch requires', () => {
    const { metrics, lines } = open('Bestellungen für 😀');
    metrics.count('Busy', ':order\n', 'x'.repeat(2_000));
    void metrics.flush();
    expect(lines()).toMatchObject([
      { workflow: 'Bestellungen f%C3%BCr %F0%9F%98%80', machine: '%3Aorder%0A', state: 'x'.repeat(1_024) },
    ]);
  });

  test('writes to the standard output', () => {
    const write = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      const metrics = new EmbeddedMetrics('Orders', { now: () => NOW, sleep: async () => undefined });
      metrics.count('Busy');
      void metrics.flush();
      expect(write).toHaveBeenCalledWith(expect.stringMatching(/^\{"_aws".*\}\n$/));
    } finally {
      write.mockRestore();
    }
  });
});
