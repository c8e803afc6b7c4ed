import { Duration } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import type { Construct } from 'constructs';
import {
  RETRY_TABLE_KEY,
  timerEvent,
  TIMER_PARTS,
  TIMER_PERIOD_MINUTES,
  type RetryQueueConfiguration,
} from '#contract';
import { tableConfig } from './table';
import { grantTable } from '../../shared/grants';
import type { ValidationErrors } from '../../shared/validation-errors';
import { checkTypes, TABLE, type TypesOf } from '../../shared/value-types';
import { checkExistingTable } from '../../stores/existing-table';
import { attributesOf, tableDefaults } from '../../stores/tables';
import type { Broker, BrokerConfig, ValidationContext, WorkflowParts } from '../broker';
import { resourceIdOf } from '../broker-scope';

/** A DynamoDB table, sorted by due time, as a retry queue. */
export interface DynamoDbRetryQueueOptions {
  /**
   * An existing table in the account and Region of the workflow, with the partition key `shard` (number), the sort key `due` (string), and no
   * time to live.
   *
   * @default - a new table
   */
  readonly table?: dynamodb.ITable;
  /**
   * Number of partitions that hold waiting retries. A partition of up to 1 KB retries stores about 500 retries per second, and costs one query per minute. You
   * can increase the number at any time. Decrease it only while no retries are waiting.
   *
   * Valid range: 1 to 100.
   * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
   *
   * @default 32
   */
  readonly shards?: number;
}

const TYPES: TypesOf<DynamoDbRetryQueueOptions> = { table: TABLE };

export class DynamoDbRetryQueue implements Broker<RetryQueueConfiguration<'dynamodb'>> {
  public readonly delays = true;

  constructor(private readonly options: DynamoDbRetryQueueOptions) {}

  public identity(): unknown {
    return this.options.table?.tableArn ?? this;
  }

  public resourceId(): string {
    return resourceIdOf('DynamoDb', this.options.table);
  }

  public check(errors: ValidationErrors, { stack }: ValidationContext): void {
    const { table, shards } = checkTypes<DynamoDbRetryQueueOptions>(errors, this.options, TYPES);
    errors.checkInteger('shards', shards, { min: 1, max: 100, reason: 'the timer queries each shard every minute' });
    if (table) checkExistingTable(errors, table, { ...attributesOf(RETRY_TABLE_KEY), expires: false }, stack);
  }

  public bind(scope: Construct, workflow: WorkflowParts): BrokerConfig<RetryQueueConfiguration<'dynamodb'>> {
    const table =
      this.options.table ??
      new dynamodb.Table(scope, 'Table', { ...tableDefaults(workflow), ...attributesOf(RETRY_TABLE_KEY) });
    grantTable(table, workflow.function, 'Query', 'BatchWriteItem', 'PartiQLDelete');
    new events.Rule(scope, 'Timer', {
      description: 'Sends the retries that are due',
      schedule: events.Schedule.rate(Duration.minutes(TIMER_PERIOD_MINUTES)),
      targets: Array.from(
        { length: TIMER_PARTS },
        (_, part) =>
          new targets.LambdaFunction(workflow.function, {
            event: events.RuleTargetInput.fromObject(timerEvent(part)),
            // The next invocation does the same work, so old events need not accumulate during an outage.
            maxEventAge: Duration.minutes(TIMER_PERIOD_MINUTES),
            retryAttempts: 0,
          }),
      ),
    });
    return this.configOf(table);
  }

  public attach(errors: ValidationErrors): BrokerConfig<RetryQueueConfiguration<'dynamodb'>> | undefined {
    const { table } = checkTypes<DynamoDbRetryQueueOptions>(errors, this.options, TYPES);
    return table && this.configOf(table);
  }

  private configOf(table: dynamodb.ITable): BrokerConfig<RetryQueueConfiguration<'dynamodb'>> {
    return tableConfig(table, { service: 'dynamodb', tableName: table.tableName, shards: this.options.shards ?? 32 });
  }
}
