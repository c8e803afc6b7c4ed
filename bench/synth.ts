import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { answer } from './child';

const ROOT = path.join(__dirname, '..');
const ACTIONS = path.join(ROOT, 'examples', 'order', 'order.actions.ts');

/** The duration and the result of a synth. */
export interface Synthesis {
  /** Since the start of the process, including the loading of all modules. */
  readonly seconds: number;
  /** Types of the resources, to check that both stacks have the same ones. */
  readonly resources: string;
}

/** Imports the library only if it is measured. */
async function addWorkflow(stack: Stack): Promise<void> {
  const { FsmWorkflow, MachineDefinition } = await import('cdk-lambda-fsm');
  const { order } = await import('../examples/order/order.machine.js');
  new FsmWorkflow(stack, 'Orders', { machines: [MachineDefinition.fromObject(order)], actions: ACTIONS });
}

/** The same resources, written with the AWS CDK alone. */
function addByHand(stack: Stack): void {
  const table = (id: string, sortKey?: string) =>
    new dynamodb.Table(stack, id, {
      partitionKey: { name: 'executionId', type: dynamodb.AttributeType.STRING },
      sortKey: sortKey ? { name: sortKey, type: dynamodb.AttributeType.STRING } : undefined,
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: 'ttl',
      stream: sortKey ? dynamodb.StreamViewType.NEW_IMAGE : undefined,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      removalPolicy: RemovalPolicy.RETAIN,
    });
  const queue = (id: string, deadLetterQueue?: sqs.IQueue) =>
    new sqs.Queue(stack, id, {
      encryption: sqs.QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      visibilityTimeout: Duration.minutes(3),
      deadLetterQueue: deadLetterQueue && { queue: deadLetterQueue, maxReceiveCount: 100 },
    });
  const locks = table('Locks');
  const checkpoints = table('Checkpoints', 'entry');
  const deadLetters = queue('DeadLetters');
  const events = queue('Events', deadLetters);
  const retries = queue('Retries', deadLetters);
  const logGroup = new logs.LogGroup(stack, 'Logs', { retention: logs.RetentionDays.ONE_MONTH });
  const role = new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
  const handler = new NodejsFunction(stack, 'Function', {
    entry: ACTIONS,
    depsLockFilePath: path.join(ROOT, 'package-lock.json'),
    runtime: lambda.Runtime.NODEJS_24_X,
    role,
    logGroup,
    memorySize: 512,
    timeout: Duration.seconds(30),
    architecture: lambda.Architecture.ARM_64,
    recursiveLoop: lambda.RecursiveLoop.ALLOW,
    environment: {
      LOCKS: locks.tableName,
      CHECKPOINTS: checkpoints.tableName,
      EVENTS: events.queueUrl,
      RETRIES: retries.queueUrl,
    },
  });
  logGroup.grantWrite(role);
  for (const source of [events, retries]) {
    source.grantConsumeMessages(handler);
    source.grantSendMessages(handler);
    handler.addEventSourceMapping(source.node.id, {
      eventSourceArn: source.queueArn,
      batchSize: 10,
      reportBatchItemFailures: true,
    });
  }
  deadLetters.grantSendMessages(handler);
  locks.grant(handler, 'dynamodb:GetItem', 'dynamodb:PartiQLUpdate', 'dynamodb:UpdateItem');
  checkpoints.grant(handler, 'dynamodb:BatchWriteItem', 'dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:UpdateItem');
}

async function synthesize(kind: 'workflow' | 'hand'): Promise<Synthesis> {
  const outdir = mkdtempSync(path.join(tmpdir(), 'cdk-lambda-fsm-synth-'));
  try {
    const app = new App({ outdir });
    const stack = new Stack(app, 'Orders', { env: { account: '123456789012', region: 'eu-west-1' } });
    if (kind === 'workflow') await addWorkflow(stack);
    else addByHand(stack);
    const [{ template } = { template: {} }] = app.synth().stacks;
    const seconds = performance.now() / 1000;
    const types = Object.values((template as { Resources: Record<string, { Type: string }> }).Resources).map(
      ({ Type }) => Type,
    );
    return { seconds, resources: types.sort().join(' ') };
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

// This comes last, because the parent process ends this one after the answer. bench/run.ts passes the argument.
void synthesize(process.argv[2] as 'workflow' | 'hand').then(answer);
