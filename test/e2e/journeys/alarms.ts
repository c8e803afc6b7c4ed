import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CloudWatchClient, paginateDescribeAlarms, type MetricAlarm } from '@aws-sdk/client-cloudwatch';
import type { Route } from './transports';
import { ROOT } from '../emulator';

/** Declares the test that each workflow of a stack has the alarms for its services. */
export function testAlarms(
  stack: string,
  workflows: () => readonly { readonly route: Route; readonly functionName: string }[],
): void {
  void test('have the alarms for their services', async () => {
    const alarms: MetricAlarm[] = [];
    for await (const { MetricAlarms = [] } of paginateDescribeAlarms(
      { client: new CloudWatchClient({ credentials: ROOT }) },
      { AlarmNamePrefix: `${stack}-` },
    )) {
      alarms.push(...MetricAlarms);
    }
    for (const { route } of workflows()) {
      const logicalId = `${route.primary}to${route.failover}`;
      const own = alarms.filter(({ AlarmName = '' }) => AlarmName.startsWith(`${stack}-${logicalId}`));
      assert.deepEqual(
        own.map(({ Namespace, MetricName }) => `${Namespace} ${MetricName}`).sort(),
        expected(route).sort(),
        logicalId,
      );
    }
  });
}

function expected({ primary, failover, retry, failoverRetry }: Route): string[] {
  const sources = [primary, failover];
  const retries = [retry, failoverRetry];
  const transports = [...sources, ...retries];
  return [
    'CdkLambdaFsm Fatal',
    'CdkLambdaFsm Failover',
    'AWS/Lambda Errors',
    'AWS/Lambda Throttles',
    'AWS/SQS ApproximateNumberOfMessagesVisible',
    ...(sources.includes('dynamodb') || transports.includes('kinesis') ? ['AWS/Lambda IteratorAge'] : []),
    ...transports.filter((service) => service === 'sqs').map(() => 'AWS/SQS ApproximateAgeOfOldestMessage'),
    // The events of all topics wait in one place.
    ...(transports.includes('sns') ? ['AWS/Lambda AsyncEventAge'] : []),
    ...(retries.includes('dynamodb') ? ['CdkLambdaFsm RetryLateness'] : []),
  ];
}
