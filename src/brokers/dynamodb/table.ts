import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import { grantTable } from '../../shared/grants';
import type { BrokerConfig } from '../broker';

/** A table that carries envelopes: both the event source and the retry queue write them with BatchWriteItem. */
export function tableConfig<Configuration>(
  table: dynamodb.ITable,
  configuration: Configuration,
): BrokerConfig<Configuration> {
  return {
    resource: { service: 'dynamodb', table },
    configuration,
    grantSend: (grantee) => grantTable(table, grantee, 'BatchWriteItem'),
  };
}
