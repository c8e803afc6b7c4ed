import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Clock, Random } from '../../engine/ports';
import { CLIENT_OPTIONS } from '../client-options';
import type { RetryQueueConfiguration, TableConfiguration } from '../configuration';
import { CheckpointTable } from './checkpoint-table';
import { LockTable } from './lock-table';
import { MailboxTable } from './mailbox-table';
import { RetryTable } from './retry-table';
import { RunningExecutionsTable } from './running-executions-table';
import { StreamEventSource } from './stream-event-source';

/** What DynamoDB does for a workflow, over one client. */
export class DynamoDb {
  private readonly client = new DynamoDBClient(CLIENT_OPTIONS);

  constructor(private readonly system: { readonly clock: Clock; readonly random: Random }) {}

  public lockTable(table: TableConfiguration): LockTable {
    return new LockTable(this.client, table);
  }

  public runningExecutions(lockTable: TableConfiguration): RunningExecutionsTable {
    return new RunningExecutionsTable(this.client, lockTable.tableName);
  }

  public checkpointTable(table: TableConfiguration): CheckpointTable {
    return new CheckpointTable(this.client, table, this.system);
  }

  public mailbox(checkpointTable: TableConfiguration): MailboxTable {
    return new MailboxTable(this.client, checkpointTable, this.system);
  }

  public eventSource(checkpointTable: TableConfiguration): StreamEventSource {
    return new StreamEventSource(this.client, checkpointTable, this.system);
  }

  public retryTable(table: Extract<RetryQueueConfiguration, { service: 'dynamodb' }>): RetryTable {
    return new RetryTable(this.client, table, this.system);
  }

  /** Closes its connections. */
  public close(): void {
    this.client.destroy();
  }
}
