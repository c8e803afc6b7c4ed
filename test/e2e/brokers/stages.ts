import { EventSource, RetryQueue, type FsmWorkflowProps } from 'cdk-lambda-fsm';

type Brokers = Pick<
  FsmWorkflowProps,
  | 'eventSource'
  | 'failoverEventSource'
  | 'previousEventSources'
  | 'retryQueue'
  | 'failoverRetryQueue'
  | 'previousRetryQueues'
>;

/**
 * The brokers of each deployment of the same workflow, in order. Each lists what earlier ones used: envelopes and timeouts may still wait
 * there. The emulator has no enhanced fan-out consumers.
 */
export const STAGES: readonly { readonly change: string; readonly brokers: () => Brokers }[] = [
  { change: 'a queue', brokers: () => ({}) },
  {
    change: 'a stream instead of the queue, and a retry table',
    brokers: () => ({
      eventSource: EventSource.kinesis({ shardCount: 1 }),
      previousEventSources: [EventSource.sqs()],
      retryQueue: RetryQueue.dynamoDb(),
      previousRetryQueues: [RetryQueue.sqs()],
    }),
  },
  {
    change: 'a failover, and a failover retry queue',
    brokers: () => ({
      eventSource: EventSource.kinesis({ shardCount: 1 }),
      failoverEventSource: EventSource.sqs(),
      retryQueue: RetryQueue.dynamoDb(),
      failoverRetryQueue: RetryQueue.sqs(),
    }),
  },
  {
    change: 'the failover as the event source, and the retry queues the other way round',
    brokers: () => ({
      eventSource: EventSource.sqs(),
      failoverEventSource: EventSource.kinesis({ shardCount: 1 }),
      retryQueue: RetryQueue.sqs(),
      failoverRetryQueue: RetryQueue.dynamoDb(),
    }),
  },
  {
    change: 'a FIFO queue, and no failover',
    brokers: () => ({
      eventSource: EventSource.sqs({ fifo: true }),
      previousEventSources: [EventSource.sqs(), EventSource.kinesis({ shardCount: 1 })],
      retryQueue: RetryQueue.dynamoDb(),
      previousRetryQueues: [RetryQueue.sqs()],
    }),
  },
  {
    change: 'the stream of the checkpoint table, with a topic as the failover',
    brokers: () => ({
      eventSource: EventSource.dynamoDb(),
      failoverEventSource: EventSource.sns(),
      previousEventSources: [
        EventSource.sqs({ fifo: true }),
        EventSource.sqs(),
        EventSource.kinesis({ shardCount: 1 }),
      ],
      retryQueue: RetryQueue.dynamoDb(),
      previousRetryQueues: [RetryQueue.sqs()],
    }),
  },
  {
    change: 'the topic alone, and the queues that were used before',
    brokers: () => ({
      eventSource: EventSource.sns(),
      failoverEventSource: EventSource.sqs(),
      previousEventSources: [
        EventSource.dynamoDb(),
        EventSource.sqs({ fifo: true }),
        EventSource.kinesis({ shardCount: 1 }),
      ],
      retryQueue: RetryQueue.sqs(),
      previousRetryQueues: [RetryQueue.dynamoDb()],
    }),
  },
];
