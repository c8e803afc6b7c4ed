import fc from 'fast-check';
import { ConfigurationError } from '../../lambda/aws/configuration-error';
import { parseConfiguration } from '../../lambda/aws/parse-configuration';
import { readInvocation } from '../../lambda/runtime/records';

function problemsOf(text: string): readonly string[] {
  try {
    parseConfiguration(text);
  } catch (thrown) {
    if (thrown instanceof ConfigurationError) return thrown.problems;
    throw thrown;
  }
  return [];
}

const MEMBERS = [
  'workflow',
  'machines',
  'eventSource',
  'failoverEventSource',
  'retryQueues',
  'lockTable',
  'checkpointTable',
  'deadLetterQueue',
  'eagerCommit',
  'logErrorMessages',
];

describe('a configuration', () => {
  test.each(MEMBERS)('with a deep or long value in "%s" is rejected with a short message', (member) => {
    for (const value of [
      `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
      `"${'x'.repeat(1_000_000)}"`,
      `{"service":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      '1e999',
    ]) {
      const problems = problemsOf(`{"${member}":${value}}`);
      expect(problems.length).toBeGreaterThan(0);
      expect(problems.join('\n').length).toBeLessThan(5_000);
    }
  });

  test('from any text throws only a ConfigurationError, and does not change Object.prototype', () => {
    const own = Object.getOwnPropertyNames(Object.prototype);
    const members = fc
      .dictionary(fc.constantFrom(...MEMBERS, '__proto__', 'service', 'constructor'), fc.jsonValue(), { maxKeys: 6 })
      .map((value) => JSON.stringify(value));
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), members), (text) => {
        expect(problemsOf(text).length).toBeGreaterThan(0);
      }),
    );
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(own);
  });
});

describe('an invocation', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.constantFrom('', '\0', '\ud800', '{"__proto__":1}'),
  );
  const record = {
    sqs: text.map((body) => ({ eventSource: 'aws:sqs', eventSourceARN: 'arn', messageId: 'm', body })),
    kinesis: fc.uint8Array().map((data) => ({
      eventSource: 'aws:kinesis',
      eventSourceARN: 'arn',
      eventID: 'shard:1',
      kinesis: { sequenceNumber: '1', data: Buffer.from(data).toString('base64') },
    })),
    dynamodb: fc
      .oneof(fc.constant(undefined), fc.dictionary(fc.constantFrom('envelope', '__proto__'), fc.record({ S: text })))
      .map((NewImage) => ({
        eventSource: 'aws:dynamodb',
        dynamodb: { SequenceNumber: '1', NewImage },
      })),
    sns: text.map((Message) => ({ EventSource: 'aws:sns', Sns: { MessageId: 'm', TopicArn: 'arn', Message } })),
  };

  test('returns an answer for each of its records, independent of their content', () => {
    const batches = Object.values(record).map((one) => fc.array<unknown>(one, { minLength: 1, maxLength: 5 }));
    fc.assert(
      fc.property(fc.oneof(...batches), (Records) => {
        const invoked = readInvocation({ Records });
        expect(invoked).toMatchObject({
          kind: 'records',
          deliveries: Records.map(() => ({ id: expect.stringMatching(/^./), body: expect.any(String) })),
        });
      }),
    );
  });

  test('with any other event is rejected with an error that names the expected events', () => {
    fc.assert(
      fc.property(fc.anything(), (event) => {
        expect(() => readInvocation(event)).toThrow('Invalid event: expected a batch of records');
      }),
    );
  });
});
