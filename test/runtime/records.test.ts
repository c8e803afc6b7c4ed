import { readInvocation, respond } from '../../lambda/runtime/records';

const sqs = { eventSource: 'aws:sqs', eventSourceARN: 'arn:aws:sqs:eu-west-1:1:q', messageId: 'm-1', body: '{"a":1}' };
const stream = {
  eventSource: 'aws:dynamodb', eventSourceARN: 'arn:aws:dynamodb:eu-west-1:1:table/t/stream/1', dynamodb: { SequenceNumber: '77', NewImage: { envelope: { S: '{"b":2}' } } },
};

const kinesis = (data: Buffer, eventSourceARN = 'arn:aws:kinesis:eu-west-1:1:stream/s') => ({
  eventSource: 'aws:kinesis',
  eventSourceARN,
  eventID: 'shardId-000000000003:49590338271490256608559692538361571095921575989136588898',
  kinesis: { partitionKey: 'a', sequenceNumber: '49590338271490256608559692538361571095921575989136588898', data: data.toString('base64') },
});
const sns = (MessageId: string, Message = '{"d":4}') => ({
  EventSource: 'aws:sns', EventSubscriptionArn: 'arn:aws:sns:eu-west-1:1:t:s', Sns: { Type: 'Notification', MessageId, TopicArn: 'arn:aws:sns:eu-west-1:1:t', Message },
});

test('a batch from a queue', () => {
  expect(readInvocation({ Records: [sqs] })).toEqual({
    kind: 'records', partial: true, deliveries: [{ id: 'm-1', body: '{"a":1}', blocking: false, place: { service: 'sqs', resource: sqs.eventSourceARN, messageId: 'm-1' } }],
  });
});

test('a batch from a table\'s stream, which blocks behind what is given back', () => {
  expect(readInvocation({ Records: [stream] })).toEqual({
    kind: 'records', partial: true, deliveries: [{ id: '77', body: '{"b":2}', blocking: true, place: { service: 'dynamodb', resource: stream.eventSourceARN, sequenceNumber: '77' } }],
  });
});

test('an item without an envelope is a record like any other poison: it is answered for', () => {
  expect(readInvocation({ Records: [{ ...stream, dynamodb: { SequenceNumber: '78' } }] })).toMatchObject({ deliveries: [{ id: '78', body: '' }] });
});

test.each([
  ['a batch from a data stream', 'arn:aws:kinesis:eu-west-1:1:stream/s'],
  ['a batch from a consumer with enhanced fan-out', 'arn:aws:kinesis:eu-west-1:1:stream/s/consumer/c:1700000000'],
])('%s, of which each record has its place', (_, arn) => {
  expect(readInvocation({ Records: [kinesis(Buffer.from('{"c":"ä😀"}'), arn)] })).toEqual({
    kind: 'records',
    partial: true,
    deliveries: [{
      id: '49590338271490256608559692538361571095921575989136588898',
      body: '{"c":"ä😀"}',
      blocking: true,
      place: {
        service: 'kinesis',
        resource: 'arn:aws:kinesis:eu-west-1:1:stream/s',
        shard: 'shardId-000000000003',
        sequenceNumber: '49590338271490256608559692538361571095921575989136588898',
      },
    }],
  });
});

test('a record that is no text comes as it is, and harms no other', () => {
  const binary = Buffer.from([0x1f, 0x8b, 0xff, 0x00]);
  expect(readInvocation({ Records: [kinesis(binary), kinesis(Buffer.from('{}'))] })).toMatchObject({ deliveries: [{ body: 'H4v/AA==' }, { body: '{}' }] });
});

test('a message from a topic, which cannot be given back alone', () => {
  expect(readInvocation({ Records: [sns('m-1')] })).toEqual({
    kind: 'records',
    partial: false,
    deliveries: [{ id: 'm-1', body: '{"d":4}', blocking: true, place: { service: 'sns', resource: 'arn:aws:sns:eu-west-1:1:t', messageId: 'm-1' } }],
  });
});

test('the timer', () => {
  expect(readInvocation({ 'source': 'cdk-lambda-fsm', 'detail-type': 'timer' })).toEqual({ kind: 'timer' });
});

test.each([[undefined], [null], [{}], ['text'], [{ Records: [{ eventSource: 'aws:s3' }] }], [{ Records: [sqs, stream] }], [{ Records: [sqs, sns('m')] }], [{ Records: [null] }], [{ Records: [] }]])('%j is refused', (event) => {
  expect(() => readInvocation(event)).toThrow('The function was invoked with something else than a batch of records');
});

test('the source is told what to deliver again, and nothing else', () => {
  expect(respond(new Map([['a', 'acknowledge'], ['b', 'redeliver'], ['c', 'redeliver']]), true)).toEqual({ batchItemFailures: [{ itemIdentifier: 'b' }, { itemIdentifier: 'c' }] });
});

test('an invocation by a topic fails as a whole, so that Lambda repeats it', () => {
  expect(respond(new Map([['a', 'acknowledge'], ['b', 'acknowledge']]), false)).toEqual({ batchItemFailures: [] });
  expect(() => respond(new Map([['a', 'acknowledge'], ['b', 'redeliver']]), false)).toThrow('1 of 2 records could not be taken on');
});
