import fc from 'fast-check';
import { decodeEnvelope, encodeEnvelope, EnvelopeTooLargeError, type Envelope } from '../../../../lambda/engine';
import { assertFits } from '../../../../lambda/engine/envelope/codec';
import { INCARNATION } from '../../../support/execution-key';

const envelope: Envelope = {
  version: 1,
  executionId: 'order-1',
  incarnation: INCARNATION,
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
  mail: 'mail#a7#4:paid#000000000003',
  taken: 'mail##4:paid#000000000001',
  trace: '00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01',
  notBefore: 2_000,
  sentAt: 1_000,
};

function problemsOf(body: string): readonly string[] {
  const decoded = decodeEnvelope(body);
  return 'problems' in decoded ? decoded.problems : [];
}

test('decodes an envelope to what was encoded', () => {
  expect(decodeEnvelope(encodeEnvelope(envelope))).toEqual({ envelope });
});

test('decodes an envelope without its optional members', () => {
  const start: Envelope = {
    version: 1,
    executionId: 'x',
    incarnation: INCARNATION,
    machine: 'm',
    step: 0,
    parent: 0,
    attempt: 0,
    state: null,
    event: '$start',
    context: {},
    sentAt: 1,
  };
  expect(decodeEnvelope(encodeEnvelope(start))).toEqual({ envelope: start });
});

test('decodes the known members of an envelope of a newer version', () => {
  expect(decodeEnvelope(JSON.stringify({ ...envelope, version: 7, added: true }))).toEqual({
    envelope: { ...envelope, version: 7 },
  });
});

describe('rejects', () => {
  test.each([
    ['no JSON', '{', ['it is not JSON']],
    ['nothing', '', ['it is not JSON']],
    ['a list', '[]', ['it is not a JSON object']],
    ['null', 'null', ['it is not a JSON object']],
    [
      'an earlier version than the first',
      JSON.stringify({ ...envelope, version: 0 }),
      ['its "version" is 0; expected 1'],
    ],
    [
      'a version that is not a number',
      JSON.stringify({ ...envelope, version: '2' }),
      ['its "version" is a string; expected 1'],
    ],
    ['a fractional version', JSON.stringify({ ...envelope, version: 1.5 }), ['its "version" is 1.5; expected 1']],
    [
      'a newer version without the members of every version',
      JSON.stringify({ version: 2 }),
      expect.arrayContaining([expect.stringContaining('its "executionId" is missing')]),
    ],
    ['a foreign message', '{"Records":[]}', ['its "version" is missing; expected 1']],
    [
      'an inherited member',
      '{"version":1,"__proto__":{"executionId":"x"}}',
      expect.arrayContaining([
        'its "executionId" is missing; expected 1 to 128 printable ASCII characters without spaces',
      ]),
    ],
    [
      'a state at the start',
      JSON.stringify({ ...envelope, step: 0 }),
      ['its "step" and "state" contradict each other; expected step 0 exactly if the state is null'],
    ],
    [
      'a start that ends a wait',
      JSON.stringify({ ...envelope, step: 0, state: null, timeout: true }),
      ['it starts the execution and ends a wait at once; expected a "step" of at least 1'],
    ],
  ])('%s', (_, body, problems) => {
    expect(problemsOf(body)).toEqual(problems);
  });

  test('an envelope with all its problems together, and without payload in them', () => {
    const problems = problemsOf(
      JSON.stringify({
        ...envelope,
        executionId: 'secret secret',
        incarnation: INCARNATION,
        step: -1,
        parent: 1.5,
        context: ['secret'],
        mail: ['secret'],
      }),
    );
    expect(problems).toEqual([
      'its "executionId" is a string; expected 1 to 128 printable ASCII characters without spaces',
      'its "step" is -1; expected an integer ≥ 0',
      'its "parent" is 1.5; expected an integer ≥ 0',
      'its "context" is an array; expected an object',
      'its "mail" is an array; expected the key of a mail',
    ]);
  });

  test('any other text without throwing', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.record({ version: fc.constant(1), step: fc.anything() }).map((value) => {
            try {
              return JSON.stringify(value);
            } catch {
              return '{}';
            }
          }),
        ),
        (body) => {
          expect(problemsOf(body).length).toBeGreaterThan(0);
        },
      ),
    );
  });
});

test('rejects an envelope that has one member of a wrong type', () => {
  const members = Object.keys(envelope).filter((name) => name !== 'data' && name !== 'version');
  for (const name of members) {
    expect({ name, problems: problemsOf(JSON.stringify({ ...envelope, [name]: [{}] })) }).toEqual({
      name,
      problems: [expect.stringContaining(`"${name}"`)],
    });
  }
});

test('limits the bytes of an envelope, not its characters', () => {
  expect(() => assertFits('é'.repeat(10), 20, 's')).not.toThrow();
  expect(() => assertFits('é'.repeat(10), 19, 's')).toThrow(EnvelopeTooLargeError);
  expect(() => assertFits('é'.repeat(10), 19, 's')).toThrow(
    'The envelope after state "s" has 20 bytes; this workflow carries at most 19 ',
  );
});
