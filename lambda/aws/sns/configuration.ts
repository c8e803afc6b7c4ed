import type { BrokerChecks } from '../broker';
import { text } from '../checks';

export const SNS_CHECKS: BrokerChecks<'sns'> = {
  eventSource: { topicArn: text },
  retryQueue: { topicArn: text },
};
