import { TIMER_PARTS, timerEvent } from '../../../lambda/contract/events';
import { readInvocation, respond } from '../../../lambda/runtime/records';

const sqs = {
  eventSource: 'aws:sqs',
  eventSourceARN: 'arn:aws:sqs:eu-west-1:1:q',
  messageId: 'm-1',
  receiptHandle: 'r-1',
  attributes: { ApproximateReceiveCount: '3' },
  body: '{"a":1}',
};

/** A workflow whose event source is that queue. */
const workflowOf = (maxReceiveCount?: number) => {
  const queue = { service: 'sqs', queueUrl: 'https://sqs.eu-west-1.amazonaws.com/1/q', maxReceiveCount } as const;
  const table = { service: 'dynamodb', tableName: 'table', retentionDays: 30 } as const;
  return {
    workflow: 'w',
    machines: ['m'],
    eventSource: queue,
    retryQueues: [{ ...queue, queueUrl: 'https://sqs.eu-west-1.amazonaws.com/1/retries' }],
    lockTable: table,
    checkpointTable: table,
    deadLetterQueue: queue,
  };
};
const stream = {
  eventSource: 'aws:dynamodb',
  eventSourceARN: 'arn:aws:dynamodb:eu-west-1:1:table/t/stream/1',
  dynamodb: { SequenceNumber: '77', NewImage: { envelope: { S: '{"b":2}' } } },
};

const kinesis = (data: Buffer, eventSourceARN = 'arn:aws:kinesis:eu-west-1:1:stream/s') => ({
  eventSource: 'aws:kinesis',
  eventSourceARN,
  eventID: 'shardId-000000000003:49590338271490256608559692538361571095921575989136588898',
  kinesis: {
    partitionKey: 'a',
    sequenceNumber: '49590338271490256608559692538361571095921575989136588898',
    data: data.toString('base64'),
  },
});
const sns = (MessageId: string, Message = '{"d":4}') => ({
  EventSource: 'aws:sns',
  EventSubscriptionArn: 'arn:aws:sns:eu-west-1:1:t:s',
  Sns: { Type: 'Notification', MessageId, TopicArn: 'arn:aws:sns:eu-west-1:1:t', Message },
});

test('reads a batch from a queue', () => {
  expect(readInvocation({ Records: [sqs] })).toEqual({
    kind: 'records',
    partial: true,
    deliveries: [
      {
        id: 'm-1',
        body: '{"a":1}',
        blocking: false,
        ordered: false,
        place: { service: 'sqs', resource: sqs.eventSourceARN, messageId: 'm-1' },
        receipt: { queue: sqs.eventSourceARN, handle: 'r-1' },
        receives: 3,
        nearReceiveLimit: false,
      },
    ],
  });
});

test.each([
  [100, 3, false],
  [100, 75, true],
  [10, 7, false],
  [10, 8, true],
  [3, 2, false],
  [3, 3, true],
  [undefined, 2, false],
  // A queue whose redrive policy is unknown may allow only 3 deliveries.
  [undefined, 3, true],
])('in a queue that allows %s deliveries, delivery %s is near the limit: %s', (most, receives, nearReceiveLimit) => {
  const record = { ...sqs, attributes: { ApproximateReceiveCount: String(receives) } };
  expect(readInvocation({ Records: [record] }, workflowOf(most))).toMatchObject({
    deliveries: [{ receives, nearReceiveLimit }],
  });
});

test('reads a batch from the stream of a table, which blocks behind a failed record', () => {
  expect(readInvocation({ Records: [stream] })).toEqual({
    kind: 'records',
    partial: true,
    deliveries: [
      {
        id: '77',
        body: '{"b":2}',
        blocking: true,
        ordered: true,
        place: { service: 'dynamodb', resource: stream.eventSourceARN, sequenceNumber: '77' },
      },
    ],
  });
});

test('reads an item without an envelope as a record with an empty body', () => {
  expect(readInvocation({ Records: [{ ...stream, dynamodb: { SequenceNumber: '78' } }] })).toMatchObject({
    deliveries: [{ id: '78', body: '' }],
  });
});

test.each([
  ['a batch from a data stream', 'arn:aws:kinesis:eu-west-1:1:stream/s'],
  ['a batch from a consumer with enhanced fan-out', 'arn:aws:kinesis:eu-west-1:1:stream/s/consumer/c:1700000000'],
])('reads %s, with the place of each record', (_, arn) => {
  expect(readInvocation({ Records: [kinesis(Buffer.from('{"c":"ä😀"}'), arn)] })).toEqual({
    kind: 'records',
    partial: true,
    deliveries: [
      {
        id: '49590338271490256608559692538361571095921575989136588898',
        body: '{"c":"ä😀"}',
        blocking: true,
        ordered: true,
        place: {
          service: 'kinesis',
          resource: 'arn:aws:kinesis:eu-west-1:1:stream/s',
          shard: 'shardId-000000000003',
          sequenceNumber: '49590338271490256608559692538361571095921575989136588898',
        },
      },
    ],
  });
});

test('keeps a binary record unchanged, and reads the others', () => {
  const binary = Buffer.from([0x1f, 0x8b, 0xff, 0x00]);
  expect(readInvocation({ Records: [kinesis(binary), kinesis(Buffer.from('{}'))] })).toMatchObject({
    deliveries: [{ body: 'H4v/AA==' }, { body: '{}' }],
  });
});

test('reads a message from a topic, which cannot be redelivered alone', () => {
  expect(readInvocation({ Records: [sns('m-1')] })).toEqual({
    kind: 'records',
    partial: false,
    deliveries: [
      {
        id: 'm-1',
        body: '{"d":4}',
        blocking: true,
        ordered: false,
        place: { service: 'sns', resource: 'arn:aws:sns:eu-west-1:1:t', messageId: 'm-1' },
      },
    ],
  });
});

test('reads the event of the timer', () => {
  expect(readInvocation({ source: 'cdk-lambda-fsm', 'detail-type': 'timer' })).toEqual({ kind: 'timer' });
  expect(readInvocation(timerEvent(3))).toEqual({ kind: 'timer', part: { index: 3, count: TIMER_PARTS } });
});

test.each([
  [undefined],
  [null],
  [{}],
  ['text'],
  [{ Records: [{ eventSource: 'aws:s3' }] }],
  [{ Records: [sqs, stream] }],
  [{ Records: [sqs, sns('m')] }],
  [{ Records: [null] }],
  [{ Records: [] }],
])('rejects %j', (event) => {
  expect(() => readInvocation(event)).toThrow('Invalid event: expected a batch of records');
});

test('lists only the records to redeliver', () => {
  expect(
    respond(
      new Map([
        ['a', 'acknowledge'],
        ['b', 'redeliver'],
        ['c', 'redeliver'],
      ]),
      true,
    ),
  ).toEqual({ batchItemFailures: [{ itemIdentifier: 'b' }, { itemIdentifier: 'c' }] });
});

test('fails the whole invocation of a topic, so that Lambda retries it', () => {
  expect(
    respond(
      new Map([
        ['a', 'acknowledge'],
        ['b', 'acknowledge'],
      ]),
      false,
    ),
  ).toEqual({ batchItemFailures: [] });
  expect(() =>
    respond(
      new Map([
        ['a', 'acknowledge'],
        ['b', 'redeliver'],
      ]),
      false,
    ),
  ).toThrow('1 of 2 records could neither be processed nor stored for a retry');
});

describe('the queue of failed invocations', () => {
  const failedInvocations = { queueUrl: 'https://sqs.eu-west-1.amazonaws.com/1/failed', maxReceiveCount: 10 };
  const workflow = { ...workflowOf(), failedInvocations };
  /** A message in which Lambda has sent a failed invocation to the queue. */
  const failed = (requestPayload: unknown) => ({
    ...sqs,
    eventSourceARN: 'arn:aws:sqs:eu-west-1:1:failed',
    body: JSON.stringify({ version: '1.0', requestContext: { condition: 'RetriesExhausted' }, requestPayload }),
  });

  test('delivers a record of a topic again, as a message that the queue can hold', () => {
    expect(readInvocation({ Records: [failed({ Records: [sns('n-1')] })] }, workflow)).toEqual({
      kind: 'records',
      partial: true,
      deliveries: [
        {
          id: 'm-1',
          body: '{"d":4}',
          blocking: false,
          ordered: false,
          place: { service: 'sns', resource: 'arn:aws:sns:eu-west-1:1:t', messageId: 'n-1' },
          receipt: { queue: 'arn:aws:sqs:eu-west-1:1:failed', handle: 'r-1' },
          receives: 3,
          nearReceiveLimit: false,
        },
      ],
    });
  });

  test('delivers any other event again as it was', () => {
    const event = { source: 'aws.ecs', 'detail-type': 'ECS Task State Change', detail: {} };
    expect(readInvocation({ Records: [failed(event)] }, workflow)).toEqual({ kind: 'request', event });
    expect(readInvocation({ Records: [{ ...failed(event), body: 'no JSON' }] }, workflow)).toEqual({
      kind: 'request',
      event: undefined,
    });
  });

  test('delivers the report on discarded records of a stream', () => {
    const KinesisBatchInfo = {
      shardId: 'shardId-000000000000',
      startSequenceNumber: '7',
      endSequenceNumber: '8',
      batchSize: 2,
      streamArn: 'arn:aws:kinesis:eu-west-1:1:stream/s',
    };
    const body = JSON.stringify({ requestContext: { condition: 'RetryAttemptsExhausted' }, KinesisBatchInfo });
    const event = { Records: [{ ...failed({}), body }] };
    expect(readInvocation(event, workflow)).toMatchObject({
      kind: 'discarded',
      records: { service: 'kinesis', first: '7', last: '8', count: 2 },
      report: { id: 'm-1', receipt: { handle: 'r-1' }, body },
    });
  });

  test('is the only queue whose messages are taken for failed invocations', () => {
    const record = { ...failed({ Records: [sns('n-1')] }), eventSourceARN: sqs.eventSourceARN };
    expect(readInvocation({ Records: [record] }, workflow)).toMatchObject({ deliveries: [{ body: record.body }] });
  });
});
