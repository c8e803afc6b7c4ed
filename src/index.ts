export * from './workflow/fsm-workflow';
export type { FsmWorkflowAttributes } from './workflow/fsm-workflow-attributes';
export { FsmWorkflowBase, type IFsmWorkflow } from './workflow/fsm-workflow-base';
export type { FsmWorkflowProps } from './workflow/fsm-workflow-props';
export * from './workflow/fsm-workflow-target';
export type { WorkflowFunctionOptions } from './workflow/workflow-function';

export * from './machines/machine-definition';

export type { BrokerResource } from './brokers/broker';
export * from './brokers/event-source';
export * from './brokers/retry-queue';
export type { RetryAtOnceOptions } from './brokers/immediate-retry';
export type { StreamOptions } from './brokers/stream-mapping';
export type { SqsEventSourceOptions } from './brokers/sqs/event-source';
export type { SqsRetryQueueOptions } from './brokers/sqs/retry-queue';
export type { SqsOptions } from './brokers/sqs/queue';
export type { KinesisEventSourceOptions } from './brokers/kinesis/event-source';
export type { KinesisRetryQueueOptions } from './brokers/kinesis/retry-queue';
export type { KinesisOptions } from './brokers/kinesis/stream';
export type { SnsEventSourceOptions } from './brokers/sns/event-source';
export type { SnsRetryQueueOptions } from './brokers/sns/retry-queue';
export type { SnsOptions } from './brokers/sns/topic';
export type { DynamoDbEventSourceOptions } from './brokers/dynamodb/event-source';
export type { DynamoDbRetryQueueOptions } from './brokers/dynamodb/retry-queue';

export * from './stores/checkpoint-table';
export * from './stores/lock-table';
export { LockCache } from './stores/lock-cache';
export type { ILockCache, LockCacheAttributes, LockCacheProps } from './stores/lock-cache';
export * from './stores/cache-authentication';
export type { ImportedTableOptions, WorkflowTableProps } from './stores/tables';

export type { WorkflowAlarms, WorkflowAlarmsOptions } from './monitoring/alarms';
export type { WorkflowDashboardOptions } from './monitoring/dashboard';
export { MetricDelivery } from './monitoring/metric-delivery';

export { EcsTaskAction, type EcsTaskOptions } from './tasks/ecs-task-action';
