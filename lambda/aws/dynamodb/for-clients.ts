import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CheckpointTable } from './checkpoint-table';
import { ClientLockTable } from './client-lock-table';
import { ClientMailboxTable } from './client-mailbox-table';
import { DynamoDbEventSource } from './event-source';
import type { WorkflowTable } from './workflow-table';
import type { EventSourceConfiguration, WorkflowConfiguration } from '../../contract/configuration';
import type { ServiceClock } from '../../engine/executions/service-clock';
import type { BrokerSystem, ClientBroker } from '../broker';
import { CLIENT_OPTIONS } from '../client-options';
import { observeClock } from '../observe-clock';
import { prepareClient } from '../prepare-client';

/** The DynamoDB tables of a workflow as its clients use them, over one client of the SDK. */
export class DynamoDbForClients implements ClientBroker<'dynamodb'> {
  protected readonly client;

  /** @param clock the clock that the responses correct; absent in the function, whose clock is right */
  constructor(
    protected readonly system: BrokerSystem,
    clock?: ServiceClock,
  ) {
    this.client = prepareClient(new DynamoDBClient({ ...CLIENT_OPTIONS, region: system.region }));
    if (clock) observeClock(this.client, clock);
  }

  public lockTable(table: WorkflowTable): ClientLockTable {
    return new ClientLockTable(this.client, table);
  }

  public checkpointTable(table: WorkflowTable): CheckpointTable {
    return new CheckpointTable(this.client, table, this.system);
  }

  public mailbox(checkpointTable: WorkflowTable): ClientMailboxTable {
    return new ClientMailboxTable(this.client, checkpointTable, this.system);
  }

  public eventSource(
    _source: EventSourceConfiguration<'dynamodb'>,
    { checkpointTable, workflow }: Pick<WorkflowConfiguration, 'checkpointTable' | 'workflow'>,
  ): DynamoDbEventSource {
    return new DynamoDbEventSource(this.client, { ...checkpointTable, workflow }, this.system);
  }
}
