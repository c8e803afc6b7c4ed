import { readOptions } from '../../examples/order/demo/options';

const carriersOf = (...parameters: string[]) => readOptions(parameters)?.carriers;

test.each([
  ['no options', [], { source: 'sqs', failover: 'dynamodb', retry: 'sqs', failoverRetry: 'dynamodb' }],
  [
    'another event source',
    ['--source', 'kinesis'],
    { source: 'kinesis', failover: 'dynamodb', retry: 'sqs', failoverRetry: 'dynamodb' },
  ],
  [
    'DynamoDB as the event source and retry queue',
    ['--source', 'dynamodb', '--retry', 'dynamodb'],
    { source: 'dynamodb', failover: 'sqs', retry: 'dynamodb', failoverRetry: 'sqs' },
  ],
  [
    'all options',
    ['--source', 'sns', '--failover', 'kinesis', '--retry', 'kinesis', '--failover-retry', 'sns'],
    { source: 'sns', failover: 'kinesis', retry: 'kinesis', failoverRetry: 'sns' },
  ],
  [
    'no failovers',
    ['--failover', 'none', '--failover-retry', 'none'],
    { source: 'sqs', failover: undefined, retry: 'sqs', failoverRetry: undefined },
  ],
  ['a database file', ['--db', 'orders.db'], { source: 'dynamodb', retry: 'dynamodb' }],
  [
    'a database file with the options that it allows',
    ['--db', 'orders.db', '--source', 'dynamodb', '--failover', 'none'],
    { source: 'dynamodb', retry: 'dynamodb' },
  ],
])('reads %s', (_, parameters, carriers) => {
  expect(carriersOf(...parameters)).toEqual(carriers);
});

test('returns nothing for --help', () => {
  expect(readOptions(['--help', '--source', 'kinesis'])).toBeUndefined();
});

test('reports all invalid options together', () => {
  const parameters = [
    '--executions',
    '0',
    '--faults',
    '',
    '--source',
    'kinesis',
    '--failover',
    'kinesis',
    '--retry',
    'sms',
    '--failover-retry',
    'sqs',
    '--seed',
    '2',
  ];
  expect(() => readOptions(parameters)).toThrow(
    new Error(
      [
        'Invalid --executions "0": expected a number from 1 to 100000.',
        'Invalid --faults "": expected a number from 0 to 1.',
        'Invalid --retry "sms": expected sqs, kinesis, sns or dynamodb.',
        '--failover kinesis is also the --source, so one outage would stop both. Choose another service, or none.',
      ].join('\n'),
    ),
  );
});

test('rejects services that a database file cannot store', () => {
  expect(() => readOptions(['--db', 'orders.db', '--source', 'sqs', '--failover-retry', 'sns'])).toThrow(
    /^--source sqs cannot be combined with --db: the file stores tables only.*\n--failover-retry sns cannot be combined with --db/,
  );
});
