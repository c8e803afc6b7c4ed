import type { TableConfiguration } from '../../contract/configuration';
import type { BrokerChecks } from '../broker';
import { count, text, type Checks } from '../checks';

export const DYNAMODB_CHECKS: BrokerChecks<'dynamodb'> = {
  // The event source is the stream of the checkpoint table, whose configuration is checked separately.
  eventSource: {},
  retryQueue: { tableName: text, shards: count },
};

export const TABLE_CHECKS: Checks<Omit<TableConfiguration, 'service'>> = { tableName: text, retentionDays: count };
