import * as iam from 'aws-cdk-lib/aws-iam';
import type { FsmWorkflow } from 'cdk-lambda-fsm';

/** What the name of a policy has in it that lets in what only the emulator asks for. */
export const EMULATOR_ONLY = 'EmulatorOnly';

/**
 * On AWS, whoever may send a message to a queue or a topic may send a batch of them. The emulator wants actions of their own for that,
 * which AWS has not.
 *
 * @param roles that send to the workflow's event sources, and its own
 */
export function grantBatches(workflow: FsmWorkflow, roles: readonly (iam.IRole | undefined)[]): void {
  const { eventSource, failoverEventSource, retryQueue, failoverRetryQueue } = workflow;
  const statements = [eventSource, failoverEventSource, retryQueue, failoverRetryQueue].flatMap((transport) => [
    ...transport?.queue ? [new iam.PolicyStatement({ actions: ['sqs:SendMessageBatch'], resources: [transport.queue.queueArn] })] : [],
    ...transport?.topic ? [new iam.PolicyStatement({ actions: ['sns:PublishBatch'], resources: [transport.topic.topicArn] })] : [],
  ]);
  if (statements.length > 0) new iam.Policy(workflow, EMULATOR_ONLY, { roles: roles.filter((role) => role !== undefined), statements });
}
