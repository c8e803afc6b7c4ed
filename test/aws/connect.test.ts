import { requestsOf } from './count-requests';
import { Embedded } from './embedded';
import type { WorkflowConfiguration } from '../../lambda/aws/configuration';
import { connect, defaultSystem } from '../../lambda/aws/connect';
import { letter } from '../contract/dead-letters';
import { checkpoint } from '../contract/journal';
import { dispatch } from '../contract/transport';

const embedded = Embedded.use();

async function deploy(more: (resources: { readonly queueUrl: string; readonly retries: string }) => Partial<WorkflowConfiguration>) {
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
  it('has every resource of the configuration behind its port', async () => {
    const { configuration, queueUrl, retries, checkpoints, dead } = await deploy((resources) => ({
      failoverEventSource: { service: 'dynamodb' },
      retryQueues: [{ service: 'dynamodb', tableName: resources.retries, shards: 2 }, { service: 'sqs', queueUrl: resources.queueUrl }],
    }));
    const { ports, dueStores, close } = await connect(configuration);
    expect(ports.eventSources.map(({ name }) => name)).toEqual(['sqs', 'dynamodb']);
    expect(ports.retryQueues.map(({ name }) => name)).toEqual(['dynamodb', 'sqs']);
    expect(dueStores).toEqual([ports.retryQueues[0]]);

    await ports.eventSources[0]?.send([dispatch('a', 0)]);
    await ports.eventSources[1]?.send([{ ...dispatch('a', 1), checkpoint: checkpoint('a', 0, 1) }]);
    await ports.retryQueues[0]?.send([dispatch('b', 0)]);
    await ports.retryQueues[1]?.send([dispatch('c', 0)]);
    await ports.mailbox.put('a', { id: 'm', event: 'paid' });
    await ports.deadLetters.put(letter());
    const { acquired } = await ports.locks.acquire({
      executionId: 'a', machine: 'order', step: 0, parent: 0, state: 's', holder: ports.random.id(), now: ports.clock.now(), expires: ports.clock.now() + 9,
    });

    expect(acquired).toBe(true);
    expect((await embedded.receive(queueUrl)).map(({ Body }) => Body).sort()).toEqual([dispatch('a', 0).body, dispatch('c', 0).body]);
    expect(await embedded.items(retries)).toHaveLength(1);
    expect(await embedded.receive(dead)).toHaveLength(1);
    expect((await embedded.items(checkpoints)).map(({ entry }) => entry?.S).sort()).toEqual([
      'mail#0000000001', 'mailbox', 'mailid#m', 'step#0000000000#0000000000000001',
    ]);
    expect(await ports.journal.history('a')).toHaveLength(1);
    close();
  });

  it('has a second lock store behind the first, if there is one', async () => {
    const failoverLockTable = { service: 'dynamodb', tableName: await embedded.table('locks'), retentionDays: 30 } as const;
    const { configuration } = await deploy(() => ({
      // A table that is not there fails each request.
      lockTable: { service: 'dynamodb', tableName: 'gone', retentionDays: 30 }, failoverLockTable, functionTimeoutSeconds: 30,
    }));
    const time = { now: 1_900_000_000_000 };
    const clock = { now: () => time.now, sleep: async () => undefined };
    const { ports, close } = await connect(configuration, { ...defaultSystem(), clock });
    const acquire = (holder: string) => ports.locks.acquire({
      executionId: 'a', machine: 'order', step: 3, parent: 5, state: 's', holder, now: time.now, expires: time.now + 9,
    });
    const refusals = [];
    for (let tries = 0; tries < 3; tries += 1) {
      refusals.push(await acquire('me').catch(({ name }: Error) => name));
      time.now += 40_000;
    }
    refusals.push(await acquire('me').catch(({ name }: Error) => name));
    time.now += 40_000;
    expect(refusals).toEqual(['ResourceNotFoundException', 'ResourceNotFoundException', 'ResourceNotFoundException', 'LocksUnavailableError']);
    expect(await acquire('me')).toMatchObject({ acquired: true, lock: { step: 3, parent: 5, fence: 2 ** 32 + 6 } });
    expect((await embedded.items(failoverLockTable.tableName)).map(({ executionId }) => executionId?.S).sort()).toEqual(['a', 'lock store in use']);
    close();
  });

  it('has streams and topics behind the ports, too', async () => {
    const streamName = await embedded.stream(1);
    const { topicArn, queueUrl } = await embedded.topic();
    const stream = { service: 'kinesis', streamName } as const;
    const topic = { service: 'sns', topicArn } as const;
    const { configuration } = await deploy(() => ({ eventSource: stream, failoverEventSource: topic, retryQueues: [topic, stream] }));
    const { ports, dueStores, close } = await connect(configuration);
    const transports = [...ports.eventSources, ...ports.retryQueues];
    expect(transports.map(({ name }) => name)).toEqual(['kinesis', 'sns', 'sns', 'kinesis']);
    expect(dueStores).toEqual([]);
    for (const [step, transport] of transports.entries()) {
      expect(await transport.send([dispatch('a', step)])).toMatchObject([{ ok: true }]);
    }
    expect(Object.values(await embedded.records(streamName)).flat().map(({ data }) => data)).toEqual([dispatch('a', 0).body, dispatch('a', 3).body]);
    expect((await embedded.receive(queueUrl)).map(({ Body }) => Body)).toEqual([dispatch('a', 1).body, dispatch('a', 2).body]);
    close();
  });

  it('makes no request by itself', async () => {
    const { configuration } = await deploy(() => ({}));
    expect(await requestsOf(async () => (await connect(configuration)).close())).toEqual([]);
  });

  it('loads the client of SQS only when it is needed', async () => {
    const { configuration, dead } = await deploy(() => ({ eventSource: { service: 'dynamodb' } }));
    await jest.isolateModulesAsync(async () => {
      let isLoaded = false;
      jest.doMock('../../lambda/aws/sqs/index.js', () => {
        isLoaded = true;
        return jest.requireActual<object>('../../lambda/aws/sqs/index.js');
      });
      const { connect: connectAnew } = await import('../../lambda/aws/connect.js');
      const { ports, close } = await connectAnew(configuration);
      expect(ports.eventSources.map(({ name }) => name)).toEqual(['dynamodb']);
      expect(isLoaded).toBe(false);
      await ports.deadLetters.put(letter());
      expect(isLoaded).toBe(true);
      close();
    });
    expect(await embedded.receive(dead)).toHaveLength(1);
  });

  it('takes clock, random numbers, logger and metrics from outside', async () => {
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
