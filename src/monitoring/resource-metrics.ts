import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import type { MonitoredWorkflow } from './monitored-workflow';
import type { BrokerResource } from '../brokers/broker';

// Metrics of the AWS resources of a workflow, which both the alarms and the dashboard use.

const PERIOD = Duration.minutes(5);

/** The event sources of a workflow, the primary first. */
export function eventSourcesOf({ eventSource, failoverEventSource }: MonitoredWorkflow): BrokerResource[] {
  return failoverEventSource ? [eventSource, failoverEventSource] : [eventSource];
}

/** The retry queues of a workflow, the primary first. */
export function retryQueuesOf({ retryQueue, failoverRetryQueue }: MonitoredWorkflow): BrokerResource[] {
  return failoverRetryQueue ? [retryQueue, failoverRetryQueue] : [retryQueue];
}

/** Whether Lambda reads a stream for the workflow. On DynamoDB, only event sources have a stream; a retry queue is a plain table. */
export function readsStreams(workflow: MonitoredWorkflow): boolean {
  const eventSources = eventSourcesOf(workflow);
  return (
    eventSources.some(({ service }) => service === 'dynamodb') ||
    [...eventSources, ...retryQueuesOf(workflow)].some(({ service }) => service === 'kinesis')
  );
}

/** The age of the last record in each batch that Lambda read from a stream. */
export function iteratorAgeOf(workflow: MonitoredWorkflow): cloudwatch.Metric {
  return workflow.function.metric('IteratorAge', { statistic: cloudwatch.Stats.MAXIMUM, period: PERIOD });
}

/** The age of the oldest message of a queue, or of the oldest event of a topic that waits in Lambda; undefined for streams. */
export function queueAgeOf(
  workflow: MonitoredWorkflow,
  { service, queue }: BrokerResource,
): { readonly metric: cloudwatch.Metric; readonly unit: 'toSeconds' | 'toMilliseconds' } | undefined {
  const options = { statistic: cloudwatch.Stats.MAXIMUM, period: PERIOD };
  if (queue) return { metric: queue.metricApproximateAgeOfOldestMessage(options), unit: 'toSeconds' };
  if (service === 'sns') return { metric: workflow.function.metric('AsyncEventAge', options), unit: 'toMilliseconds' };
  return undefined;
}

/** The dead-letter queue of the workflow, then the dead-letter queues of its FIFO queues. */
export function deadLetterQueuesOf(workflow: MonitoredWorkflow): sqs.IQueue[] {
  const queues = [...eventSourcesOf(workflow), ...retryQueuesOf(workflow)].map(({ queue }) => queue);
  const others = queues.flatMap((queue) =>
    queue instanceof sqs.Queue && queue.deadLetterQueue ? [queue.deadLetterQueue.queue] : [],
  );
  return [...new Set([workflow.deadLetterQueue, ...others])];
}

/** The number of messages in a dead-letter queue. */
export function deadLettersIn(queue: sqs.IQueue): cloudwatch.Metric {
  return queue.metricApproximateNumberOfMessagesVisible({ statistic: cloudwatch.Stats.MAXIMUM, period: PERIOD });
}
