import { Duration, PhysicalName } from 'aws-cdk-lib';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as sqs from 'aws-cdk-lib/aws-sqs';

/** The longest time that Lambda waits for a batch to fill. */
export const MAX_BATCHING_WINDOW = Duration.minutes(5);

/** Covers the differences between clocks and the time that Lambda takes between receiving a message and invoking the function. */
const VISIBILITY_MARGIN_SECONDS = 30;

/** Properties of a new queue: encrypted, TLS only, and with the maximum retention. */
export function queueDefaults(encryptionKey: kms.IKey | undefined) {
  return {
    queueName: PhysicalName.GENERATE_IF_NEEDED,
    encryption: encryptionKey ? sqs.QueueEncryption.KMS : sqs.QueueEncryption.SQS_MANAGED,
    encryptionMasterKey: encryptionKey,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
  } satisfies sqs.QueueProps;
}

/**
 * A message must stay invisible while Lambda fills its batch and while the invocation runs. After a crash it is redelivered soon after the
 * lease of its step has ended.
 *
 * AWS recommends six times the function's timeout, so that throttled invocations do not use up the deliveries of a message. A new queue
 * allows many deliveries instead: with six times the timeout, each step would pause for an hour and a half after a crash of a function whose
 * timeout is 15 minutes.
 */
export function visibilityTimeout(functionTimeout: Duration, window?: Duration): Duration {
  const windowSeconds = window?.isUnresolved() ? MAX_BATCHING_WINDOW.toSeconds() : (window?.toSeconds() ?? 0);
  return Duration.seconds(functionTimeout.toSeconds() + windowSeconds + VISIBILITY_MARGIN_SECONDS);
}
