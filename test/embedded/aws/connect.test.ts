import { connect } from '../../../lambda/aws/connect';
import type { WorkflowConfiguration } from '../../../lambda/contract/configuration';
import { letter } from '../../contracts/dead-letters';
import { checkpoint } from '../../contracts/journal';
import { dispatch } from '../../contracts/transport';
import { requestsOf } from '../../support/count-requests';
import { INCARNATION } from '../../support/execution-key';
import { historyOf } from '../../support/history';
import { acquireRecorded } from '../../support/recorded-start';
import { Embedded } from '../../support/servers/embedded';

const embedded = Embedded.use();

async function deploy(
  more: (resources: { readonly queueUrl: string; readonly retries: string }) => Partial<WorkflowConfiguration>,
) {
  const checkpoints = await embedded.table('checkpoints');
  const dead = await embedded.queue();
  const resources = { queueUrl: await embedded.queue(), retries: await embedded.table('retries') };
  const configuration: WorkflowConfiguration = {
    workflow: 'Orders',
    machines: ['order'],
    eventSource: { service: 'sqs', queueUrl: resources.queueUrl },
    retryQueues: [{ service: 'dynamodb', tableName: resources.retries, shards: 2 }],
    lockTable: { service: 'dynamodb', tableName: await embedded.table('locks'), retentionDays: 30 },
    checkpointTable: { service: 'dynamodb', tableName: checkpoints, retentionDays: 30 },
    deadLetterQueue: { service: 'sqs', queueUrl: dead },
    ...more(resources),
  };
  return { ...resources, checkpoints, dead, configuration };
}

describe('connect', () => {
  test('provides every resource of the configuration through its port', async () => {
    const { configuration, queueUrl, retries, checkpoints, dead } = await deploy((resources) => ({
      failoverEventSource: { service: 'dynamodb' },
      retryQueues: [
        { service: 'dynamodb', tableName: resources.retries, shards: 2 },
        { service: 'sqs', queueUrl: resources.queueUrl },
      ],
    }));
    const { ports, dueStores, close } = await connect(configuration);
    expect(ports.eventSources.map(({ name }) => name)).toEqual(['sqs', 'dynamodb']);
    expect(ports.retryQueues.map(({ name }) => name)).toEqual(['dynamodb', 'sqs']);
    expect(dueStores).toEqual([ports.retryQueues[0]]);

    await ports.eventSources[0]?.send([dispatch('a', 0)]);
    await ports.eventSources[1]?.send([{ ...dispatch('a', 1), checkpoint: checkpoint('a', 0, 1) }]);
    await ports.retryQueues[0]?.send([dispatch('b', 0)]);
    await ports.retryQueues[1]?.send([dispatch('c', 0)]);
    await ports.mailbox.put({ executionId: 'a' }, { id: 'm', event: 'paid' });
    await ports.deadLetters.put(letter());
    const { acquired } = await acquireRecorded(ports.locks, {
      executionId: 'a',
      incarnation: INCARNATION,
      machine: 'order',
      step: 0,
      parent: 0,
      state: 's',
      holder: ports.random.id(),
      now: ports.clock.now(),
      expires: ports.clock.now() + 9,
      redriven: 0,
      alone: true,
    });

    expect(acquired).toBe(true);
    expect((await embedded.receive(queueUrl)).map(({ Body }) => Body).sort()).toEqual([
      dispatch('a', 0).body,
      dispatch('c', 0).body,
    ]);
    expect(await embedded.items(retries)).toHaveLength(1);
    expect(await embedded.receive(dead)).toHaveLength(1);
    expect((await embedded.items(checkpoints)).map(({ entry }) => entry?.S).sort()).toEqual([
      'id#m',
      'mail##4:paid#000000000001',
      'mailbox',
      'step#first#0000000000#0000000000000001',
    ]);
    expect(await historyOf(ports.journal, 'a')).toHaveLength(1);
    close();
  });

  test('provides streams and topics through the ports', async () => {
    const streamName = await embedded.stream(1);
    const { topicArn, queueUrl } = await embedded.topic();
    const stream = { service: 'kinesis', streamName } as const;
    const topic = { service: 'sns', topicArn } as const;
    const { configuration } = await deploy(() => ({
      eventSource: stream,
      failoverEventSource: topic,
      retryQueues: [topic, stream],
    }));
    const { ports, dueStores, close } = await connect(configuration);
    const transports = [...ports.eventSources, ...ports.retryQueues];
    expect(transports.map(({ name }) => name)).toEqual(['kinesis', 'sns', 'sns', 'kinesis']);
    expect(dueStores).toEqual([]);
    for (const [step, transport] of transports.entries()) {
      expect(await transport.send([dispatch('a', step)])).toMatchObject([{ ok: true }]);
    }
    expect(
      Object.values(await embedded.records(streamName))
        .flat()
        .map(({ data }) => data),
    ).toEqual([dispatch('a', 0).body, dispatch('a', 3).body]);
    expect((await embedded.receive(queueUrl)).map(({ Body }) => Body)).toEqual([
      dispatch('a', 1).body,
      dispatch('a', 2).body,
    ]);
    close();
  });

  test('sends no request on its own', async () => {
    const { configuration } = await deploy(() => ({}));
    expect(await requestsOf(async () => (await connect(configuration)).close())).toEqual([]);
  });

  test('loads the client of SQS on demand', async () => {
    const { configuration, dead } = await deploy(() => ({ eventSource: { service: 'dynamodb' } }));
    await jest.isolateModulesAsync(async () => {
      let isLoaded = false;
      jest.doMock('../../../lambda/aws/sqs/index.js', () => {
        isLoaded = true;
        return jest.requireActual<object>('../../../lambda/aws/sqs/index.js');
      });
      const { connect: connectAnew } = await import('../../../lambda/aws/connect.js');
      const { ports, close } = await connectAnew(configuration);
      expect(ports.eventSources.map(({ name }) => name)).toEqual(['dynamodb']);
      expect(isLoaded).toBe(false);
      await ports.deadLetters.put(letter());
      expect(isLoaded).toBe(true);
      close();
    });
    expect(await embedded.receive(dead)).toHaveLength(1);
  });

  test('uses the given clock, random numbers, logger and metrics', async () => {
    const { configuration } = await deploy(() => ({}));
    const system = {
      clock: { now: () => 7, sleep: async () => undefined },
      random: { next: () => 0.5, id: () => 'id' },
      logger: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
      metrics: { count: () => undefined, measure: () => undefined, flush: async () => undefined },
    };
    const { ports, close } = await connect(configuration, system);
    expect(ports).toMatchObject(system);
    close();
  });
});
