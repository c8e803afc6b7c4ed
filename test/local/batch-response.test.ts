import { failedRecords } from '../../lambda/local/pollers/batch-response';

const failed = (payload: unknown, reports = true) => [...failedRecords({ ok: true, requestId: 'r', payload }, ['a', 'b', 'c'], reports)];
const ALL = ['a', 'b', 'c'];

test.each([
  ['no answer', undefined, []],
  ['null', null, []],
  ['an empty answer', {}, []],
  ['an empty list', { batchItemFailures: [] }, []],
  ['no list', { batchItemFailures: null }, []],
  ['records by name', { batchItemFailures: [{ itemIdentifier: 'b' }, { itemIdentifier: 'c' }] }, ['b', 'c']],
  ['an empty name', { batchItemFailures: [{ itemIdentifier: '' }] }, ALL],
  ['a null name', { batchItemFailures: [{ itemIdentifier: null }] }, ALL],
  ['a name under another key', { batchItemFailures: [{ id: 'b' }] }, ALL],
  ['a name that is not in the batch', { batchItemFailures: [{ itemIdentifier: 'b' }, { itemIdentifier: 'x' }] }, ALL],
  ['something else than a list', { batchItemFailures: 'b' }, ALL],
])('%s', (_, payload, expected) => {
  expect(failed(payload)).toEqual(expected);
});

test('a mapping that does not ask for item failures takes any answer for a success', () => {
  expect(failed({ batchItemFailures: [{ itemIdentifier: 'b' }] }, false)).toEqual([]);
});

test('an error of the function is a failure of the whole batch', () => {
  expect([...failedRecords({ ok: false, requestId: 'r', errorType: 'Error', errorMessage: 'no' }, ALL, true)]).toEqual(ALL);
});
