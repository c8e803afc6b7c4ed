import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { LockStoreConfiguration, WorkflowConfiguration } from '#contract';
import type { FsmWorkflowAttributes } from './fsm-workflow-attributes';
import { FsmWorkflowBase, namesForClients } from './fsm-workflow-base';
import { ATTRIBUTE_TYPES } from './property-types';
import { WorkflowGrants } from './workflow-grants';
import type { Broker, BrokerConfig } from '../brokers/broker';
import { locationOf } from '../shared/existing-resource';
import { ValidationErrors } from '../shared/validation-errors';
import { checkTypes } from '../shared/value-types';
import { bindLockCache, bindLockTable, type LockStoreConfig } from '../stores/lock-store';
import { tableConfiguration } from '../stores/tables';

const REQUIRED = [
  'workflowName',
  'machineNames',
  'eventSource',
  'retryQueue',
  'checkpointTable',
  'deadLetterQueue',
] as const satisfies readonly (keyof FsmWorkflowAttributes)[];

/** A workflow of another stack or app. */
export class ImportedWorkflow extends FsmWorkflowBase {
  public readonly workflowName: string;
  public readonly machineNames: string[];
  public readonly clientConfiguration: string;
  /** @internal */
  protected readonly _grants: WorkflowGrants;

  constructor(scope: Construct, id: string, attributes: FsmWorkflowAttributes) {
    super(scope, id);
    const errors = new ValidationErrors();
    const typed = checkTypes(errors, attributes, ATTRIBUTE_TYPES, REQUIRED);
    const attach = <Configuration>(property: string, broker: Broker<Configuration>) => {
      const own = new ValidationErrors();
      const config = broker.attach(own, typed.checkpointTable);
      if (!config && own.isEmpty && typed.checkpointTable) {
        errors.add(`${property} has no existing resource. Pass the resource, for example { queue }.`);
      }
      errors.addFrom(property, own);
      return config;
    };
    const eventSource = typed.eventSource && attach('eventSource', typed.eventSource._broker);
    const failoverEventSource =
      typed.failoverEventSource && attach('failoverEventSource', typed.failoverEventSource._broker);
    const retryQueue = typed.retryQueue && attach('retryQueue', typed.retryQueue._broker);
    const failoverRetryQueue =
      typed.failoverRetryQueue && attach('failoverRetryQueue', typed.failoverRetryQueue._broker);
    if (!attributes.lockTable && !attributes.lockCache) {
      errors.add('Either lockTable or lockCache is required. Set one of them.');
    }
    errors.throwIfAny(`attributes of workflow "${this.node.path}"`);
    const locks = locksOf(attributes);
    // An absent part is an error.
    if (!eventSource || !retryQueue || !locks) throw new Error('The attributes are incomplete.');
    const { workflowName, machineNames, checkpointTable, deadLetterQueue } = attributes;
    this.workflowName = workflowName;
    this.machineNames = machineNames;

    const eventSources = present([eventSource, failoverEventSource]);
    const retryQueues = present([retryQueue, failoverRetryQueue]);
    this._grants = new WorkflowGrants(this, {
      locks,
      checkpointTable: checkpointTable.table,
      eventSources,
      retryQueues,
    });
    if (attributes.hasEcsTasks) this._grants.taskAdded();
    const stack = Stack.of(this);
    this.clientConfiguration = stack.toJsonString({
      workflow: workflowName,
      machines: namesForClients(machineNames),
      region: locationOf(checkpointTable.table).region,
      eventSource: eventSource.configuration,
      failoverEventSource: failoverEventSource?.configuration,
      retryQueues: retryQueues.map(({ configuration }) => configuration),
      lockTable: locks.configuration,
      checkpointTable: tableConfiguration(checkpointTable),
      deadLetterQueue: { service: 'sqs', queueUrl: deadLetterQueue.queueUrl },
      ecsTasks: attributes.hasEcsTasks,
      tracing: attributes.tracing,
    } satisfies WorkflowConfiguration);
  }
}

function locksOf(attributes: FsmWorkflowAttributes): LockStoreConfig<LockStoreConfiguration> | undefined {
  if (attributes.lockCache) return bindLockCache(attributes.lockCache);
  return attributes.lockTable && bindLockTable(attributes.lockTable);
}

function present<Configuration>(
  configs: readonly (BrokerConfig<Configuration> | undefined)[],
): readonly BrokerConfig<Configuration>[] {
  return configs.filter((config) => config !== undefined);
}
