import { requestsOf } from './count-requests';
import { Embedded } from './embedded';
import { RunningExecutionsTable } from '../../lambda/aws/dynamodb/running-executions-table';
import { describeRunningExecutionsContract } from '../contract/running-executions';

const embedded = Embedded.use();

async function open() {
  const tableName = await embedded.table('locks');
  return { tableName, store: new RunningExecutionsTable(embedded.dynamoDb(), tableName) };
}

describeRunningExecutionsContract('RunningExecutionsTable', async () => (await open()).store);

test('each call is one request, but for the first of all', async () => {
  const { store } = await open();
  const enter = (executionId: string) => requestsOf(() => store.enter('running order 0', 2, { executionId, fence: 0, expires: 1 }));
  expect(await enter('a')).toEqual(['UpdateItem', 'UpdateItem', 'UpdateItem']);
  expect(await enter('b')).toEqual(['UpdateItem']);
  expect(await enter('b')).toEqual(['UpdateItem']);
  expect(await enter('c')).toEqual(['UpdateItem']);
  expect(await requestsOf(() => store.leave('running order 0', 'a', 1))).toEqual(['UpdateItem']);
  expect(await requestsOf(() => store.leave('running order 0', 'a', 1))).toEqual(['UpdateItem']);
});
