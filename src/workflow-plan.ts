import { Stack, Token } from 'aws-cdk-lib';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct, IConstruct } from 'constructs';
import { bundleActions, type BundledActions } from './actions-bundle';
import type { TransportService, WorkflowPlan } from './binding';
import { requireAssets } from './built-assets';
import { CHECKPOINT_STREAM } from './dynamodb-event-source';
import { EventSource } from './event-source';
import { exportedActions } from './exported-actions';
import type { FsmWorkflowProps } from './fsm-workflow-props';
import { checkPlace } from './given-resource';
import { checkGivenTable } from './given-table';
import { Problems } from './problems';
import { RetryQueue } from './retry-queue';
import { checkRunningLimits } from './running-limits';
import { runtimeCode } from './runtime-code';
import { checkQueueRetention } from './sqs-queue';
import { checkUpgrades, previousMachines, upgradesOf } from './upgrades';
import { checkFunctionOptions, timeoutOf } from './workflow-function';
import { CHECKPOINT_TABLE_KEYS, checkRetention, LOCK_TABLE_KEYS } from './workflow-table';
import { describeProblem, validateTogether, type Machine } from 'cdk-lambda-fsm/machine';

/** A workflow in which nothing is wrong, as it is to be made. */
export interface SoundWorkflow {
  readonly machines: readonly Machine[];
  /** Their earlier definitions, on which executions may still run. */
  readonly previousMachines: readonly Machine[];
  /**
   * What the actions file lacks for the machines that have previous versions, once all tasks are known that do the work of actions.
   *
   * @param isTask whether a task does the work of an action
   */
  readonly missingActions: (isTask: (name: string) => boolean) => readonly string[];
  /** What is odd about the machines and the actions. */
  readonly warnings: readonly string[];
  /** The code of the function. */
  readonly code: lambda.Code;
  readonly transports: Transports;
}

/** The transports of a workflow, by the names of the properties. */
export interface Transports {
  readonly eventSource: TransportService;
  readonly failoverEventSource?: TransportService;
  readonly retryQueue: TransportService;
  readonly failoverRetryQueue?: TransportService;
}

/** @throws Error that lists everything that is wrong */
export function planWorkflow(scope: Construct, props: FsmWorkflowProps): SoundWorkflow {
  requireAssets();
  const problems = new Problems();
  const machines = checkMachines(problems, props);
  checkUpgrades(problems, props.machines);
  const upgrades = upgradesOf(props.machines);
  const previous = previousMachines(upgrades);
  checkName(problems, props);
  checkFunctionOptions(problems, props);
  checkTables(problems, props, Stack.of(scope));
  checkLockCache(problems, props);
  const transports: Transports = {
    eventSource: (props.eventSource ?? EventSource.sqs())._service,
    failoverEventSource: props.failoverEventSource?._service,
    retryQueue: (props.retryQueue ?? RetryQueue.sqs())._service,
    failoverRetryQueue: props.failoverRetryQueue?._service,
  };
  checkTransports(problems, transports, [...machines, ...previous], props, scope);
  checkRunningLimits(problems, props.machines, transports);
  // The CDK CLI can ask for some of an app's stacks only, or for their names.
  const actions = Stack.of(scope).bundlingRequired
    ? bundleActions(scope.node.root, props.actions, props.externalModules ?? [], problems)
    : NOT_BUNDLED;
  checkDeadLetterQueue(problems, props, Stack.of(scope));
  problems.refuse(`The workflow "${scope.node.path}" cannot be made`);
  // Bundling gives nothing only together with a problem.
  const { warnings } = actions!;
  const kept = previous.length > 0 && actions !== NOT_BUNDLED ? exportedActions(props.actions, props.externalModules ?? []) : undefined;
  return {
    machines,
    previousMachines: previous,
    missingActions: (isTask) => kept?.missing([...machines, ...previous], isTask) ?? [],
    warnings: [...props.machines.flatMap(({ _warnings }) => _warnings), ...warnings, ...kept?.warnings ?? []],
    code: runtimeCode(machines, upgrades, actions!),
    transports,
  };
}

const NOT_BUNDLED: BundledActions = { files: { 'actions.mjs': '', 'actions.mjs.map': '' }, warnings: [] };

function checkMachines(problems: Problems, props: FsmWorkflowProps): readonly Machine[] {
  const machines = props.machines.flatMap(({ _machines }) => _machines);
  const errors = props.machines.flatMap(({ _errors }) => _errors);
  problems.add(...errors.map((error) => `machines: ${error}`));
  problems.add(...validateTogether(machines).map((problem) => `machines: ${describeProblem(problem)}`));
  if (machines.length === 0 && errors.length === 0) {
    problems.add('machines: there is none. Give at least one, as MachineDefinition.fromObject(…), .fromYamlFile(…) or .fromJsonFile(…).');
  }
  return machines;
}

/** The metrics' dimension, in which CloudWatch takes nothing else. */
function checkName(problems: Problems, { workflowName }: FsmWorkflowProps): void {
  if (workflowName === undefined || Token.isUnresolved(workflowName) || /^[\x21-\x7e][\x20-\x7e]{0,254}$/.test(workflowName)) return;
  problems.add('workflowName must be 1 to 255 printable ASCII characters that do not begin with a space, since the metrics bear it. Rename the workflow.');
}

function checkTables(problems: Problems, { lockTable, failoverLockTable, checkpointTable }: FsmWorkflowProps, stack: Stack): void {
  for (const [property, table] of Object.entries({ lockTable, failoverLockTable, checkpointTable })) {
    if (!table) continue;
    const own = new Problems();
    checkRetention(own, table.retention);
    checkGivenTable(own, table.table, { ...property === 'checkpointTable' ? CHECKPOINT_TABLE_KEYS : LOCK_TABLE_KEYS, expires: true }, stack);
    problems.addFrom(property, own);
  }
  for (const [property, table] of Object.entries({ lockTable, failoverLockTable })) {
    if (table && table.table.tableArn === checkpointTable?.table.tableArn) {
      problems.add(`${property} and checkpointTable are one table, but have different keys. Give two tables.`);
    }
  }
}

function checkDeadLetterQueue(problems: Problems, { deadLetterQueue: queue }: FsmWorkflowProps, stack: Stack): void {
  if (!queue) return;
  const own = new Problems();
  if (queue.fifo) own.add('a FIFO queue does not take the dead letters of standard queues. Give a standard queue.');
  checkPlace(own, 'queue', queue, stack, ['region']);
  checkQueueRetention(own, queue);
  problems.addFrom('deadLetterQueue', own);
}

function checkLockCache(problems: Problems, { lockCache, lockTable, failoverLockTable, vpc }: FsmWorkflowProps): void {
  if (failoverLockTable && !lockCache) {
    problems.add(
      'failoverLockTable takes over from a lockCache, and there is none. What a lock table is to be safe from, an outage of DynamoDB, takes the ' +
      'journal and the mailboxes with it. Leave it out.',
    );
  }
  if (!lockCache) return;
  const [first, second] = [lockCache.retention, failoverLockTable?.retention];
  if (second && !first.isUnresolved() && !second.isUnresolved() && second.toSeconds() < first.toSeconds()) {
    problems.add(
      `failoverLockTable forgets an ended execution after ${second.toHumanString()}, but lockCache after ${first.toHumanString()}: in between, a late ` +
      'start would run it once more. Give both the same retention.',
    );
  }
  if (lockTable) {
    problems.add('lockCache and lockTable are both given, but the leases must be in one place. Leave one of them out.');
  }
  if (!vpc) {
    problems.add(`lockCache: the cache "${lockCache.node.path}" is in a network that the function is not in. Give the workflow's vpc: that of the cache.`);
  }
}

function checkTransports(
  problems: Problems, transports: Transports, machines: readonly Machine[], props: FsmWorkflowProps, scope: Construct,
): void {
  // What follows from the timeout can be checked only when it is known; if it is not, that is a problem already.
  const timeout = timeoutOf(props);
  const plan: WorkflowPlan = {
    stack: Stack.of(scope),
    machines,
    functionTimeoutSeconds: timeout.isUnresolved() ? 0 : timeout.toSeconds({ integral: false }),
    checkpointTable: props.checkpointTable,
    deadLetterQueue: props.deadLetterQueue,
  };
  const seen = new Map<unknown, string>();
  const { eventSource, failoverEventSource, retryQueue, failoverRetryQueue } = transports;
  for (const [property, transport] of Object.entries({ eventSource, failoverEventSource, retryQueue, failoverRetryQueue })) {
    if (!transport) continue;
    const own = new Problems();
    transport.check(own, plan);
    problems.addFrom(property, own);
    const resource = transport.resource();
    const earlier = seen.get(resource);
    if (earlier !== undefined) {
      problems.add(`${property} is the same as ${earlier}, so neither can take over from the other. Give another one, or leave it out.`);
    }
    seen.set(resource, property);
  }
  refuseShared(problems, seen, scope);
  for (const [property, table] of Object.entries({ lockTable: props.lockTable, checkpointTable: props.checkpointTable })) {
    const user = table && seen.get(table.table.tableArn);
    if (user !== undefined) problems.add(`${user} and ${property} are one table, but have different keys. Give two tables.`);
  }
  if (!retryQueue.delays && !failoverRetryQueue?.delays) refuseTimeouts(problems, machines);
}

/** By the apps: which workflow receives from a given resource. */
const RECEIVERS = new WeakMap<IConstruct, Map<unknown, string>>();

/** Of two that receive from one queue, each gets a part of what is for the other; from a stream or a topic, each gets all of it. */
function refuseShared(problems: Problems, resources: ReadonlyMap<unknown, string>, { node }: Construct): void {
  const receivers = RECEIVERS.get(node.root) ?? new Map<unknown, string>();
  RECEIVERS.set(node.root, receivers);
  for (const [resource, property] of resources) {
    const other = receivers.get(resource);
    if (other !== undefined) {
      problems.add(`${property}: the workflow "${other}" receives from it already, and neither knows the machines of the other. Give each its own.`);
    }
    if (isOneResource(resource)) receivers.set(resource, node.path);
  }
}

/**
 * Whether it stands for one resource, whoever names it: an ARN, or that of a resource in the app. What is not given is of one workflow
 * alone, and an ARN that is put together of a Region that nobody knows yet may be another one in each stack.
 */
function isOneResource(resource: unknown): boolean {
  if (typeof resource !== 'string' || resource === CHECKPOINT_STREAM) return false;
  return !Token.isUnresolved(resource) || /^\$\{Token\[[^\]]*\]\}$/.test(resource);
}

function refuseTimeouts(problems: Problems, machines: readonly Machine[]): void {
  for (const machine of machines) {
    const [first] = Object.values(machine.states).filter(({ timeout }) => timeout);
    if (!first) continue;
    problems.add(
      `retryQueue: it cannot hold anything back, but machine "${machine.name}" has a timeout in the state "${first.name}". ` +
      'Take RetryQueue.sqs() or RetryQueue.dynamoDb() as the retryQueue or the failoverRetryQueue, or remove the timeout.',
    );
  }
}
