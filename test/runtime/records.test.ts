import { readInvocation, respond } from '../../lambda/runtime/records';

const sqs = { eventSource: 'aws:sqs', eventSourceARN: 'arn:aws:sqs:eu-west-1:1:q', messageId: 'm-1', body: '{"a":1}' };
const stream = {
  eventSource: 'aws:dynamodb', eventSourceARN: 'arn:aws:dynamodb:eu-west-1:1:table/t/stream/1', dynamodb: { SequenceNumber: '77', NewImage: { envelope: { S: '{"b":2}' } } },
};

test('a batch from a queue', () => {
  expect(readInvocation({ Records: [sqs] })).toEqual({
    kind: 'records', deliveries: [{ id: 'm-1', body: '{"a":1}', blocking: false, place: { service: 'sqs', resource: sqs.eventSourceARN, messageId: 'm-1' } }],
  });
});

test('a batch from a table\'s stream, which blocks behind what is given back', () => {
  expect(readInvocation({ Records: [stream] })).toEqual({
    kind: 'records', deliveries: [{ id: '77', body: '{"b":2}', blocking: true, place: { service: 'dynamodb', resource: stream.eventSourceARN, sequenceNumber: '77' } }],
  });
});

test('an item without an envelope is a record like any other poison: it is answered for', () => {
  expect(readInvocation({ Records: [{ ...stream, dynamodb: { SequenceNumber: '78' } }] })).toMatchObject({ deliveries: [{ id: '78', body: '' }] });
});

test('the timer', () => {
  expect(readInvocation({ 'source': 'cdk-lambda-fsm', 'detail-type': 'timer' })).toEqual({ kind: 'timer' });
});

test.each([[undefined], [null], [{}], ['text'], [{ Records: [{ eventSource: 'aws:s3' }] }], [{ Records: [sqs, stream] }], [{ Records: [null] }], [{ Records: [] }]])('%j is refused', (event) => {
  expect(() => readInvocation(event)).toThrow('The function was invoked with something else than a batch of records');
});

test('the source is told what to deliver again, and nothing else', () => {
  expect(respond(new Map([['a', 'acknowledge'], ['b', 'redeliver'], ['c', 'redeliver']]))).toEqual({ batchItemFailures: [{ itemIdentifier: 'b' }, { itemIdentifier: 'c' }] });
});
