import { randomBytes } from 'node:crypto';
import { SendMessageCommand, SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { DeadLetterQueue, readDeadLetter } from '../../../../lambda/aws/sqs/dead-letter-queue';
import { MAX_BODY_BYTES, MAX_MESSAGE_BYTES } from '../../../../lambda/aws/sqs/limits';
import { systemRandom } from '../../../../lambda/aws/system';
import { describeDeadLetterStoreContract, letter } from '../../../contracts/dead-letters';
import { requestsOf } from '../../../support/count-requests';
import { Embedded } from '../../../support/servers/embedded';

const embedded = Embedded.use();

async function open(options: { readonly fifo?: boolean } = {}) {
  const queueUrl = await embedded.queue(options);
  const store = new DeadLetterQueue(embedded.sqs(), queueUrl, { random: systemRandom });
  return {
    store,
    queueUrl,
    letters: async () =>
      Promise.all((await embedded.receive(queueUrl)).map((message) => readDeadLetter(message, queueUrl))),
  };
}

describeDeadLetterStoreContract('DeadLetterQueue', () => open());
describeDeadLetterStoreContract('DeadLetterQueue, FIFO', () => open({ fifo: true }));

describe('DeadLetterQueue', () => {
  test('stores the original body, as a redrive policy does, and the metadata in attributes', async () => {
    const { store, queueUrl } = await open();
    expect(await requestsOf(() => store.put(letter()))).toEqual(['SendMessage']);
    const [message] = await embedded.receive(queueUrl);
    expect(message?.Body).toBe(letter().body);
    expect(Object.keys(message?.MessageAttributes ?? {}).sort()).toEqual([
      'at',
      'executionId',
      'machine',
      'place',
      'reason',
    ]);
  });

  test('locates a message that is too large for a queue of small messages', async () => {
    const { store, queueUrl, letters } = await open();
    const Attributes = { MaximumMessageSize: '1024' };
    await embedded.sqs().send(new SetQueueAttributesCommand({ QueueUrl: queueUrl, Attributes }));
    const { place, at } = letter();
    await store.put(
      letter({ body: JSON.stringify({ text: 'x'.repeat(5_000) }), reason: `Error: ${'y'.repeat(5_000)}` }),
    );
    expect(await letters()).toMatchObject([
      { body: expect.stringMatching(/^The message is too large for this queue.* Error: y{100}/), place, at },
    ]);
  });

  test('reads a message that a redrive policy moved', async () => {
    const { queueUrl, letters } = await open();
    await embedded.sqs().send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: 'poison' }));
    expect(await letters()).toEqual([
      {
        reason: expect.stringContaining('The message has no reason'),
        body: 'poison',
        place: { service: 'sqs', resource: queueUrl, messageId: expect.any(String) },
        at: expect.any(Number),
      },
    ]);
  });

  test('truncates a long reason, and states by how much', async () => {
    const { store, letters } = await open();
    await store.put(letter({ reason: 'x'.repeat(5_000) }));
    expect((await letters())[0]?.reason).toBe(`${'x'.repeat(2_048)}… (2952 more characters)`);
  });

  test('replaces forbidden characters of a reason', async () => {
    const { store, letters } = await open();
    await store.put(letter({ reason: 'a\u0000b\ud800c' }));
    expect((await letters())[0]?.reason).toBe('a\ufffdb\ufffdc');
  });

  test('has room for the largest envelope with all attributes', async () => {
    const { store, letters } = await open();
    const largest = letter({
      body: randomText(MAX_BODY_BYTES),
      reason: '☃'.repeat(5_000),
      executionId: 'e'.repeat(128),
      machine: '☃'.repeat(256),
      place: {
        service: 'kinesis',
        resource: 'r'.repeat(300),
        messageId: 'm'.repeat(100),
        shard: 'shardId-000000000001',
        sequenceNumber: '4'.repeat(128),
      },
    });
    await store.put(largest);
    const [kept] = await letters();
    expect(kept).toMatchObject({ executionId: largest.executionId, machine: largest.machine, place: largest.place });
    expect(kept?.body === largest.body).toBe(true);
  });

  test('keeps a message whole that leaves no room for attributes', async () => {
    const { store, letters } = await open();
    const body = randomText(MAX_MESSAGE_BYTES);
    await store.put(letter({ body }));
    const [kept] = await letters();
    expect(kept?.body === body).toBe(true);
    expect(kept?.reason).toContain('left no room for a reason');
  });

  test('compresses a message that exceeds the limit of SQS', async () => {
    const { store, letters } = await open();
    const body = 'ä"'.repeat(1_000_000);
    await store.put(letter({ body }));
    const [kept] = await letters();
    expect(kept?.body === body).toBe(true);
    expect(kept?.reason).toBe(letter().reason);
  });

  test('locates a message that does not fit even compressed', async () => {
    const { store, letters } = await open();
    await store.put(letter({ body: randomText(1_500_000) }));
    expect(await letters()).toEqual([
      letter({ body: expect.stringContaining('"place" locates the original message') }),
    ]);
  });
});

/** Text that cannot be compressed much. */
function randomText(bytes: number): string {
  return randomBytes(bytes).toString('base64').slice(0, bytes);
}
