import type { BatchWriteItemCommandInput } from '@aws-sdk/client-dynamodb';
import { connect } from '../../../lambda/aws/connect';
import { jsonLogger, systemClock, systemRandom } from '../../../lambda/aws/system';
import { BROKER_NAMES } from '../../../lambda/contract/brokers';
import { Engine, Executions, type Metrics, type Transport } from '../../../lambda/engine';
import { normalize } from '../../../lambda/machine';
import { readInvocation } from '../../../lambda/runtime/records';
import { historyOf } from '../../support/history';
import { intercept } from '../../support/intercept';
import { Embedded } from '../../support/servers/embedded';
import { SOURCES } from '../../support/sources';

/*
 * Each broker takes over from each other broker. The client of the primary receives errors instead of responses, the secondary is an embedded
 * server, and its records return to the engine in the form in which Lambda delivers them.
 */

const embedded = Embedded.use();

const machine = normalize({
  name: 'line',
  initial: 'a',
  states: {
    a: { do: 'go', on: { go: 'b' } },
    b: { do: 'go', on: { go: 'c' } },
    c: { do: 'go', on: { go: 'd' } },
    d: { final: true },
  },
});

const SEND: Record<string, string> = {
  sqs: 'SendMessageBatch',
  dynamodb: 'BatchWriteItem',
  kinesis: 'PutRecords',
  sns: 'PublishBatch',
};

/** The forms of an outage. The SDK retries each of these requests before it fails. */
const OUTAGES = [
  { name: 'InternalFailure', $fault: 'server', $metadata: { httpStatusCode: 500 } },
  { name: 'ThrottlingException', $fault: 'client', $metadata: { httpStatusCode: 400 } },
  { name: 'TimeoutError', code: 'ETIMEDOUT' },
];

type Client = Parameters<typeof intercept>[0];

/** Fails the requests by which a transport sends envelopes, while `isDown` returns true. */
function breakTransport(transport: Transport, isDown: () => boolean, outage: object): void {
  // The port does not expose the client; only a fault needs it.
  const { client, writer } = transport as unknown as { client?: Client; writer?: { client: Client } };
  const found = client ?? writer?.client;
  if (!found) throw new Error(`The transport ${transport.name} has no client.`);
  intercept(found, SEND[transport.name] ?? '', async (input, request) => {
    // The journal uses the same operation of DynamoDB, and must keep working.
    const isEnvelope =
      transport.name !== 'dynamodb' ||
      Object.values((input as BatchWriteItemCommandInput).RequestItems ?? {}).some((requests) =>
        requests.some(({ PutRequest }) => PutRequest?.Item?.envelope),
      );
    if (isEnvelope && isDown()) throw Object.assign(new Error('The service is down'), outage);
    return request();
  });
}

const PAIRS = BROKER_NAMES.flatMap((primary) =>
  BROKER_NAMES.filter((secondary) => secondary !== primary).map((secondary) => [primary, secondary] as const),
).map(([primary, secondary], index) => [primary, secondary, OUTAGES[index % OUTAGES.length]!] as const);

test.each(PAIRS)(
  'an execution fails over from %s to %s during an outage, and returns after it',
  async (primary, secondary, outage) => {
    const checkpoints = await embedded.table('checkpoints');
    const sources = [
      await SOURCES[primary](embedded, checkpoints),
      await SOURCES[secondary](embedded, checkpoints),
    ] as const;
    const counts = new Map<string, number>();
    const metrics: Metrics = {
      count: (name) => counts.set(name, (counts.get(name) ?? 0) + 1),
      measure: () => undefined,
      flush: async () => undefined,
    };
    const { ports, close } = await connect(
      {
        workflow: 'Line',
        machines: ['line'],
        eventSource: sources[0].configuration,
        failoverEventSource: sources[1].configuration,
        retryQueues: [{ service: 'dynamodb', tableName: await embedded.table('retries'), shards: 1 }],
        lockTable: { service: 'dynamodb', tableName: await embedded.table('locks'), retentionDays: 30 },
        checkpointTable: { service: 'dynamodb', tableName: checkpoints, retentionDays: 30 },
        deadLetterQueue: { service: 'sqs', queueUrl: await embedded.queue() },
      },
      { clock: systemClock, random: systemRandom, logger: jsonLogger('ERROR'), metrics },
    );
    let isDown = true;
    breakTransport(ports.eventSources[0]!, () => isDown, outage);

    const visited: string[] = [];
    const engine = new Engine(ports, [machine], () => async (context, { step }) => {
      context.steps = [...((context.steps as number[] | undefined) ?? []), step];
      return 'go';
    });
    await new Executions(ports, ['line']).start({ machine: 'line', executionId: 'e' });

    for (const round of [0, 1, 2, 3]) {
      isDown = round < 1;
      const [here, there] = [await sources[0].records(), await sources[1].records()];
      expect(here.length + there.length).toBe(1);
      visited.push(here.length > 0 ? primary : secondary);
      const invoked = readInvocation({ Records: here.length > 0 ? here : there });
      if (invoked.kind !== 'records') throw new Error('These are records.');
      const outcomes = await engine.process(invoked.deliveries, { deadline: Date.now() + 30_000 });
      expect([...outcomes.values()]).toEqual(['acknowledge']);
    }

    expect(visited).toEqual([secondary, secondary, primary, primary]);
    // The envelopes of the start and of the first step.
    expect(counts.get('Failover')).toBe(2);
    const history = await historyOf(ports.journal, (await ports.locks.read('e'))!);
    expect(history.map(({ step, outcome, place }) => [step, outcome, place?.service])).toEqual([
      [0, 'dispatched', secondary],
      [1, 'dispatched', primary],
      [2, 'dispatched', primary],
      [3, 'completed', undefined],
    ]);
    expect(history[3]?.context).toEqual({ steps: [0, 1, 2] });
    expect(await ports.locks.read('e')).toMatchObject({ status: 'completed', step: 3, fence: 4 });
    close();
  },
  30_000,
);
