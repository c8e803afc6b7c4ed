import { SqsRetryQueue } from '../../../../lambda/aws/sqs/retry-queue';
import { systemClock } from '../../../../lambda/aws/system';
import { describeTransportContract, dispatch } from '../../../contracts/transport';
import { intercept } from '../../../support/intercept';
import { Embedded } from '../../../support/servers/embedded';

const NOW = 1_900_000_000_000;
const embedded = Embedded.use();

async function open() {
  const queueUrl = await embedded.queue();
  const client = embedded.sqs();
  const transport = new SqsRetryQueue(client, { queueUrl }, { clock: { ...systemClock, now: () => NOW } });
  return {
    client,
    queueUrl,
    transport,
    received: async () => (await embedded.receive(queueUrl)).map(({ Body = '' }) => Body),
  };
}

describeTransportContract('SqsRetryQueue', open);

describe('SqsRetryQueue', () => {
  test('delays each message until its envelope is due, for at most 15 minutes', async () => {
    const { client, transport } = await open();
    const delays: unknown[] = [];
    intercept(client, 'SendMessageBatch', async (input, request) => {
      // The operation determines the type of its input.
      delays.push(
        ...(input as { Entries: { DelaySeconds?: number }[] }).Entries.map(({ DelaySeconds }) => DelaySeconds),
      );
      return request();
    });
    const due = [
      undefined,
      NOW,
      NOW - 5_000,
      NOW + 1,
      NOW + 1_000,
      NOW + 59_001,
      NOW + 900_000,
      NOW + 900_001,
      NOW + 86_400_000,
    ];
    const sent = await transport.send(due.map((notBefore, index) => dispatch(`e-${index}`, 0, { notBefore })));
    expect(sent.every(({ ok }) => ok)).toBe(true);
    expect(delays).toEqual([0, 0, 0, 1, 1, 60, 900, 900, 900]);
    expect(transport.longestDelay).toBe(900_000);
  });

  test('delays a message', async () => {
    const { transport, received } = await open();
    await transport.send([dispatch('late', 0, { notBefore: NOW + 1_000 }), dispatch('now', 0)]);
    expect(await received()).toEqual([dispatch('now', 0).body]);
    await systemClock.sleep(1_100);
    expect(await received()).toEqual([dispatch('late', 0, { notBefore: NOW + 1_000 }).body]);
  });
});
