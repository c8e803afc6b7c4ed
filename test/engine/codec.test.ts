import fc from 'fast-check';
import { decodeEnvelope, encodeEnvelope, EnvelopeTooLargeError, type Envelope } from '../../lambda/engine';
import { assertFits } from '../../lambda/engine/codec';

const envelope: Envelope = {
  version: 1,
  executionId: 'order-1',
  machine: 'order',
  definition: '0123456789abcdef',
  step: 3,
  parent: 5,
  attempt: 1,
  state: 'charging',
  event: 'charged',
  context: { sku: 'tea' },
  data: ['any', 1],
  error: { name: 'Error', message: 'no', state: 'charging', attempts: 2 },
  mailbox: { through: 3, deferred: [1] },
  mail: 3,
  trace: '00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01',
  notBefore: 2_000,
  sentAt: 1_000,
};

function problemsOf(body: string): readonly string[] {
  const decoded = decodeEnvelope(body);
  return 'problems' in decoded ? decoded.problems : [];
}

test('an envelope comes back as it was sent', () => {
  expect(decodeEnvelope(encodeEnvelope(envelope))).toEqual({ envelope });
});

test('an envelope without its optional parts comes back as it was sent', () => {
  const start: Envelope = { version: 1, executionId: 'x', machine: 'm', step: 0, parent: 0, attempt: 0, state: null, event: '$start', context: {}, sentAt: 1 };
  expect(decodeEnvelope(encodeEnvelope(start))).toEqual({ envelope: start });
});

test('an envelope of a newer version is read as far as this one knows it', () => {
  expect(decodeEnvelope(JSON.stringify({ ...envelope, version: 7, added: true }))).toEqual({ envelope: { ...envelope, version: 7 } });
});

describe('what is no envelope', () => {
  test.each([
    ['no JSON', '{', ['it is no JSON']],
    ['nothing', '', ['it is no JSON']],
    ['a list', '[]', ['it is no JSON object']],
    ['null', 'null', ['it is no JSON object']],
    ['an earlier version than the first', JSON.stringify({ ...envelope, version: 0 }), ['its version is 0, and this runtime reads version 1']],
    ['a version that is no number', JSON.stringify({ ...envelope, version: '2' }), ['its version is a string, and this runtime reads version 1']],
    ['a version between two', JSON.stringify({ ...envelope, version: 1.5 }), ['its version is 1.5, and this runtime reads version 1']],
    ['a newer version that has lost what every version has', JSON.stringify({ version: 2 }), expect.arrayContaining([expect.stringContaining('its "executionId" is missing')])],
    ['a foreign message', '{"Records":[]}', ['its version is missing, and this runtime reads version 1']],
    ['an inherited member', '{"version":1,"__proto__":{"executionId":"x"}}', expect.arrayContaining(['its "executionId" is missing; expected 1 to 128 printable characters without a space'])],
    ['a state at the start', JSON.stringify({ ...envelope, step: 0 }), ['only the start (step 0) has no state']],
  ])('%s', (_, body, problems) => {
    expect(problemsOf(body)).toEqual(problems);
  });

  test('all problems are told at once, and none of the payload', () => {
    const problems = problemsOf(JSON.stringify({ ...envelope, executionId: 'secret secret', step: -1, parent: 1.5, context: ['secret'], mail: 'secret' }));
    expect(problems).toEqual([
      'its "executionId" is a string; expected 1 to 128 printable characters without a space',
      'its "step" is -1; expected an integer ≥ 0',
      'its "parent" is 1.5; expected an integer ≥ 0',
      'its "context" is an array; expected an object',
      'its "mail" is a string; expected an integer ≥ 0',
    ]);
  });

  test('any text gives problems and never throws', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json(), fc.record({ version: fc.constant(1), step: fc.anything() }).map((value) => {
      try {
        return JSON.stringify(value);
      } catch {
        return '{}';
      }
    })), (body) => {
      expect(problemsOf(body).length).toBeGreaterThan(0);
    }));
  });
});

test('a forged envelope with one member of another kind is found out', () => {
  const members = Object.keys(envelope).filter((name) => name !== 'data' && name !== 'version');
  for (const name of members) expect({ name, problems: problemsOf(JSON.stringify({ ...envelope, [name]: [{}] })) }).toEqual({ name, problems: [expect.stringContaining(`"${name}"`)] });
});

test('the limit counts bytes, not characters', () => {
  expect(() => assertFits('é'.repeat(10), 20, 's')).not.toThrow();
  expect(() => assertFits('é'.repeat(10), 19, 's')).toThrow(EnvelopeTooLargeError);
  expect(() => assertFits('é'.repeat(10), 19, 's')).toThrow('The context after state "s" makes an envelope of 20 bytes; this workflow carries at most 19 ');
});
