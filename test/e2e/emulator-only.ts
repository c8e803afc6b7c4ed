import * as iam from 'aws-cdk-lib/aws-iam';
import type { FsmWorkflow } from 'cdk-lambda-fsm';

/** Part of the name of policies that only the emulator needs. */
export const EMULATOR_ONLY = 'EmulatorOnly';

/**
 * Grants the actions with which the emulator authorizes batches to queues and topics. On AWS, these actions do not exist:
 * `sqs:SendMessage`, `sqs:ChangeMessageVisibility` and `sns:Publish` include batches.
 *
 * @param roles the roles that send to the workflow's event sources, including the workflow's own
 */
export function grantBatches(workflow: FsmWorkflow, roles: readonly (iam.IRole | undefined)[]): void {
  const { eventSource, failoverEventSource, retryQueue, failoverRetryQueue } = workflow;
  const statements = [eventSource, failoverEventSource, retryQueue, failoverRetryQueue].flatMap((transport) => [
    ...(transport?.queue
      ? [
          new iam.PolicyStatement({
            actions: ['sqs:SendMessageBatch', 'sqs:ChangeMessageVisibilityBatch'],
            resources: [transport.queue.queueArn],
          }),
        ]
      : []),
    ...(transport?.topic
      ? [new iam.PolicyStatement({ actions: ['sns:PublishBatch'], resources: [transport.topic.topicArn] })]
      : []),
  ]);
  if (statements.length > 0) {
    new iam.Policy(workflow, EMULATOR_ONLY, { roles: roles.filter((role) => role !== undefined), statements });
  }
}
