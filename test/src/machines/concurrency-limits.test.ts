import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { ORDER, assetOf, newStack, newWorkflow, refusal } from '../../support/constructs';
import { MachineDefinition, RetryQueue, UpgradePolicy } from 'cdk-lambda-fsm';

const limited = (maxRunningExecutions: number) => MachineDefinition.fromObject(ORDER, { maxRunningExecutions });
const refund = MachineDefinition.fromObject({ ...ORDER, name: 'refund' });
const withoutDelays = { retryQueue: RetryQueue.kinesis({ ignoreBackoff: true }) };

function limitsOf(...machines: MachineDefinition[]): unknown {
  const stack = newStack();
  newWorkflow(stack, { machines });
  return JSON.parse(readFileSync(path.join(assetOf(stack), 'configuration.json'), 'utf8')).maxRunningExecutions;
}

test('the configuration contains the limits by machine, if any', () => {
  expect(limitsOf(limited(3), refund)).toEqual({ order: 3 });
  expect(limitsOf(refund)).toBeUndefined();
});

test('reports all errors together', () => {
  const previous = MachineDefinition.fromObject({ ...ORDER, maxRetries: 9 }, { maxRunningExecutions: 3 });
  const options = { maxRunningExecutions: 0, upgradePolicy: UpgradePolicy.FINISH_ON_OLD, previousVersions: [previous] };
  const message = refusal(() => ({ machines: [MachineDefinition.fromObject(ORDER, options)], ...withoutDelays }));
  expect(message).toContain(
    'machines: Invalid maxRunningExecutions 0: expected an integer from 1 to 100000 (every 10 executions use one item of the lock table).',
  );
  expect(message).toContain(
    'machines: maxRunningExecutions of "order" requires a retry queue that can delay executions. Use RetryQueue.sqs() or RetryQueue.dynamoDb()',
  );
  expect(message).toContain('machines: previousVersions: maxRunningExecutions of a previous version has no effect.');
});

test('accepts a failover retry queue that can delay executions', () => {
  expect(() =>
    newWorkflow(newStack(), { machines: [limited(3)], ...withoutDelays, failoverRetryQueue: RetryQueue.dynamoDb() }),
  ).not.toThrow();
});
