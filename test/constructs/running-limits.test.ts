import { ORDER, newStack, newWorkflow, refusal } from './support';
import { MachineDefinition, RetryQueue, UpgradePolicy } from 'cdk-lambda-fsm';

const limited = (maxRunningExecutions: number) => MachineDefinition.fromObject(ORDER, { maxRunningExecutions });
const refund = MachineDefinition.fromObject({ ...ORDER, name: 'refund' });
const atOnce = { retryQueue: RetryQueue.kinesis({ ignoreBackoff: true }) };

function limitsOf(...machines: MachineDefinition[]): unknown {
  const stack = newStack();
  const { clientConfiguration } = newWorkflow(stack, { machines });
  return stack.resolve(clientConfiguration)['Fn::Join'][1].join('').match(/"maxRunningExecutions":(\{.*?\})/)?.[1];
}

test('the runtime gets the limits by machine, and nothing where there are none', () => {
  expect(limitsOf(limited(3), refund)).toBe('{"order":3}');
  expect(limitsOf(refund)).toBeUndefined();
});

test('all that is wrong is told at once', () => {
  const previous = MachineDefinition.fromObject({ ...ORDER, maxRetries: 9 }, { maxRunningExecutions: 3 });
  const options = { maxRunningExecutions: 0, upgradePolicy: UpgradePolicy.FINISH_ON_OLD, previousVersions: [previous] };
  const message = refusal(() => ({ machines: [MachineDefinition.fromObject(ORDER, options)], ...atOnce }));
  expect(message).toContain('machines: maxRunningExecutions must be a whole number from 1 to 100000 (each hundred have an item of their own in the lock table), but is 0.');
  expect(message).toContain('machines: maxRunningExecutions of "order" lets executions wait, but no retry queue can hold them back. Take RetryQueue.sqs() or RetryQueue.dynamoDb()');
  expect(message).toContain('machines: previousVersions: maxRunningExecutions of a previous version would not be used.');
});

test('a retry queue that can hold executions back may be the second one', () => {
  expect(() => newWorkflow(newStack(), { machines: [limited(3)], ...atOnce, failoverRetryQueue: RetryQueue.dynamoDb() })).not.toThrow();
});
