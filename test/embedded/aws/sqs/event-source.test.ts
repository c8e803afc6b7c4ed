import { createHash } from 'node:crypto';
import { SqsEventSource } from '../../../../lambda/aws/sqs/event-source';
import { systemRandom } from '../../../../lambda/aws/system';
import { describeTransportContract, dispatch } from '../../../contracts/transport';
import { requestsOf } from '../../../support/count-requests';
import { fail, intercept, loseAnswers } from '../../../support/intercept';
import { Embedded } from '../../../support/servers/embedded';

const embedded = Embedded.use();
const system = { random: systemRandom };

async function open(options: { readonly fifo?: boolean } = {}) {
  const queueUrl = await embedded.queue(options);
  const client = embedded.sqs();
  const transport = new SqsEventSource(client, { queueUrl, ...options }, system);
  return {
    client,
    queueUrl,
    transport,
    received: async () => (await embedded.receive(queueUrl)).map(({ Body = '' }) => Body),
  };
}

describeTransportContract('SqsEventSource, standard', () => open());
describeTransportContract('SqsEventSource, FIFO', () => open({ fifo: true }));

describe('SqsEventSource', () => {
  test('sends a batch in one request', async () => {
    const { transport, queueUrl } = await open();
    const requests = await requestsOf(async () => {
      const sent = await transport.send(Array.from({ length: 10 }, (_, step) => dispatch('e', step)));
      expect(sent[9]).toEqual({
        ok: true,
        journaled: false,
        place: { service: 'sqs', resource: queueUrl, messageId: expect.any(String) },
      });
    });
    expect(requests).toEqual(['SendMessageBatch']);
  });

  test('returns the result of each entry when SQS rejects some', async () => {
    const { client, transport, queueUrl } = await open();
    intercept(client, 'SendMessageBatch', async () => ({
      response: undefined,
      output: {
        $metadata: {},
        Successful: [
          { Id: '2', MessageId: 'm', MD5OfMessageBody: createHash('md5').update(dispatch('c', 0).body).digest('hex') },
        ],
        Failed: [{ Id: '0', Code: 'InternalError', Message: 'try again', SenderFault: false }],
      },
    }));
    const sent = await transport.send([dispatch('a', 0), dispatch('b', 0), dispatch('c', 0)]);
    expect(sent.map((answer) => (answer.ok ? answer.place : answer.error.message))).toEqual([
      'SQS rejected the message: InternalError: try again',
      'SQS rejected the message: the response has no result for it.',
      { service: 'sqs', resource: queueUrl, messageId: 'm' },
    ]);
  });

  test('sends each message alone when SQS refuses the batch, and only then', async () => {
    const { client, transport } = await open();
    const large = dispatch('a', 0, { text: 'x'.repeat(600_000) });
    const requests = await requestsOf(async () => {
      expect(await transport.send([large, large])).toMatchObject([{ ok: true }, { ok: true }]);
    });
    expect(requests).toHaveLength(3);
    fail(client, 'SendMessageBatch', Object.assign(new Error('no access'), { name: 'AccessDenied', $fault: 'client' }));
    await expect(transport.send([large, large])).rejects.toThrow('no access');
  });

  test('rejects if the queue does not exist', async () => {
    const { queueUrl } = await open();
    const transport = new SqsEventSource(embedded.sqs(), { queueUrl: `${queueUrl}-gone` }, system);
    await expect(transport.send([dispatch('a', 0), dispatch('b', 0)])).rejects.toThrow();
  });

  test("connects to the endpoint of the environment rather than the host of the queue's URL", async () => {
    const { queueUrl } = await open();
    expect(new URL(queueUrl).hostname).not.toBe('127.0.0.1');
    const { Sqs } = await import('../../../../lambda/aws/sqs/index.js');
    const sqs = new Sqs({ random: systemRandom, clock: { now: () => 0, sleep: async () => undefined } });
    expect(await sqs.eventSource({ queueUrl }).send([dispatch('a', 0)])).toMatchObject([{ ok: true }]);
    sqs.close();
  });

  describe('FIFO', () => {
    test('puts each execution into a message group, so that its messages stay in order', async () => {
      const { transport, queueUrl } = await open({ fifo: true });
      await transport.send([dispatch('a', 0), dispatch('b', 0), dispatch('a', 1)]);
      const groups = (await embedded.receive(queueUrl)).map(({ Attributes, Body }) => [
        Attributes?.MessageGroupId,
        (JSON.parse(Body ?? '') as { step: number }).step,
      ]);
      expect(groups.filter(([group]) => group === 'a')).toEqual([
        ['a', 0],
        ['a', 1],
      ]);
      expect(groups.filter(([group]) => group === 'b')).toEqual([['b', 0]]);
    });

    test('stores a message once when the response is lost', async () => {
      const { client, transport, received } = await open({ fifo: true });
      loseAnswers(client, 'SendMessageBatch', 2);
      expect(await transport.send([dispatch('a', 0)])).toMatchObject([{ ok: true }]);
      expect(await received()).toHaveLength(1);
    });
  });
});
