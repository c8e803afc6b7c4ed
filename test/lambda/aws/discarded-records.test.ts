import { discardedRecords, readDiscarded, type ShardReader } from '../../../lambda/aws/discarded-records';

const RANGE = { service: 'kinesis', streamArn: 'arn:s', shard: 'shard-0', first: '98', last: '101', count: 4 } as const;

/** A shard whose pages hold records with these sequence numbers. */
function shardOf(...pages: readonly (readonly number[])[]): ShardReader {
  return {
    iterator: async () => '0',
    page: async (iterator) => {
      const index = Number(iterator);
      const records = (pages[index] ?? []).map((number) => ({
        sequenceNumber: String(number),
        body: `body ${number}`,
      }));
      return { records, next: index + 1 < pages.length ? String(index + 1) : undefined };
    },
    close: () => undefined,
  };
}

const numbersIn = async (reader: ShardReader) =>
  (await readDiscarded(RANGE, reader)).map(({ place }) => Number(place.sequenceNumber));

test.each([
  ['on several pages', [[98, 99], [100, 101, 102], [103]], [98, 99, 100, 101]],
  ['after empty pages', [[], [], [98], [], [99, 100], [], [], [], [], [101]], [98, 99, 100, 101]],
  ['to the end of the shard', [[98], [99]], [98, 99]],
  // Numbers of more digits are larger, although they sort before as text.
  ['that the stream still has', [[100, 101, 1_000]], [100, 101]],
  ['not at all if they have expired', [[102, 103]], []],
])('reads the records of a range %s', async (_, pages, expected) => {
  expect(await numbersIn(shardOf(...pages))).toEqual(expected);
});

test('stops after empty pages: the rest has expired', async () => {
  const pages = Array.from({ length: 100 }, () => []);
  let reads = 0;
  const shard = shardOf([98], ...pages);
  expect(await numbersIn({ ...shard, page: (iterator) => shard.page(iterator).finally(() => (reads += 1)) })).toEqual([
    98,
  ]);
  expect(reads).toBeLessThan(10);
});

test('reads nothing without an iterator', async () => {
  expect(await numbersIn({ ...shardOf([98]), iterator: async () => undefined })).toEqual([]);
});

const info = {
  shardId: 'shardId-000000000001',
  startSequenceNumber: '495',
  endSequenceNumber: '497',
  batchSize: 3,
  streamArn: 'arn:aws:kinesis:eu-west-1:1:stream/s',
};

test.each([
  ['KinesisBatchInfo', 'kinesis'],
  ['DDBStreamBatchInfo', 'dynamodb'],
])('reads a report with %s', (member, service) => {
  expect(discardedRecords(JSON.stringify({ version: '1.0', [member]: info }))).toEqual({
    service,
    streamArn: info.streamArn,
    shard: info.shardId,
    first: '495',
    last: '497',
    count: 3,
  });
});

test.each([
  ['text', 'no JSON'],
  ['null', 'null'],
  ['a failed invocation', JSON.stringify({ requestPayload: {} })],
  ['a report without a stream', JSON.stringify({ KinesisBatchInfo: { ...info, streamArn: undefined } })],
  ['a report with other sequence numbers', JSON.stringify({ KinesisBatchInfo: { ...info, endSequenceNumber: 'x' } })],
  ['a report without a number of records', JSON.stringify({ KinesisBatchInfo: { ...info, batchSize: undefined } })],
])('%s is no report', (_, body) => {
  expect(discardedRecords(body)).toBeUndefined();
});
