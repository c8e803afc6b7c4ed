import { connect } from '../../../lambda/aws/connect';
import type { EventSourceConfiguration } from '../../../lambda/contract/configuration';
import { Engine, Executions, type Delivery } from '../../../lambda/engine';
import { normalize } from '../../../lambda/machine';
import { requestsOf } from '../../support/count-requests';
import { Embedded } from '../../support/servers/embedded';

/*
 * The price of a transition, counted where requests leave for the network. The records of a batch share one request with their conditional
 * writes, one request that sends, and one that writes their journal entries. With DynamoDB Streams, the last two are one.
 */

const embedded = Embedded.use();

const ring = normalize({
  name: 'ring',
  initial: 'a',
  states: { a: { do: 'go', on: { go: 'b' } }, b: { do: 'go', on: { go: 'a', stop: 'end' } }, end: { final: true } },
});

async function deploy(eventSource: () => Promise<EventSourceConfiguration>) {
  const checkpoints = await embedded.table('checkpoints');
  const connection = await connect({
    workflow: 'Ring',
    machines: ['ring'],
    eventSource: await eventSource(),
    retryQueues: [{ service: 'sqs', queueUrl: await embedded.queue() }],
    lockTable: { service: 'dynamodb', tableName: await embedded.table('locks'), retentionDays: 30 },
    checkpointTable: { service: 'dynamodb', tableName: checkpoints, retentionDays: 30 },
    deadLetterQueue: { service: 'sqs', queueUrl: await embedded.queue() },
  });
  const { ports } = connection;
  // On a busy machine, one record may be so slow that the others do not wait for it. The test excludes such records.
  const engine = new Engine(
    { ...ports, metrics: { count: () => undefined, measure: () => undefined, flush: async () => undefined } },
    [ring],
    () => () => 'go',
    { linger: 5_000 },
  );
  /** The envelopes that a batch of starts and the following steps sent. */
  const sent: string[] = [];
  for (const transport of ports.eventSources) {
    const send = transport.send.bind(transport);
    transport.send = (dispatches) => {
      sent.push(...dispatches.map(({ body }) => body));
      return send(dispatches);
    };
  }
  const deliveries = (): Delivery[] =>
    sent.splice(0).map((body, index) => ({
      id: String(index),
      body,
      blocking: false,
      ordered: false,
      place: { service: 'none', resource: 'none', messageId: String(index) },
    }));
  return { connection, engine, deliveries, executions: new Executions(ports, ['ring']) };
}

describe.each([
  [
    'SQS',
    async (): Promise<EventSourceConfiguration> => ({ service: 'sqs', queueUrl: await embedded.queue() }),
    { batch: 0.3, alone: 3 },
  ],
  [
    'DynamoDB Streams',
    async (): Promise<EventSourceConfiguration> => ({ service: 'dynamodb' }),
    { batch: 0.2, alone: 2 },
  ],
  [
    'Kinesis',
    async (): Promise<EventSourceConfiguration> => ({ service: 'kinesis', streamName: await embedded.stream(1) }),
    { batch: 0.3, alone: 3 },
  ],
  [
    'SNS',
    async (): Promise<EventSourceConfiguration> => ({ service: 'sns', topicArn: (await embedded.topic()).topicArn }),
    { batch: 0.3, alone: 3 },
  ],
])('a transition on %s', (_, eventSource, most) => {
  test.each([
    [10, most.batch],
    [1, most.alone],
  ])('in a batch of %d sends at most %d requests', async (records, limit) => {
    const { connection, engine, deliveries, executions } = await deploy(eventSource);
    await executions.startMany(Array.from({ length: records }, (__, n) => ({ machine: 'ring', executionId: `x${n}` })));
    for (let round = 0; round < 5; round++) {
      const batch = deliveries();
      expect(batch).toHaveLength(records);
      const requests = await requestsOf(() => engine.process(batch, { deadline: Date.now() + 30_000 }));
      expect({ round, perTransition: requests.length / records, requests }).toMatchObject({
        round,
        perTransition: limit,
      });
      expect(
        requests.filter((operation) => operation === (records === 1 ? 'UpdateItem' : 'BatchExecuteStatement')),
      ).toHaveLength(1);
    }
    connection.close();
  });

  test('starting ten executions records each of them, and sends them together', async () => {
    const { connection, executions } = await deploy(eventSource);
    const requests = await requestsOf(() =>
      executions.startMany(Array.from({ length: 10 }, () => ({ machine: 'ring' }))),
    );
    const [records, sends] = [true, false].map((isRecord) =>
      requests.filter((operation) => (operation === 'UpdateItem') === isRecord),
    );
    expect(records).toHaveLength(10);
    // On a busy machine, one record may be so slow that the other starts do not wait for it.
    expect(sends!.length).toBeLessThanOrEqual(5);
    connection.close();
  });
});
