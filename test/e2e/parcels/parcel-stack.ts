import { join } from 'path';
import { App, CfnOutput, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { parcel } from './parcel.machine';
import { FsmWorkflow, MachineDefinition, type FsmWorkflowProps } from 'cdk-lambda-fsm';

/** How the parcels' envelopes travel. */
export type Transports = Pick<FsmWorkflowProps, 'eventSource' | 'failoverEventSource' | 'retryQueue'>;

/** A workflow for parcels, and two who want something of it: a caller that may, and a stranger that may not. */
export class ParcelStack extends Stack {
  constructor(app: App, id: string, transports: Transports) {
    super(app, id);
    const workflow = new FsmWorkflow(this, 'Parcels', {
      machines: [MachineDefinition.fromObject(parcel)],
      actions: join(__dirname, 'parcel.actions.ts'),
      removalPolicy: RemovalPolicy.DESTROY,
      ...transports,
    });
    const caller = new iam.Role(this, 'Caller', { assumedBy: new iam.AccountRootPrincipal() });
    workflow.grantStart(caller);
    workflow.grantSend(caller);
    workflow.grantDescribe(caller);
    const stranger = new iam.Role(this, 'Stranger', { assumedBy: new iam.AccountRootPrincipal() });

    for (const { queue } of [workflow.eventSource, workflow.retryQueue]) {
      if (queue) allowBatches(queue, workflow, caller);
    }

    new CfnOutput(this, 'ClientConfiguration', { value: workflow.clientConfiguration });
    new CfnOutput(this, 'CallerRole', { value: caller.roleArn });
    new CfnOutput(this, 'StrangerRole', { value: stranger.roleArn });
  }
}

/** On AWS, whoever may send a message may send a batch of them. The emulator wants an action of its own for that, which AWS has not. */
function allowBatches(queue: sqs.IQueue, ...grantees: readonly iam.IGrantable[]): void {
  for (const grantee of grantees) {
    iam.Grant.addToPrincipal({ grantee, actions: ['sqs:SendMessageBatch'], resourceArns: [queue.queueArn] });
  }
}
