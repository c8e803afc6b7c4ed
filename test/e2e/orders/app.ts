import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { addOrderStacks } from '../../../examples/order/order-stack';
import { grantBatches } from '../emulator-only';
import { FsmWorkflow } from 'cdk-lambda-fsm';

const app = new App();
addOrderStacks(app);
for (const construct of app.node.findAll()) {
  if (construct instanceof FsmWorkflow) addCallers(construct);
}

/** Adds a role with permissions for the workflow and one without, and outputs for the tests. */
function addCallers(workflow: FsmWorkflow): void {
  const stack = Stack.of(workflow);
  const caller = new iam.Role(stack, 'Caller', { assumedBy: new iam.AccountRootPrincipal() });
  workflow.grantStart(caller);
  workflow.grantSend(caller);
  workflow.grantDescribe(caller);
  const stranger = new iam.Role(stack, 'Stranger', { assumedBy: new iam.AccountRootPrincipal() });
  grantBatches(workflow, [workflow.function.role, caller]);

  new CfnOutput(stack, 'ClientConfiguration', { value: workflow.clientConfiguration });
  new CfnOutput(stack, 'CallerRole', { value: caller.roleArn });
  new CfnOutput(stack, 'StrangerRole', { value: stranger.roleArn });
}
