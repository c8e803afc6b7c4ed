import type { PutRecordsInput, PutRecordsOutput } from '@aws-sdk/client-kinesis';
import { KinesisEventSource } from '../../../../lambda/aws/kinesis/event-source';
import { MAX_BATCH_BYTES } from '../../../../lambda/aws/kinesis/limits';
import { systemClock, systemRandom } from '../../../../lambda/aws/system';
import { describeTransportContract, dispatch } from '../../../contracts/transport';
import { requestsOf } from '../../../support/count-requests';
import { fail, intercept, loseAnswers } from '../../../support/intercept';
import { Embedded } from '../../../support/servers/embedded';

const embedded = Embedded.use();
const system = { clock: { ...systemClock, sleep: async () => undefined }, random: systemRandom };

async function open(shards = 1) {
  const streamName = await embedded.stream(shards);
  const client = embedded.kinesis();
  const transport = new KinesisEventSource(client, streamName, system);
  const received = async () =>
    Object.values(await embedded.records(streamName))
      .flat()
      .map(({ data }) => data);
  return { client, streamName, transport, received };
}

/** Lets Kinesis reject these records of a request and accept the others. */
function refuseRecords(
  client: ReturnType<Embedded['kinesis']>,
  isRefused: (partitionKey: string, request: number) => boolean,
): string[][] {
  const requests: string[][] = [];
  client.middlewareStack.add(
    (next, context) => async (args) => {
      if (context.commandName !== 'PutRecordsCommand') return next(args);
      // The name of the command determines the type of its input and output.
      const input = args.input as PutRecordsInput;
      const records = input.Records ?? [];
      const number = requests.push(records.map(({ PartitionKey = '' }) => PartitionKey)) - 1;
      const isTaken = records.map(({ PartitionKey = '' }) => !isRefused(PartitionKey, number));
      const taken = records.filter((_, index) => isTaken[index]);
      const some = { ...args, input: { ...input, Records: taken } as typeof args.input };
      const result = taken.length > 0 ? ((await next(some)).output as PutRecordsOutput) : undefined;
      const answers = [...(result?.Records ?? [])];
      const output = {
        $metadata: {},
        Records: isTaken.map((ok) =>
          ok
            ? answers.shift()
            : { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'Rate exceeded for shard' },
        ),
      };
      return { response: undefined, output } as unknown as Awaited<ReturnType<typeof next>>;
    },
    { step: 'initialize' },
  );
  return requests;
}

describeTransportContract('KinesisEventSource', () => open());

describe('KinesisEventSource', () => {
  test('sends a batch in one request, and returns the shard and the sequence number of each record', async () => {
    const { transport, streamName } = await open(3);
    let sent: Awaited<ReturnType<KinesisEventSource['send']>> = [];
    const dispatches = Array.from({ length: 20 }, (_, step) => dispatch(`e-${step % 5}`, step));
    expect(
      await requestsOf(async () => {
        sent = await transport.send(dispatches);
      }),
    ).toEqual(['PutRecords']);
    const records = await embedded.records(streamName);
    sent.forEach((answer, index) => {
      const place = answer.ok ? answer.place : undefined;
      expect(place).toMatchObject({ service: 'kinesis', resource: streamName });
      expect(records[place?.shard ?? '']).toContainEqual({
        data: dispatches[index]?.body,
        sequenceNumber: place?.sequenceNumber,
      });
    });
  });

  test('keeps the records of an execution in one shard, in order', async () => {
    const { transport, streamName } = await open(4);
    await transport.send(Array.from({ length: 40 }, (_, index) => dispatch(`e-${index % 8}`, Math.floor(index / 8))));
    const shards = Object.values(await embedded.records(streamName)).map((records) =>
      records.map(({ data }) => JSON.parse(data) as { executionId: string; step: number }),
    );
    expect(shards.filter((records) => records.length > 0).length).toBeGreaterThan(1);
    for (const id of Array.from({ length: 8 }, (_, index) => `e-${index}`)) {
      const holding = shards.filter((records) => records.some(({ executionId }) => executionId === id));
      expect(holding).toHaveLength(1);
      expect(holding[0]?.filter(({ executionId }) => executionId === id).map(({ step }) => step)).toEqual([
        0, 1, 2, 3, 4,
      ]);
    }
  });

  test('accepts the maximum size of a batch', async () => {
    const { transport, received } = await open();
    const large = Array.from({ length: 5 }, (_, index) =>
      dispatch(`e-${index}`, 0, { text: 'x'.repeat(MAX_BATCH_BYTES / 5 - 1_000) }),
    );
    expect(await requestsOf(() => transport.send(large))).toEqual(['PutRecords']);
    expect(await received()).toHaveLength(5);
  });

  test('retries only the records that Kinesis rejected', async () => {
    const { client, transport, received } = await open();
    const requests = refuseRecords(client, (key, request) => key === 'b' && request < 3);
    expect(await transport.send([dispatch('a', 0), dispatch('b', 0), dispatch('c', 0)])).toMatchObject(
      Array(3).fill({ ok: true }),
    );
    expect(requests).toEqual([['a', 'b', 'c'], ['b'], ['b'], ['b']]);
    expect([...(await received())].sort()).toEqual(['a', 'b', 'c'].map((id) => dispatch(id, 0).body).sort());
  });

  test('returns the result of each entry if Kinesis keeps rejecting some', async () => {
    const { client, transport } = await open();
    const requests = refuseRecords(client, (key) => key === 'b');
    const sent = await transport.send([dispatch('a', 0), dispatch('b', 0), dispatch('c', 0)]);
    expect(sent.map((answer) => (answer.ok ? answer.place.service : answer.error.message))).toEqual([
      'kinesis',
      'Kinesis rejected the message: ProvisionedThroughputExceededException: Rate exceeded for shard',
      'kinesis',
    ]);
    expect(requests).toHaveLength(5);
  });

  test('keeps the earlier results when a retry fails', async () => {
    const { client, transport } = await open();
    let requests = 0;
    intercept(client, 'PutRecords', async (_, request) => {
      requests += 1;
      if (requests > 1) {
        throw Object.assign(new Error('no access'), { name: 'AccessDeniedException', $fault: 'client' });
      }
      return request();
    });
    refuseRecords(client, (key) => key === 'b');
    expect(await transport.send([dispatch('a', 0), dispatch('b', 0)])).toMatchObject([{ ok: true }, { ok: false }]);
  });

  test('rejects if the stream does not exist or the request fails', async () => {
    const { client, transport, streamName } = await open();
    await expect(new KinesisEventSource(client, `${streamName}-gone`, system).send([dispatch('a', 0)])).rejects.toThrow(
      /not found/,
    );
    fail(
      client,
      'PutRecords',
      Object.assign(new Error('no access'), { name: 'AccessDeniedException', $fault: 'client' }),
    );
    await expect(transport.send([dispatch('a', 0), dispatch('b', 0)])).rejects.toThrow('no access');
  });

  test('retries a request whose response was lost, which stores the record twice', async () => {
    const { client, transport, received } = await open();
    loseAnswers(client, 'PutRecords', 1);
    expect(await transport.send([dispatch('a', 0)])).toMatchObject([{ ok: true }]);
    expect(await received()).toEqual([dispatch('a', 0).body, dispatch('a', 0).body]);
  });

  test('reads back sent and delivered records, and sends no request for another stream', async () => {
    const [{ transport, streamName }, other] = [await open(), await open()];
    const [sent] = await transport.send([dispatch('a', 0)]);
    if (!sent?.ok) throw new Error('It was not sent.');
    const delivered = { ...sent.place, resource: `arn:aws:kinesis:eu-west-1:123456789012:stream/${streamName}` };
    for (const place of [sent.place, delivered]) {
      expect(await transport.readBack('a', place)).toBe(dispatch('a', 0).body);
      expect(await requestsOf(async () => expect(await other.transport.readBack('a', place)).toBeUndefined())).toEqual(
        [],
      );
    }
  });

  test('cannot delay an envelope', async () => {
    expect((await open()).transport).not.toHaveProperty('longestDelay');
  });
});
