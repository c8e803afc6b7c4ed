import { Duration } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import type { Construct } from 'constructs';
import { grantTable } from './access';
import type { Binding, TransportService, WorkflowParts, WorkflowPlan } from './binding';
import { checkGivenTable } from './given-table';
import type { Problems } from './problems';
import { tableDefaults } from './workflow-table';

/** A DynamoDB table, ordered by due time, as a retry queue. */
export interface DynamoDbRetryQueueOptions {
  /**
   * A table that exists already: partition key `shard` (number), sort key `due` (string), and no time to live.
   *
   * @default - a new table
   */
  readonly table?: dynamodb.ITable;
  /**
   * Over how many partitions the waiting retries are spread. Each takes about 1,000 retries a second, and costs a query a minute.
   *
   * Valid range: 1 to 100. It can be raised at any time; lowered only while no retries wait.
   * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
   *
   * @default 4
   */
  readonly shards?: number;
}

const KEYS = {
  partitionKey: { name: 'shard', type: dynamodb.AttributeType.NUMBER },
  sortKey: { name: 'due', type: dynamodb.AttributeType.STRING },
} as const;

export class DynamoDbRetryQueue implements TransportService {
  public readonly delays = true;

  constructor(private readonly options: DynamoDbRetryQueueOptions) {}

  public resource(): unknown {
    return this.options.table?.tableArn ?? this;
  }

  public check(problems: Problems, { stack }: WorkflowPlan): void {
    const { table, shards } = this.options;
    problems.wholeNumber('shards', shards, 1, 100, 'each is queried by the timer');
    if (table) checkGivenTable(problems, table, { ...KEYS, expires: false }, stack);
  }

  public bind(scope: Construct, workflow: WorkflowParts): Binding {
    const table = this.options.table ?? new dynamodb.Table(scope, 'Table', {
      ...tableDefaults(workflow),
      ...KEYS,
    });
    grantTable(table, workflow.function, 'Query', 'BatchWriteItem', 'DeleteItem');
    new events.Rule(scope, 'Timer', {
      description: 'Brings round the retries that are due',
      schedule: events.Schedule.rate(Duration.minutes(1)),
      targets: [new targets.LambdaFunction(workflow.function, {
        event: events.RuleTargetInput.fromObject({ 'source': 'cdk-lambda-fsm', 'detail-type': 'timer' }),
        // The next tick does the same work, so ticks need not pile up in an outage.
        maxEventAge: Duration.minutes(1),
        retryAttempts: 0,
      })],
    });
    return {
      transport: { service: 'dynamodb', table },
      configuration: { service: 'dynamodb', tableName: table.tableName, shards: this.options.shards ?? 4 },
      grantSend: (grantee) => grantTable(table, grantee, 'BatchWriteItem'),
    };
  }
}
