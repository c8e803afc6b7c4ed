import { connect } from '../../../lambda/aws/connect';
import { jsonLogger, systemClock, systemRandom } from '../../../lambda/aws/system';
import type { BrokerName } from '../../../lambda/contract/brokers';
import type { RetryQueueConfiguration } from '../../../lambda/contract/configuration';
import { Engine, Executions, type Outcome } from '../../../lambda/engine';
import { normalize } from '../../../lambda/machine';
import { readInvocation } from '../../../lambda/runtime/records';
import { historyOf } from '../../support/history';
import { Embedded } from '../../support/servers/embedded';
import { SOURCES } from '../../support/sources';

/* A stream or a topic as the retry queue: a retry runs immediately, even if the machine configures a backoff. */

const embedded = Embedded.use();

const machine = normalize({
  name: 'line',
  initial: 'a',
  backoff: { baseSeconds: 30 },
  states: { a: { do: 'go', on: { go: 'b' } }, b: { final: true } },
});

const nothing = () => undefined;

async function deploy(service: BrokerName) {
  const checkpoints = await embedded.table('checkpoints');
  const [source, retries] = [await SOURCES.sqs(embedded, checkpoints), await SOURCES[service](embedded, checkpoints)];
  const connection = await connect(
    {
      workflow: 'Line',
      machines: ['line'],
      eventSource: source.configuration,
      // For these brokers, the configurations of event source and retry queue are equal.
      retryQueues: [retries.configuration as RetryQueueConfiguration],
      lockTable: { service: 'dynamodb', tableName: await embedded.table('locks'), retentionDays: 30 },
      checkpointTable: { service: 'dynamodb', tableName: checkpoints, retentionDays: 30 },
      deadLetterQueue: { service: 'sqs', queueUrl: await embedded.queue() },
    },
    {
      clock: systemClock,
      random: systemRandom,
      logger: jsonLogger('ERROR', nothing),
      metrics: { count: nothing, measure: nothing, flush: async () => undefined },
    },
  );
  const { ports } = connection;
  return { ...connection, source, retries, executions: new Executions(ports, ['line']) };
}

async function deliver(engine: Engine, records: readonly object[]): Promise<readonly Outcome[]> {
  const invoked = readInvocation({ Records: records });
  if (invoked.kind !== 'records') throw new Error('These are records.');
  return [...(await engine.process(invoked.deliveries, { deadline: Date.now() + 30_000 })).values()];
}

describe.each(['kinesis', 'sns'] as const)('retries over %s', (service) => {
  test('redelivers a failed step immediately, as its next attempt', async () => {
    const { ports, source, retries, executions, close } = await deploy(service);
    const attempts: number[] = [];
    const engine = new Engine(ports, [machine], () => async (_, { attempt }) => {
      attempts.push(attempt);
      if (attempts.length <= 2) throw new Error('not yet');
      return 'go';
    });
    await executions.start({ machine: 'line', executionId: 'e' });
    expect(await deliver(engine, await source.records())).toEqual(['acknowledge']);
    for (const round of [1, 2]) {
      const records = await retries.records();
      expect({ round, records: records.length }).toEqual({ round, records: 1 });
      expect(await deliver(engine, records)).toEqual(['acknowledge']);
    }
    expect(attempts).toEqual([0, 1, 2]);
    expect(await deliver(engine, await source.records())).toEqual(['acknowledge']);
    expect(await ports.locks.read('e')).toMatchObject({ status: 'completed', step: 1 });
    expect(
      (await historyOf(ports.journal, (await ports.locks.read('e'))!)).map(({ step, outcome, place }) => [
        step,
        outcome,
        place?.service,
      ]),
    ).toEqual([
      [0, 'retrying', service],
      [0, 'retrying', service],
      [0, 'dispatched', 'sqs'],
      [1, 'completed', undefined],
    ]);
    close();
  });
});
