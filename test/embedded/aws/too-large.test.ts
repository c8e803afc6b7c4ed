import { connect } from '../../../lambda/aws/connect';
import { readDeadLetter } from '../../../lambda/aws/sqs/dead-letter-queue';
import { jsonLogger, systemClock, systemRandom } from '../../../lambda/aws/system';
import { BROKER_NAMES } from '../../../lambda/contract/brokers';
import { Engine, Executions } from '../../../lambda/engine';
import { normalize } from '../../../lambda/machine';
import { readInvocation } from '../../../lambda/runtime/records';
import { Embedded } from '../../support/servers/embedded';
import { SOURCES } from '../../support/sources';

const embedded = Embedded.use();

const machine = normalize({
  name: 'growing',
  initial: 'a',
  maxRetries: 0,
  states: { a: { do: 'grow', on: { go: 'b' } }, b: { final: true } },
});

test.each(BROKER_NAMES)(
  'an envelope that is too large for %s fails only its own execution',
  async (name) => {
    const checkpoints = await embedded.table('checkpoints');
    const source = await SOURCES[name](embedded, checkpoints);
    const deadLetters = await embedded.queue();
    const nothing = () => undefined;
    const { ports, close } = await connect(
      {
        workflow: 'Growing',
        machines: ['growing'],
        eventSource: source.configuration,
        retryQueues: [{ service: 'dynamodb', tableName: await embedded.table('retries'), shards: 1 }],
        lockTable: { service: 'dynamodb', tableName: await embedded.table('locks'), retentionDays: 30 },
        checkpointTable: { service: 'dynamodb', tableName: checkpoints, retentionDays: 30 },
        deadLetterQueue: { service: 'sqs', queueUrl: deadLetters },
      },
      {
        clock: systemClock,
        random: systemRandom,
        logger: { ...jsonLogger('ERROR'), error: nothing },
        metrics: { count: nothing, measure: nothing, flush: async () => undefined },
      },
    );
    const engine = new Engine(ports, [machine], () => async (context, { executionId }) => {
      if (executionId === 'large') context.text = 'x'.repeat(1_100_000);
      return 'go';
    });
    const deliver = async () => {
      const invoked = readInvocation({ Records: await source.records() });
      if (invoked.kind !== 'records') throw new Error('These are records.');
      return [...(await engine.process(invoked.deliveries, { deadline: Date.now() + 30_000 })).values()];
    };

    const executions = new Executions(ports, ['growing']);
    await executions.startMany(
      ['small', 'large', 'small-too'].map((executionId) => ({ machine: 'growing', executionId })),
    );
    expect(await deliver()).toEqual(['acknowledge', 'acknowledge', 'acknowledge']);
    expect(await deliver()).toEqual(['acknowledge', 'acknowledge']);

    const statuses = await Promise.all(
      ['small', 'large', 'small-too'].map(async (executionId) => (await executions.describe(executionId))?.status),
    );
    expect(statuses).toEqual(['completed', 'failed', 'completed']);
    expect((await executions.describe('large'))?.error).toMatchObject({
      name: 'EnvelopeTooLargeError',
      state: 'a',
      message: expect.stringMatching(/has 1100\d+ bytes; this workflow carries at most \d+/),
    });
    const [letter, ...others] = await embedded.receive(deadLetters);
    expect(others).toEqual([]);
    expect(letter && (await readDeadLetter(letter, deadLetters))).toMatchObject({
      executionId: 'large',
      machine: 'growing',
      reason: expect.stringContaining('EnvelopeTooLargeError'),
    });
    close();
  },
  30_000,
);
