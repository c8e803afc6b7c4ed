import { SnsEventSource } from '../../../../lambda/aws/sns/event-source';
import { describeTransportContract, dispatch } from '../../../contracts/transport';
import { fail, intercept } from '../../../support/intercept';
import { Embedded } from '../../../support/servers/embedded';

const embedded = Embedded.use();

async function open() {
  const { topicArn, queueUrl } = await embedded.topic();
  const client = embedded.sns();
  const transport = new SnsEventSource(client, topicArn);
  return {
    client,
    topicArn,
    transport,
    received: async () => (await embedded.receive(queueUrl)).map(({ Body = '' }) => Body),
  };
}

describeTransportContract('SnsEventSource', open);

describe('SnsEventSource', () => {
  test('sends a batch in one request, and returns the id of each message', async () => {
    const { client, transport, topicArn, received } = await open();
    let requests = 0;
    intercept(client, 'PublishBatch', async (_, request) => {
      requests += 1;
      return request();
    });
    const sent = await transport.send(Array.from({ length: 10 }, (_, step) => dispatch('e', step)));
    expect(requests).toBe(1);
    expect(sent[9]).toEqual({
      ok: true,
      journaled: false,
      place: { service: 'sns', resource: topicArn, messageId: expect.any(String) },
    });
    expect(new Set(sent.map((answer) => answer.ok && answer.place.messageId)).size).toBe(10);
    expect(await received()).toHaveLength(10);
  });

  test('returns the result of each entry when SNS rejects some', async () => {
    const { client, transport, topicArn } = await open();
    intercept(client, 'PublishBatch', async () => ({
      response: undefined,
      output: {
        $metadata: {},
        Successful: [{ Id: '2', MessageId: 'm' }],
        Failed: [{ Id: '0', Code: 'InternalError', Message: 'try again', SenderFault: false }],
      },
    }));
    const sent = await transport.send([dispatch('a', 0), dispatch('b', 0), dispatch('c', 0)]);
    expect(sent.map((answer) => (answer.ok ? answer.place : answer.error.message))).toEqual([
      'SNS rejected the message: InternalError: try again',
      'SNS rejected the message: the response has no result for it.',
      { service: 'sns', resource: topicArn, messageId: 'm' },
    ]);
  });

  test.each(['BatchRequestTooLong', 'BatchRequestTooLongException', 'InvalidParameterException'])(
    'sends each message alone when SNS refuses the batch: %s',
    async (name) => {
      const { client, transport, received } = await open();
      intercept(client, 'PublishBatch', async (input, request) => {
        // The operation determines the type of its input.
        const { PublishBatchRequestEntries: entries } = input as { PublishBatchRequestEntries: { Message: string }[] };
        if (entries.length > 1 || entries[0]?.Message.includes('"b"')) {
          throw Object.assign(new Error('too long'), { name, $fault: 'client' });
        }
        return request();
      });
      expect(await transport.send([dispatch('a', 0), dispatch('b', 0), dispatch('c', 0)])).toMatchObject([
        { ok: true },
        { ok: false, error: { message: 'too long' } },
        { ok: true },
      ]);
      expect(await received()).toHaveLength(2);
    },
  );

  test('rejects if the topic does not exist or the request fails', async () => {
    const { client, transport, topicArn } = await open();
    await expect(
      new SnsEventSource(client, `${topicArn}-gone`).send([dispatch('a', 0), dispatch('b', 0)]),
    ).rejects.toThrow();
    fail(
      client,
      'PublishBatch',
      Object.assign(new Error('no access'), { name: 'AuthorizationErrorException', $fault: 'client' }),
    );
    await expect(transport.send([dispatch('a', 0), dispatch('b', 0)])).rejects.toThrow('no access');
  });

  test('cannot delay an envelope', async () => {
    expect((await open()).transport).not.toHaveProperty('longestDelay');
  });
});
