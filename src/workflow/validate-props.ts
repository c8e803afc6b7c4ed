import { Stack, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { CHECKPOINT_TABLE_KEY, LOCK_TABLE_KEY } from '#contract';
import { bundleActions, type BundledActions } from './code/actions-bundle';
import type { Brokers, ValidationContext } from '../brokers/broker';
import { requireAssets } from './code/built-assets';
import { findModules } from './code/node-modules';
import { WorkflowCode } from './code/workflow-code';
import type { FsmWorkflowProps } from './fsm-workflow-props';
import { PROPERTY_TYPES } from './property-types';
import { checkSharedResources, checkUniqueName, type UsedResource } from './shared-resources';
import { checkFunctionOptions, timeoutOf } from './workflow-function';
import { CHECKPOINT_STREAM } from '../brokers/dynamodb/event-source';
import { EventSource } from '../brokers/event-source';
import { RetryQueue } from '../brokers/retry-queue';
import { checkQueueLimits } from '../brokers/sqs/queue';
import { checkConcurrencyLimits } from '../machines/concurrency-limits';
import { checkUpgrades, previousMachines, upgradesOf } from '../machines/upgrades';
import { checkExisting, checkLocation } from '../shared/existing-resource';
import { ValidationErrors } from '../shared/validation-errors';
import { checkTypes } from '../shared/value-types';
import { checkExistingTable } from '../stores/existing-table';
import { attributesOf, checkRetention } from '../stores/tables';
import { describeProblem, validateTogether, type Machine } from 'cdk-lambda-fsm/machine';

/** The properties of a workflow after validation. */
export interface ValidatedProps {
  readonly machines: readonly Machine[];
  /** The earlier definitions that executions may still run on. */
  readonly previousMachines: readonly Machine[];
  /** Warnings about the machines and the actions. */
  readonly warnings: readonly string[];
  /** The code of the function. */
  readonly code: WorkflowCode;
  /** The actions file; undefined if the actions are not bundled, because the CLI does not deploy their stack. */
  readonly actionsFile?: string;
  readonly brokers: Brokers;
}

/** @throws Error that lists all errors */
export function validateProps(scope: Construct, given: FsmWorkflowProps): ValidatedProps {
  requireAssets();
  const errors = new ValidationErrors();
  const typed = checkTypes<FsmWorkflowProps>(errors, given, PROPERTY_TYPES, ['machines', 'actions']);
  // Absent machines and actions are errors already.
  const props: FsmWorkflowProps = { machines: [], actions: '', ...typed };
  const stack = Stack.of(scope);
  const { bundling = {} } = props;
  const brokers: Brokers = {
    eventSource: (props.eventSource ?? EventSource.sqs())._broker,
    failoverEventSource: props.failoverEventSource?._broker,
    previousEventSources: (props.previousEventSources ?? []).map(({ _broker }) => _broker),
    retryQueue: (props.retryQueue ?? RetryQueue.sqs())._broker,
    failoverRetryQueue: props.failoverRetryQueue?._broker,
    previousRetryQueues: (props.previousRetryQueues ?? []).map(({ _broker }) => _broker),
  };
  const canDelay = brokers.retryQueue.delays ?? brokers.failoverRetryQueue?.delays ?? false;
  const machines = typed.machines ? checkMachines(errors, props) : [];
  checkUpgrades(errors, props.machines);
  const upgrades = upgradesOf(props.machines);
  const previous = previousMachines(upgrades);
  checkName(errors, props);
  checkUniqueName(errors, props.workflowName, scope);
  checkFunctionOptions(errors, props);
  checkTables(errors, props, stack);
  checkLockCache(errors, props);
  checkBrokers(errors, brokers, [...machines, ...previous], props, scope);
  if (!canDelay) refuseTimeouts(errors, [...machines, ...previous]);
  checkConcurrencyLimits(errors, props.machines, canDelay);
  // The CDK CLI synthesizes without bundling when it only lists stacks, and for stacks that it does not deploy.
  const actions =
    !stack.bundlingRequired || typed.actions === undefined
      ? NOT_BUNDLED
      : bundleActions(scope.node.root, props.actions, bundling, errors);
  const modules =
    actions && actions !== NOT_BUNDLED ? findModules(actions.source, bundling.nodeModules ?? [], errors) : undefined;
  checkDeadLetterQueue(errors, props, stack);
  checkKey(errors, props, stack);
  errors.throwIfAny(`workflow "${scope.node.path}"`);
  // `bundleActions` returns undefined only after adding an error.
  if (!actions) throw new Error(`The actions ${props.actions} are not bundled.`);
  return {
    machines,
    previousMachines: previous,
    warnings: [...props.machines.flatMap(({ _warnings }) => _warnings), ...actions.warnings],
    code: new WorkflowCode({ machines, upgrades, actions, modules, bundling }),
    actionsFile: actions === NOT_BUNDLED ? undefined : actions.source,
    brokers,
  };
}

const NOT_BUNDLED: BundledActions = { source: '', files: {}, warnings: [] };

function checkMachines(errors: ValidationErrors, props: FsmWorkflowProps): readonly Machine[] {
  const machines = props.machines.flatMap(({ _machines }) => _machines);
  for (const { _optionErrors } of props.machines) errors.addFrom('machines', _optionErrors);
  const definitionErrors = props.machines.flatMap(({ _errors }) => _errors);
  errors.add(...definitionErrors.map((error) => `machines: ${error}`));
  errors.add(...validateTogether(machines).map((problem) => `machines: ${describeProblem(problem)}`));
  if (machines.length === 0 && definitionErrors.length === 0) {
    errors.add(
      'machines is empty: expected at least one machine. Use MachineDefinition.fromObject(…), .fromYamlFile(…) or .fromJsonFile(…).',
    );
  }
  return machines;
}

/** The characters that CloudWatch accepts in the value of a metric dimension. */
const NAME_PATTERN = /^[\x21-\x7e][\x20-\x7e]{0,254}$/;

function checkName(errors: ValidationErrors, { workflowName }: FsmWorkflowProps): void {
  if (workflowName === undefined || Token.isUnresolved(workflowName) || NAME_PATTERN.test(workflowName)) return;
  errors.add(
    `Invalid workflowName "${workflowName}": expected 1 to 255 printable ASCII characters that do not start with a space (CloudWatch limit).`,
  );
}

function checkTables(errors: ValidationErrors, { lockTable, checkpointTable }: FsmWorkflowProps, stack: Stack): void {
  for (const [property, table] of Object.entries({ lockTable, checkpointTable })) {
    if (!table) continue;
    const own = new ValidationErrors();
    checkRetention(own, table.retention);
    const key = property === 'checkpointTable' ? CHECKPOINT_TABLE_KEY : LOCK_TABLE_KEY;
    checkExistingTable(own, table.table, { ...attributesOf(key), expires: true }, stack);
    errors.addFrom(property, own);
  }
  if (lockTable && checkpointTable && lockTable.table.tableArn === checkpointTable.table.tableArn) {
    errors.add('lockTable and checkpointTable are the same table, but require different keys. Use two tables.');
  }
}

function checkDeadLetterQueue(
  errors: ValidationErrors,
  { deadLetterQueue: queue }: FsmWorkflowProps,
  stack: Stack,
): void {
  if (!queue) return;
  const own = new ValidationErrors();
  if (queue.fifo) {
    own.add('A FIFO queue cannot be the dead-letter queue of standard queues. Use a standard queue.');
  }
  checkExisting(own, 'queue', queue, queue.queueArn, stack, ['region']);
  checkQueueLimits(own, queue);
  errors.addFrom('deadLetterQueue', own);
}

function checkKey(errors: ValidationErrors, { encryptionKey: key }: FsmWorkflowProps, stack: Stack): void {
  if (!key) return;
  const own = new ValidationErrors();
  const isNear = checkLocation(own, 'key', key, stack, ['region']);
  if (isNear && JSON.stringify(stack.resolve(key.keyArn)).includes(':alias/')) {
    own.add(
      'The key is an alias, which Lambda and CloudWatch Logs do not accept, and which grants no permissions. Use the key itself, for example with Key.fromKeyArn(…) or Key.fromLookup(…, { aliasName }).',
    );
  }
  errors.addFrom('encryptionKey', own);
}

function checkLockCache(errors: ValidationErrors, { lockCache, lockTable, vpc }: FsmWorkflowProps): void {
  if (!lockCache) return;
  if (lockTable) {
    errors.add('lockCache and lockTable are mutually exclusive. Omit one of them.');
  }
  if (!vpc) {
    errors.add(
      `lockCache requires vpc, because the function must connect to the VPC of the cache "${lockCache.node.path}". Set vpc to the VPC of the cache.`,
    );
  }
}

function checkBrokers(
  errors: ValidationErrors,
  brokers: Brokers,
  machines: readonly Machine[],
  props: FsmWorkflowProps,
  scope: Construct,
): void {
  const timeout = timeoutOf(props);
  const context: ValidationContext = {
    stack: Stack.of(scope),
    machines,
    // An unresolved timeout is an error already. 0 skips the checks that depend on it.
    functionTimeoutSeconds: timeout.isUnresolved() ? 0 : timeout.toSeconds({ integral: false }),
    checkpointTable: props.checkpointTable,
    deadLetterQueue: props.deadLetterQueue,
  };
  const properties = new Map<unknown, string>();
  for (const [property, broker] of byProperty(brokers)) {
    const own = new ValidationErrors();
    broker.check(own, context);
    errors.addFrom(property, own);
    const identity = broker.identity();
    const earlier = properties.get(identity);
    if (earlier !== undefined) {
      errors.add(
        property.startsWith('previous')
          ? `${property} and ${earlier} use the same resource, which the workflow receives from anyway. Remove it from ${property}.`
          : `${property} and ${earlier} use the same resource, so neither can take over from the other. Use another resource, or omit ${property}.`,
      );
    }
    properties.set(identity, property);
  }
  const { lockTable, checkpointTable, deadLetterQueue } = props;
  const journal = properties.has(CHECKPOINT_STREAM) ? 'journal as an event source' : 'journal';
  const used: UsedResource[] = [...properties]
    // New brokers belong to one workflow, and have no ARN yet.
    .flatMap(([arn, property]) =>
      typeof arn === 'string' && arn !== CHECKPOINT_STREAM ? [{ property, arn, use: 'receives' }] : [],
    );
  if (lockTable) used.push({ property: 'lockTable', arn: lockTable.table.tableArn, use: 'locks' });
  if (checkpointTable) {
    used.push({ property: 'checkpointTable', arn: checkpointTable.table.tableArn, use: journal });
  }
  if (deadLetterQueue) used.push({ property: 'deadLetterQueue', arn: deadLetterQueue.queueArn, use: 'dead letters' });
  checkSharedResources(errors, used, scope);
  for (const [property, table] of Object.entries({ lockTable, checkpointTable })) {
    const user = table && properties.get(table.table.tableArn);
    if (user !== undefined) {
      errors.add(`${user} and ${property} are the same table, but require different keys. Use two tables.`);
    }
  }
}

/** The brokers by the names of their properties, for messages. */
function byProperty(
  brokers: Brokers,
): readonly (readonly [property: string, broker: Brokers['eventSource' | 'retryQueue']])[] {
  return Object.entries(brokers).flatMap(([property, value]: [string, Brokers[keyof Brokers]]) => {
    if (value === undefined) return [];
    return 'bind' in value
      ? [[property, value] as const]
      : value.map((broker, index) => [`${property}[${index}]`, broker] as const);
  });
}

function refuseTimeouts(errors: ValidationErrors, machines: readonly Machine[]): void {
  for (const machine of machines) {
    const [first] = Object.values(machine.states).filter(({ timeout }) => timeout);
    if (!first) continue;
    errors.add(
      `retryQueue cannot delay messages, but machine "${machine.name}", state "${first.name}" has a timeout. ` +
        'Use RetryQueue.sqs() or RetryQueue.dynamoDb() as the retryQueue or the failoverRetryQueue, or remove the timeout.',
    );
  }
}
