import * as path from 'node:path';
import { App, CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { crossing } from './crossing.machine';
import { STAGES } from './stages';
import { EMULATOR_ONLY } from '../emulator-only';
import { FsmWorkflow, MachineDefinition } from 'cdk-lambda-fsm';

const app = new App();
const stack = new Stack(app, 'Changed-brokers');
// The scenario passes the number of the deployment as context.
const stage = STAGES[Number(app.node.getContext('stage'))];
if (!stage) throw new Error(`Unknown stage: expected 0 to ${STAGES.length - 1}.`);
const workflow = new FsmWorkflow(stack, 'Crossings', {
  machines: [MachineDefinition.fromObject(crossing)],
  actions: path.join(__dirname, 'crossing.actions.ts'),
  timeout: Duration.seconds(10),
  removalPolicy: RemovalPolicy.DESTROY,
  ...stage.brokers(),
});
// The emulator authorizes batches by actions that AWS does not have, for queues and topics of every stage.
new iam.Policy(stack, EMULATOR_ONLY, {
  roles: [workflow.function.role].filter((role) => role !== undefined),
  statements: [
    new iam.PolicyStatement({
      actions: ['sqs:SendMessageBatch', 'sqs:ChangeMessageVisibilityBatch', 'sns:PublishBatch'],
      resources: ['*'],
    }),
  ],
});
new CfnOutput(stack, 'ClientConfiguration', { value: workflow.clientConfiguration });
