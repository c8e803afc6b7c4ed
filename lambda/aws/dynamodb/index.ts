import { DynamoDbForClients } from './for-clients';
import { LockTable } from './lock-table';
import { MailboxTable } from './mailbox-table';
import { DynamoDbRetryQueue } from './retry-queue';
import type { RunningExecutionsTable } from './running-executions-table';
import type { WorkflowTable } from './workflow-table';
import type { RetryTableConfiguration } from '../../contract/configuration';
import type { BrokerClient } from '../broker';

/** The DynamoDB tables of a workflow, over one client. */
export class DynamoDb extends DynamoDbForClients implements BrokerClient<'dynamodb'> {
  public override lockTable(table: WorkflowTable): LockTable {
    return new LockTable(this.client, table);
  }

  /** Loaded on demand: only the functions of workflows with a concurrency limit use it. */
  public async runningExecutions(lockTable: WorkflowTable): Promise<RunningExecutionsTable> {
    const { RunningExecutionsTable } = await import('./running-executions-table.js');
    return new RunningExecutionsTable(this.client, lockTable);
  }

  public override mailbox(checkpointTable: WorkflowTable): MailboxTable {
    return new MailboxTable(this.client, checkpointTable, this.system);
  }

  public retryQueue(table: RetryTableConfiguration): DynamoDbRetryQueue {
    return new DynamoDbRetryQueue(this.client, table, this.system);
  }

  /** Closes the connections. */
  public close(): void {
    this.client.destroy();
  }
}
