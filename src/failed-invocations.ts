import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sqs from 'aws-cdk-lib/aws-sqs';

/**
 * EventBridge and SNS invoke a function asynchronously. Lambda tries such an invocation twice more when it fails, after a minute and two,
 * and keeps one for which it finds no concurrency for six hours; then it goes to the dead-letter queue, whole. A function has one such
 * configuration.
 *
 * @param fn a function that may send to the queue as it is
 * @see https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
export function keepFailedInvocations(fn: lambda.Function, deadLetterQueue: sqs.IQueue): void {
  if (fn.node.tryFindChild('EventInvokeConfig')) return;
  fn.configureAsyncInvoke({ onFailure: { bind: () => ({ destination: deadLetterQueue.queueArn }) } });
}
