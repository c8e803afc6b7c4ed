import * as path from 'node:path';
import { App, CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { buildSync } from 'esbuild';
import { RIGHTS, type Right } from './caller';
import { journey } from './journey.machine';
import { nameOf, routesFrom, type Route, type Service } from './transports';
import { grantBatches } from '../emulator-only';
import { EventSource, FsmWorkflow, MachineDefinition, RetryQueue } from 'cdk-lambda-fsm';

/** The functions that call the workflows, each with one permission. */
type Callers = Readonly<Record<Right, lambda.Function>>;

const app = new App();
// The scenario passes the service as context.
const primary = app.node.getContext('primary') as Service;
const stack = new Stack(app, `From-${primary}`);
const callers = createCallers(stack);
const workflows = routesFrom(primary).map((route) => createWorkflow(stack, route));
for (const workflow of workflows) {
  workflow.grantStart(callers.start);
  workflow.grantSend(callers.send);
  workflow.grantDescribe(callers.describe);
  workflow.grantResume(callers.resume);
  workflow.grantCancel(callers.cancel);
  workflow.grantRedrive(callers.redrive);
  // The emulator does not support alarms on metric expressions.
  workflow.addAlarms().failoverDuration.node.tryRemoveChild('Resource');
  grantBatches(workflow, [workflow.function.role, ...Object.values(callers).map(({ role }) => role)]);
}
new CfnOutput(stack, 'Callers', {
  value: stack.toJsonString(
    Object.fromEntries(
      Object.entries(callers).map(([right, fn]) => [
        right,
        {
          functionName: fn.functionName,
          roleName: fn.role?.roleName,
        },
      ]),
    ),
  ),
});
for (const workflow of workflows) {
  new CfnOutput(stack, `${workflow.node.id.replaceAll('-', '')}`, {
    value: stack.toJsonString({
      configuration: workflow.clientConfiguration,
      functionName: workflow.function.functionName,
      roleName: workflow.function.role?.roleName,
    }),
  });
}

function createWorkflow(scope: Stack, route: Route): FsmWorkflow {
  return new FsmWorkflow(scope, nameOf(route), {
    machines: [MachineDefinition.fromObject(journey)],
    actions: path.join(__dirname, 'journey.actions.ts'),
    eventSource: eventSource(route.primary),
    failoverEventSource: eventSource(route.failover),
    retryQueue: retryQueue(route.retry),
    failoverRetryQueue: retryQueue(route.failoverRetry),
    // A stalled execution can be resumed when its lease has expired, after this time.
    timeout: Duration.seconds(10),
    removalPolicy: RemovalPolicy.DESTROY,
  });
}

function eventSource(service: Service): EventSource {
  switch (service) {
    case 'sqs':
      return EventSource.sqs();
    case 'dynamodb':
      return EventSource.dynamoDb();
    case 'kinesis':
      return EventSource.kinesis({ shardCount: 2 });
    case 'sns':
      return EventSource.sns();
  }
}

function retryQueue(service: Service): RetryQueue {
  switch (service) {
    case 'sqs':
      return RetryQueue.sqs();
    case 'dynamodb':
      return RetryQueue.dynamoDb();
    case 'kinesis':
      return RetryQueue.kinesis({ shardCount: 1, ignoreBackoff: true });
    case 'sns':
      return RetryQueue.sns({ ignoreBackoff: true });
  }
}

function createCallers(scope: Stack): Callers {
  const outdir = path.join(app.outdir, 'caller');
  buildSync({
    entryPoints: { index: path.join(__dirname, 'caller.ts') },
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    mainFields: ['module', 'main'],
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    // Only workflows with a lock cache need its client.
    external: ['iovalkey'],
    logLevel: 'warning',
  });
  const create = (right: Right) =>
    new lambda.Function(scope, `Caller-${right}`, {
      runtime: lambda.Runtime.NODEJS_24_X,
      handler: 'index.handler',
      code: lambda.Code.fromAsset(outdir),
      timeout: Duration.seconds(20),
      memorySize: 256,
      role: new iam.Role(scope, `Role-${right}`, { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') }),
    });
  // RIGHTS has every key of the type.
  return Object.fromEntries(RIGHTS.map((right) => [right, create(right)])) as Callers;
}
