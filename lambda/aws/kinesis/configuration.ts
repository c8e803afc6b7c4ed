import type { BrokerChecks } from '../broker';
import { text } from '../checks';

export const KINESIS_CHECKS: BrokerChecks<'kinesis'> = {
  eventSource: { streamName: text },
  retryQueue: { streamName: text },
};
