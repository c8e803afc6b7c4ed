import type { FsmWorkflowAttributes } from './fsm-workflow-attributes';
import type { FsmWorkflowProps } from './fsm-workflow-props';
import type { ValidationErrors } from '../shared/validation-errors';

type Check = readonly [isExpected: (value: unknown) => boolean, expected: string];

const hasMembers =
  (...names: readonly string[]) =>
  (value: unknown): boolean =>
    typeof value === 'object' && value !== null && names.every((name) => name in value);

const isListOf = (isMember: (value: unknown) => boolean) => (value: unknown) =>
  Array.isArray(value) && value.every(isMember);

/** Two copies of this package may be loaded, so the classes are recognized by their members. */
const isEventSource = hasMembers('_eventSource');
const isRetryQueue = hasMembers('_retryQueue');

const EVENT_SOURCE: Check = [isEventSource, 'an EventSource, for example EventSource.sqs({ queue })'];
const RETRY_QUEUE: Check = [isRetryQueue, 'a RetryQueue, for example RetryQueue.sqs({ queue })'];

const isText = (value: unknown) => typeof value === 'string';

const CHECKS: { readonly [Property in keyof (FsmWorkflowProps & FsmWorkflowAttributes)]?: Check } = {
  machines: [
    isListOf(hasMembers('_machines')),
    'a list of machine definitions, for example [MachineDefinition.fromObject(order)]',
  ],
  actions: [isText, "the path of a file, for example 'order.actions.ts'"],
  eventSource: EVENT_SOURCE,
  failoverEventSource: EVENT_SOURCE,
  previousEventSources: [isListOf(isEventSource), 'a list of event sources, for example [EventSource.sqs()]'],
  retryQueue: RETRY_QUEUE,
  failoverRetryQueue: RETRY_QUEUE,
  previousRetryQueues: [isListOf(isRetryQueue), 'a list of retry queues, for example [RetryQueue.sqs()]'],
  lockTable: [hasMembers('table', 'retention'), 'a LockTable, for example LockTable.fromTable(table)'],
  lockCache: [hasMembers('endpoint', 'authentication'), 'a LockCache, for example new LockCache(…)'],
  checkpointTable: [
    hasMembers('table', 'retention'),
    'a CheckpointTable, for example CheckpointTable.fromTable(table)',
  ],
  deadLetterQueue: [hasMembers('queueArn', 'queueUrl'), 'a queue, for example Queue.fromQueueArn(…)'],
  encryptionKey: [hasMembers('keyArn'), 'a key, for example Key.fromKeyArn(…)'],
  machineNames: [isListOf(isText), "a list of names, for example ['order']"],
  workflowName: [isText, "a name, for example 'orders'"],
  timeout: [hasMembers('toSeconds'), 'a Duration, for example Duration.seconds(30)'],
};

/**
 * Rejects values of other types, which only JavaScript callers can pass: their compiler does not report them.
 *
 * @param required the properties that must have a value
 */
export function checkTypes<Props extends FsmWorkflowProps | FsmWorkflowAttributes>(
  errors: ValidationErrors,
  props: Props,
  required: readonly (keyof Props)[],
): void {
  const values = new Map<string, unknown>(Object.entries(props));
  const requiredNames = required.map(String);
  for (const [property, [isExpected, expected]] of Object.entries(CHECKS)) {
    const value = values.get(property);
    if (value === undefined) {
      if (requiredNames.includes(property)) errors.add(`${property} is required. Set ${property} to ${expected}.`);
    } else if (!isExpected(value)) {
      errors.add(`Invalid ${property}: expected ${expected}.`);
    }
  }
}
