import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CloudWatchClient, paginateDescribeAlarms, type MetricAlarm } from '@aws-sdk/client-cloudwatch';
import type { Route } from './transports';
import { ROOT } from '../emulator';

/** Declares the test that each workflow of a stack has the alarms that make sense for its services. */
export function testAlarms(stack: string, workflows: () => readonly { readonly route: Route; readonly functionName: string }[]): void {
  void test('have alarms for what can go wrong', async () => {
    const alarms: MetricAlarm[] = [];
    for await (const { MetricAlarms = [] } of paginateDescribeAlarms({ client: new CloudWatchClient({ credentials: ROOT }) }, { AlarmNamePrefix: `${stack}-` })) {
      alarms.push(...MetricAlarms);
    }
    for (const { route } of workflows()) {
      const logicalId = `${route.primary}to${route.failover}`;
      const own = alarms.filter(({ AlarmName = '' }) => AlarmName.startsWith(`${stack}-${logicalId}`));
      assert.deepEqual(own.map(({ Namespace, MetricName }) => `${Namespace} ${MetricName}`).sort(), expected(route).sort(), logicalId);
    }
  });
}

function expected({ primary, failover, retry, failoverRetry }: Route): string[] {
  const sources = [primary, failover];
  const transports = [...sources, retry, failoverRetry];
  return [
    'CdkLambdaFsm Fatal',
    'CdkLambdaFsm Failover',
    'AWS/Lambda Throttles',
    'AWS/SQS ApproximateNumberOfMessagesVisible',
    ...sources.includes('dynamodb') || transports.includes('kinesis') ? ['AWS/Lambda IteratorAge'] : [],
    ...sources.includes('sqs') ? ['AWS/SQS ApproximateAgeOfOldestMessage'] : [],
    ...sources.includes('sns') ? ['AWS/Lambda AsyncEventAge'] : [],
  ];
}
