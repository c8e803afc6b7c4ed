import type { PutRecordsInput, PutRecordsOutput } from '@aws-sdk/client-kinesis';
import { requestsOf } from './count-requests';
import { Embedded } from './embedded';
import { fail, intercept, loseAnswers } from './faults';
import { MAX_BATCH_BYTES } from '../../lambda/aws/kinesis/limits';
import { Stream } from '../../lambda/aws/kinesis/stream';
import { systemClock, systemRandom } from '../../lambda/aws/system';
import { describeTransportContract, dispatch } from '../contract/transport';

const embedded = Embedded.use();
const system = { clock: { ...systemClock, sleep: async () => undefined }, random: systemRandom };

async function open(shards = 1) {
  const streamName = await embedded.stream(shards);
  const client = embedded.kinesis();
  const transport = new Stream(client, streamName, system);
  const received = async () => Object.values(await embedded.records(streamName)).flat().map(({ data }) => data);
  return { client, streamName, transport, received };
}

/** Kinesis does not take those records of a request, and takes the others. */
function refuseRecords(client: ReturnType<Embedded['kinesis']>, isRefused: (partitionKey: string, request: number) => boolean): string[][] {
  const requests: string[][] = [];
  client.middlewareStack.add((next, context) => async (args) => {
    if (context.commandName !== 'PutRecordsCommand') return next(args);
    // The name of the command tells the type of its input and output.
    const input = args.input as PutRecordsInput;
    const records = input.Records ?? [];
    const number = requests.push(records.map(({ PartitionKey = '' }) => PartitionKey)) - 1;
    const isTaken = records.map(({ PartitionKey = '' }) => !isRefused(PartitionKey, number));
    const taken = records.filter((_, index) => isTaken[index]);
    const some = { ...args, input: { ...input, Records: taken } as typeof args.input };
    const result = taken.length > 0 ? (await next(some)).output as PutRecordsOutput : undefined;
    const answers = [...result?.Records ?? []];
    const output = {
      $metadata: {},
      Records: isTaken.map((ok) => (ok ? answers.shift() : { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'Rate exceeded for shard' })),
    };
    return { response: undefined, output } as unknown as Awaited<ReturnType<typeof next>>;
  }, { step: 'initialize' });
  return requests;
}

describeTransportContract('Stream', () => open());

describe('Stream', () => {
  it('sends a batch with one request, and tells the shard and the sequence number of each record', async () => {
    const { transport, streamName } = await open(3);
    let sent: Awaited<ReturnType<Stream['send']>> = [];
    const dispatches = Array.from({ length: 20 }, (_, step) => dispatch(`e-${step % 5}`, step));
    expect(await requestsOf(async () => { sent = await transport.send(dispatches); })).toEqual(['PutRecords']);
    const records = await embedded.records(streamName);
    sent.forEach((answer, index) => {
      const place = answer.ok ? answer.place : undefined;
      expect(place).toMatchObject({ service: 'kinesis', resource: streamName });
      expect(records[place?.shard ?? '']).toContainEqual({ data: dispatches[index]?.body, sequenceNumber: place?.sequenceNumber });
    });
  });

  it('keeps the records of an execution in one shard, in order', async () => {
    const { transport, streamName } = await open(4);
    await transport.send(Array.from({ length: 40 }, (_, index) => dispatch(`e-${index % 8}`, Math.floor(index / 8))));
    const shards = Object.values(await embedded.records(streamName))
      .map((records) => records.map(({ data }) => JSON.parse(data) as { executionId: string; step: number }));
    expect(shards.filter((records) => records.length > 0).length).toBeGreaterThan(1);
    for (const id of Array.from({ length: 8 }, (_, index) => `e-${index}`)) {
      const holding = shards.filter((records) => records.some(({ executionId }) => executionId === id));
      expect(holding).toHaveLength(1);
      expect(holding[0]?.filter(({ executionId }) => executionId === id).map(({ step }) => step)).toEqual([0, 1, 2, 3, 4]);
    }
  });

  it('takes as many bytes as it says', async () => {
    const { transport, received } = await open();
    const large = Array.from({ length: 5 }, (_, index) => dispatch(`e-${index}`, 0, { text: 'x'.repeat(MAX_BATCH_BYTES / 5 - 1_000) }));
    expect((await requestsOf(() => transport.send(large)))).toEqual(['PutRecords']);
    expect(await received()).toHaveLength(5);
  });

  it('sends those records again that Kinesis did not take, and no others', async () => {
    const { client, transport, received } = await open();
    const requests = refuseRecords(client, (key, request) => key === 'b' && request < 3);
    expect(await transport.send([dispatch('a', 0), dispatch('b', 0), dispatch('c', 0)])).toMatchObject(Array(3).fill({ ok: true }));
    expect(requests).toEqual([['a', 'b', 'c'], ['b'], ['b'], ['b']]);
    expect([...await received()].sort()).toEqual(['a', 'b', 'c'].map((id) => dispatch(id, 0).body).sort());
  });

  it('answers entry by entry when Kinesis goes on taking some only', async () => {
    const { client, transport } = await open();
    const requests = refuseRecords(client, (key) => key === 'b');
    const sent = await transport.send([dispatch('a', 0), dispatch('b', 0), dispatch('c', 0)]);
    expect(sent.map((answer) => (answer.ok ? answer.place.service : answer.error.message))).toEqual([
      'kinesis', 'Kinesis did not take the record: ProvisionedThroughputExceededException: Rate exceeded for shard', 'kinesis',
    ]);
    expect(requests).toHaveLength(5);
  });

  it('keeps what was answered for when a further request fails', async () => {
    const { client, transport } = await open();
    let requests = 0;
    intercept(client, 'PutRecords', async (_, request) => {
      requests += 1;
      if (requests > 1) throw Object.assign(new Error('no access'), { name: 'AccessDeniedException', $fault: 'client' });
      return request();
    });
    refuseRecords(client, (key) => key === 'b');
    expect(await transport.send([dispatch('a', 0), dispatch('b', 0)])).toMatchObject([{ ok: true }, { ok: false }]);
  });

  it('rejects when the stream is not there, or the request fails', async () => {
    const { client, transport, streamName } = await open();
    await expect(new Stream(client, `${streamName}-gone`, system).send([dispatch('a', 0)])).rejects.toThrow(/not found/);
    fail(client, 'PutRecords', Object.assign(new Error('no access'), { name: 'AccessDeniedException', $fault: 'client' }));
    await expect(transport.send([dispatch('a', 0), dispatch('b', 0)])).rejects.toThrow('no access');
  });

  it('repeats a request whose answer was lost: the record then lies there twice', async () => {
    const { client, transport, received } = await open();
    loseAnswers(client, 'PutRecords', 1);
    expect(await transport.send([dispatch('a', 0)])).toMatchObject([{ ok: true }]);
    expect(await received()).toEqual([dispatch('a', 0).body, dispatch('a', 0).body]);
  });

  it('reads back what was put by it or delivered from it, and asks for nothing that lies in another stream', async () => {
    const [{ transport, streamName }, other] = [await open(), await open()];
    const [sent] = await transport.send([dispatch('a', 0)]);
    if (!sent?.ok) throw new Error('It was not sent.');
    const delivered = { ...sent.place, resource: `arn:aws:kinesis:eu-west-1:123456789012:stream/${streamName}` };
    for (const place of [sent.place, delivered]) {
      expect(await transport.readBack('a', place)).toBe(dispatch('a', 0).body);
      expect(await requestsOf(async () => expect(await other.transport.readBack('a', place)).toBeUndefined())).toEqual([]);
    }
  });

  it('can hold nothing back', async () => {
    expect((await open()).transport.longestDelay).toBe(0);
  });
});
