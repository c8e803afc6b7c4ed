import type { ReceivedQueueConfiguration, WorkflowConfiguration } from '../../contract/configuration';

/** The deliveries that a queue is assumed to allow if its redrive policy is unknown: the fewest that are in common use. */
const ASSUMED_MAX_RECEIVE_COUNT = 3;

/** A queue of a workflow that the function receives from. */
export interface ReceivedQueue {
  readonly queueUrl: string;
  readonly maxReceiveCount: number;
}

/**
 * Finds a queue by the ARN that Lambda names in its records. A queue of an earlier deployment that is still drained need not be configured.
 */
export function findQueue(workflow: WorkflowConfiguration, queueArn: string): ReceivedQueue {
  const { eventSource, failoverEventSource, retryQueues, previousRetryQueues = [], failedInvocations } = workflow;
  const queue = [eventSource, failoverEventSource, ...retryQueues, ...previousRetryQueues]
    .flatMap((each): (ReceivedQueueConfiguration | undefined)[] => (each?.service === 'sqs' ? [each] : []))
    .concat(failedInvocations)
    .find((each) => each && isQueue(each, queueArn));
  const region = queueArn.split(':')[3] ?? '';
  return {
    queueUrl: queue?.queueUrl ?? `https://sqs.${region}.amazonaws.com/${pathOf(queueArn, ':')}`,
    maxReceiveCount: queue?.maxReceiveCount ?? ASSUMED_MAX_RECEIVE_COUNT,
  };
}

/** Whether the ARN is that of the queue. */
export function isQueue({ queueUrl }: ReceivedQueueConfiguration, queueArn: string): boolean {
  return pathOf(queueUrl, '/') === pathOf(queueArn, ':');
}

/** The account and the name of a queue, which its URL and its ARN end with. */
function pathOf(urlOrArn: string, separator: string): string {
  return urlOrArn.split(separator).slice(-2).join('/');
}
