import { Embedded } from './embedded';
import { SOURCES } from './sources';
import type { RetryQueueConfiguration } from '../../lambda/aws/configuration';
import { connect } from '../../lambda/aws/connect';
import { jsonLogger, systemClock, systemRandom } from '../../lambda/aws/system';
import { Engine, Executions, type Outcome } from '../../lambda/engine';
import { normalize } from '../../lambda/machine';
import { readInvocation } from '../../lambda/runtime/records';

/* A stream or a topic as the retry queue: what it gets may run at once, although the machine asks for a backoff. */

const embedded = Embedded.use();

const machine = normalize({ name: 'line', initial: 'a', backoff: { baseSeconds: 30 }, states: { a: { do: 'go', on: { go: 'b' } }, b: { final: true } } });

const nothing = () => undefined;

async function deploy(service: string) {
  const checkpoints = await embedded.table('checkpoints');
  const [source, retries] = [await SOURCES.sqs!(embedded, checkpoints), await SOURCES[service]!(embedded, checkpoints)];
  const connection = await connect({
    workflow: 'Line',
    machines: ['line'],
    eventSource: source.configuration,
    // Of these services, both configurations are the same.
    retryQueues: [retries.configuration as RetryQueueConfiguration],
    lockTable: { service: 'dynamodb', tableName: await embedded.table('locks'), retentionDays: 30 },
    checkpointTable: { service: 'dynamodb', tableName: checkpoints, retentionDays: 30 },
    deadLetterQueue: { service: 'sqs', queueUrl: await embedded.queue() },
  }, { clock: systemClock, random: systemRandom, logger: jsonLogger('ERROR', nothing), metrics: { count: nothing, measure: nothing, flush: async () => undefined } });
  const { ports } = connection;
  return { ...connection, source, retries, executions: new Executions(ports, ['line']) };
}

async function deliver(engine: Engine, records: readonly object[]): Promise<readonly Outcome[]> {
  const invoked = readInvocation({ Records: records });
  if (invoked.kind !== 'records') throw new Error('These are records.');
  return [...(await engine.process(invoked.deliveries, { deadline: Date.now() + 30_000 })).values()];
}

describe.each(['kinesis', 'sns'])('retries over %s', (service) => {
  it('brings a failed step back at once, as its next attempt', async () => {
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
    expect((await ports.journal.history('e')).map(({ step, outcome, place }) => [step, outcome, place?.service])).toEqual([
      [0, 'retrying', service], [0, 'retrying', service], [0, 'dispatched', 'sqs'], [1, 'completed', undefined],
    ]);
    close();
  });
});
