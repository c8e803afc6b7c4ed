import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack, aws_kms as kms } from 'aws-cdk-lib';
import type { CloudAssembly } from 'aws-cdk-lib/cx-api';
import { Construct } from 'constructs';
import { installLinter, lint } from './cfn-lint';
import { ENVIRONMENT, NEW_APP_CONTEXT, newWorkflow } from '../support/constructs';
import { ADDITIONS, COMBINATIONS } from '../support/workflows';
import { EventSource, RetryQueue, type FsmWorkflowProps } from 'cdk-lambda-fsm';

/* The templates of every event source, failover and retry queue are valid, and their synthesis has no warnings. */

const EVENT_SOURCES: Readonly<Record<string, () => EventSource>> = {
  Sqs: () => EventSource.sqs(),
  SqsFifo: () => EventSource.sqs({ fifo: true }),
  Kinesis: () => EventSource.kinesis(),
  Sns: () => EventSource.sns(),
  DynamoDb: () => EventSource.dynamoDb(),
};

const RETRY_QUEUES: Readonly<Record<string, () => RetryQueue>> = {
  Sqs: () => RetryQueue.sqs(),
  Kinesis: () => RetryQueue.kinesis({ ignoreBackoff: true }),
  Sns: () => RetryQueue.sns({ ignoreBackoff: true }),
  DynamoDb: () => RetryQueue.dynamoDb(),
};

/** One workflow for each retry queue. */
function addWorkflows(stack: Stack, props: () => Partial<FsmWorkflowProps>): void {
  for (const [name, retryQueue] of Object.entries(RETRY_QUEUES)) {
    newWorkflow(new Construct(stack, name), { ...props(), retryQueue: retryQueue() });
  }
}

function addBrokers(app: App): void {
  for (const [name, eventSource] of Object.entries(EVENT_SOURCES)) {
    // Without an environment, so that the account and the Region are tokens.
    addWorkflows(new Stack(app, name), () => ({ eventSource: eventSource() }));
    const keyStack = new Stack(app, `${name}Encrypted`, ENVIRONMENT);
    const encryptionKey = new kms.Key(keyStack, 'Key');
    addWorkflows(keyStack, () => ({ eventSource: eventSource(), encryptionKey }));
    for (const [failoverName, failover] of Object.entries(EVENT_SOURCES)) {
      // A workflow has one checkpoint table, which has one stream.
      if (name === 'DynamoDb' && failoverName === 'DynamoDb') continue;
      addWorkflows(new Stack(app, `${name}Failover${failoverName}`), () => ({
        eventSource: eventSource(),
        failoverEventSource: failover(),
      }));
    }
  }
}

/** Workflows with all other options, each with alarms and a dashboard. */
function addCombinations(app: App): void {
  Object.values(COMBINATIONS).forEach((props, index) => {
    const stack = new Stack(app, `Combination${index}`, ENVIRONMENT);
    const workflow = newWorkflow(stack, props(stack));
    workflow.addDashboard({ alarms: workflow.addAlarms() });
  });
  Object.values(ADDITIONS).forEach((add, index) => {
    const stack = new Stack(app, `Addition${index}`, ENVIRONMENT);
    add(newWorkflow(stack), stack);
  });
}

const outdir = mkdtempSync(join(tmpdir(), 'templates-'));
afterAll(() => rmSync(outdir, { recursive: true, force: true }));

let assembly: CloudAssembly;
beforeAll(() => {
  const app = new App({ outdir, context: NEW_APP_CONTEXT });
  addBrokers(app);
  addCombinations(app);
  assembly = app.synth();
}, 60_000);

/** The functions that the tests add, and those of the AWS CDK, depend on roles whose ARNs they name. */
const OF_OTHERS = / Resources\/(Starter|BucketNotificationsHandler)\w+\/DependsOn\/\d+ W3005:/;

test('cfn-lint has no findings', async () => {
  const linter = await installLinter();
  const templates = assembly.stacks.map(({ templateFullPath }) => templateFullPath);
  expect(templates.length).toBeGreaterThan(40);
  const findings = await lint(linter, templates);
  expect(findings.filter((finding) => !OF_OTHERS.test(finding))).toEqual([]);
}, 300_000);

test('cdk synth --strict has no findings', () => {
  const messages = assembly.stacks.flatMap((stack) => stack.messages);
  expect(messages.map(({ id, entry }) => `${id}: ${String(entry.data)}`)).toEqual([]);
});
