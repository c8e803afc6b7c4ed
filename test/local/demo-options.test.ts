import { readOptions } from '../../examples/order/demo/options';

const carriersOf = (...parameters: string[]) => readOptions(parameters)?.carriers;

test.each([
  ['nothing', [], { source: 'sqs', failover: 'dynamodb', retry: 'sqs', failoverRetry: 'dynamodb' }],
  ['another source', ['--source', 'kinesis'], { source: 'kinesis', failover: 'dynamodb', retry: 'sqs', failoverRetry: 'dynamodb' }],
  ['the source that the others fail over to', ['--source', 'dynamodb', '--retry', 'dynamodb'], { source: 'dynamodb', failover: 'sqs', retry: 'dynamodb', failoverRetry: 'sqs' }],
  ['all of it', ['--source', 'sns', '--failover', 'kinesis', '--retry', 'kinesis', '--failover-retry', 'sns'], { source: 'sns', failover: 'kinesis', retry: 'kinesis', failoverRetry: 'sns' }],
  ['no failover', ['--failover', 'none', '--failover-retry', 'none'], { source: 'sqs', failover: undefined, retry: 'sqs', failoverRetry: undefined }],
  ['a file', ['--db', 'orders.db'], { source: 'dynamodb', retry: 'dynamodb' }],
  ['a file, and what goes with it', ['--db', 'orders.db', '--source', 'dynamodb', '--failover', 'none'], { source: 'dynamodb', retry: 'dynamodb' }],
])('%s', (_, parameters, carriers) => {
  expect(carriersOf(...parameters)).toEqual(carriers);
});

test('help asks for nothing else', () => {
  expect(readOptions(['--help', '--source', 'kinesis'])).toBeUndefined();
});

test('all that is wrong is told at once, and why it cannot work', () => {
  const parameters = ['--executions', '0', '--faults', '', '--source', 'kinesis', '--failover', 'kinesis', '--retry', 'sms', '--failover-retry', 'sqs', '--seed', '2'];
  expect(() => readOptions(parameters)).toThrow(new Error([
    '--executions takes a number from 1 to 100000, not "0".',
    '--faults takes a number from 0 to 1, not "".',
    '--retry takes sqs, kinesis, sns, dynamodb, not "sms".',
    '--failover kinesis cannot take over from --source kinesis: an outage takes both down. Give another service, or none.',
  ].join('\n')));
});

test('a file keeps tables only', () => {
  expect(() => readOptions(['--db', 'orders.db', '--source', 'sqs', '--failover-retry', 'sns'])).toThrow(
    /^--source sqs does not go with --db: the file keeps tables only.*\n--failover-retry sns does not go with --db/,
  );
});
