import { readClientConfiguration } from '../../../lambda/aws/client-configuration';
import { ConfigurationError } from '../../../lambda/aws/configuration-error';
import type { WorkflowConfiguration } from '../../../lambda/contract/configuration';

const QUEUE = 'https://sqs.eu-west-1.amazonaws.com/123456789012/orders';
const FULL: WorkflowConfiguration = {
  workflow: 'Orders',
  eventSource: { service: 'sqs', queueUrl: QUEUE },
  failoverEventSource: { service: 'dynamodb' },
  retryQueues: [{ service: 'sqs', queueUrl: QUEUE }],
  lockTable: { service: 'dynamodb', tableName: 'Locks', retentionDays: 30 },
  checkpointTable: { service: 'dynamodb', tableName: 'Checkpoints', retentionDays: 30 },
  deadLetterQueue: { service: 'sqs', queueUrl: QUEUE },
};

function problemsOf(configuration: string | object): readonly string[] {
  try {
    readClientConfiguration(configuration);
  } catch (thrown) {
    if (thrown instanceof ConfigurationError) return thrown.problems;
    throw thrown;
  }
  return [];
}

test('reads what the construct renders, as text or parsed', () => {
  expect(readClientConfiguration(FULL)).toEqual(FULL);
  expect(readClientConfiguration(JSON.stringify(FULL))).toEqual(FULL);
});

const EVERYTHING = ['workflow', 'eventSource', 'retryQueues', 'lockTable', 'checkpointTable'].map(
  (name) => `Missing ${name}.`,
);

test.each<[string | object, readonly string[]]>([
  ['', ['The configuration is empty.']],
  ['{', [expect.stringContaining('Invalid JSON: ')]],
  ['null', EVERYTHING],
  ['7', EVERYTHING],
  ['[]', EVERYTHING],
  ['{"__proto__": {"workflow": "Orders"}}', EVERYTHING],
  [{ ...FULL, eventSource: null, workflow: '' }, ['Missing workflow.', 'Missing eventSource.']],
  [
    { ...FULL, failoverEventSource: { service: 'kafka' }, retryQueues: [{}] },
    [
      'Unknown service "kafka": this version of cdk-lambda-fsm knows sqs, kinesis, sns, dynamodb.',
      'Unknown service undefined: this version of cdk-lambda-fsm knows sqs, kinesis, sns, dynamodb.',
    ],
  ],
])('refuses %j', (configuration, problems) => {
  expect(problemsOf(configuration)).toEqual(problems);
});

test('says where a configuration comes from', () => {
  expect(() => readClientConfiguration('')).toThrow(/clientConfiguration/);
});
