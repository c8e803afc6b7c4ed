import type { DeadLetterQueueConfiguration, ReceivedQueueConfiguration } from '../../contract/configuration';
import type { BrokerChecks } from '../broker';
import { count, flag, optional, url, type Checks } from '../checks';

export const RECEIVED_QUEUE_CHECKS: Checks<ReceivedQueueConfiguration> = {
  queueUrl: url,
  maxReceiveCount: optional(count),
};

export const SQS_CHECKS: BrokerChecks<'sqs'> = {
  eventSource: { ...RECEIVED_QUEUE_CHECKS, fifo: optional(flag) },
  retryQueue: RECEIVED_QUEUE_CHECKS,
};

export const DEAD_LETTER_QUEUE_CHECKS: Checks<Omit<DeadLetterQueueConfiguration, 'service'>> = { queueUrl: url };
