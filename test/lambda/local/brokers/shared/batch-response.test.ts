import { failedRecords } from '../../../../../lambda/local/brokers/shared/batch-response';

const failed = (payload: unknown, reports = true) => [
  ...failedRecords({ ok: true, requestId: 'r', payload }, ['a', 'b', 'c'], reports),
];
const ALL = ['a', 'b', 'c'];

test.each([
  ['no response', undefined, []],
  ['null', null, []],
  ['an empty response', {}, []],
  ['an empty list', { batchItemFailures: [] }, []],
  ['a null list', { batchItemFailures: null }, []],
  ['identifiers of records', { batchItemFailures: [{ itemIdentifier: 'b' }, { itemIdentifier: 'c' }] }, ['b', 'c']],
  ['an empty identifier', { batchItemFailures: [{ itemIdentifier: '' }] }, ALL],
  ['a null identifier', { batchItemFailures: [{ itemIdentifier: null }] }, ALL],
  ['an identifier under another key', { batchItemFailures: [{ id: 'b' }] }, ALL],
  [
    'an identifier of no record in the batch',
    { batchItemFailures: [{ itemIdentifier: 'b' }, { itemIdentifier: 'x' }] },
    ALL,
  ],
  ['a string instead of a list', { batchItemFailures: 'b' }, ALL],
])('%s', (_, payload, expected) => {
  expect(failed(payload)).toEqual(expected);
});

test('without ReportBatchItemFailures, any response means success', () => {
  expect(failed({ batchItemFailures: [{ itemIdentifier: 'b' }] }, false)).toEqual([]);
});

test('an error of the function fails the whole batch', () => {
  expect([...failedRecords({ ok: false, requestId: 'r', errorType: 'Error', errorMessage: 'no' }, ALL, true)]).toEqual(
    ALL,
  );
});
