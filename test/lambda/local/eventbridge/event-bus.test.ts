import { parseFilter } from '../../../../lambda/local/brokers/shared/filter';
import { EventBus, type EventRule } from '../../../../lambda/local/eventbridge/event-bus';
import { inputPath, inputTransformer, wholeEvent } from '../../../../lambda/local/eventbridge/event-input';
import { until } from '../../../support/local';

const RULE: EventRule = {
  ruleArn: 'arn:aws:events:us-east-1:000000000000:rule/own',
  busName: 'default',
  matches: parseFilter([]),
  input: wholeEvent,
};
const made = (template: string, paths: Record<string, string>, event = {}) =>
  inputTransformer({ template, paths, ruleArn: RULE.ruleArn })(event);

test.each([
  ['a value alone', '{"a":<a>}', { a: '$.detail.list[1].name' }, { a: 'second' }],
  ['an object', '{"a":<a>}', { a: '$.detail.list[0]' }, { a: { name: 'first' } }],
  ['within a text', '{"a":"<a> & <b>"}', { a: '$.detail.text', b: '$.detail.number' }, { a: 'a "quoted" line\n & 5' }],
  ['an object within a text', '{"a":"<a>"}', { a: '$.detail.list[0]' }, { a: '{"name":"first"}' }],
  ['a missing value', '{"a":<a>,"b":"<a>!"}', { a: '$.detail.none.at.all' }, { a: null, b: '!' }],
  ['a text alone', '"<a>"', { a: '$.detail.number' }, '5'],
  ['the rule', '{"a":"<aws.events.rule-name>","b":<aws.events.rule-arn>}', {}, { a: 'own', b: RULE.ruleArn }],
  ['the event without its detail', '{"a":<aws.events.event>}', {}, { a: { source: 'shop' } }],
  ['text that only looks like a variable', '{"a":"1 < 2 > 0"}', {}, { a: '1 < 2 > 0' }],
])('an input transformer supports %s', (_, template, paths, expected) => {
  const event = {
    source: 'shop',
    detail: { list: [{ name: 'first' }, { name: 'second' }], text: 'a "quoted" line\n', number: 5 },
  };
  expect(made(template, paths as Record<string, string>, event)).toEqual(expected);
});

test('unsupported paths and undefined variables are rejected immediately', () => {
  expect(() => inputPath('$.detail[*]')).toThrow('Unsupported path $.detail[*]');
  expect(() => made('{"a":<b>}', { a: '$.detail' })).toThrow('Undefined variable <b>');
});

test('an input that cannot be created is reported, and does not affect other rules', async () => {
  const errors: Error[] = [];
  const received: unknown[] = [];
  const bus = new EventBus((error) => errors.push(error));
  const receive = async (event: unknown) => {
    received.push(event);
  };
  bus.addRule(
    { ...RULE, input: inputTransformer({ template: '{"a":<a>', paths: { a: '$.source' }, ruleArn: RULE.ruleArn }) },
    receive,
  );
  bus.addRule(RULE, receive);
  const id = bus.put({ source: 'shop', detailType: 'Sold', detail: {} });
  await until(() => received.length === 1);
  expect(received).toMatchObject([{ id, source: 'shop' }]);
  expect(errors.map(({ message }) => message)).toEqual([
    expect.stringContaining(`Rule ${RULE.ruleArn} cannot create the input of its function`),
  ]);
});

test.each([[{}], [{ Entries: [] }], [{ Entries: Array.from({ length: 11 }, () => ({})) }]])(
  'PutEvents rejects %j',
  (input) => {
    const bus = new EventBus(() => undefined);
    expect(() => bus.operations['AWSEvents.PutEvents']!(input)).toThrow('expected 1 to 10 entries.');
  },
);
