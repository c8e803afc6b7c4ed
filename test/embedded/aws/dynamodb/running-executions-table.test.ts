import { RunningExecutionsTable } from '../../../../lambda/aws/dynamodb/running-executions-table';
import { describeRunningExecutionsContract } from '../../../contracts/running-executions';
import { requestsOf } from '../../../support/count-requests';
import { Embedded } from '../../../support/servers/embedded';

const embedded = Embedded.use();

async function open() {
  const tableName = await embedded.table('locks');
  return { tableName, store: new RunningExecutionsTable(embedded.dynamoDb(), { tableName, workflow: 'orders' }) };
}

describeRunningExecutionsContract('RunningExecutionsTable', async () => (await open()).store);

test('a change is one request, except for the very first of a group, and reading is one for each group', async () => {
  const { store } = await open();
  const enter = (executionId: string) =>
    requestsOf(() => store.enter('running order 0', 2, { executionId, fence: 0, expires: 1 }));
  expect(await requestsOf(() => store.read(['running order 0', 'running order 1']))).toEqual(['GetItem', 'GetItem']);
  expect(await enter('a')).toEqual(['UpdateItem', 'UpdateItem', 'UpdateItem']);
  expect(await enter('b')).toEqual(['UpdateItem']);
  expect(await enter('c')).toEqual(['UpdateItem']);
  expect(await requestsOf(() => store.leave('running order 0', 'a', 1))).toEqual(['UpdateItem']);
  expect(await requestsOf(() => store.leave('running order 0', 'a', 1))).toEqual(['UpdateItem']);
});
