/**
 * The AWS services that can carry envelopes, as event sources and as retry queues.
 *
 * To add a broker, add its name here: the compiler then lists every registry that lacks an entry for it.
 */
export const BROKER_NAMES = ['sqs', 'kinesis', 'sns', 'dynamodb'] as const;

/** The name of a broker in configurations, in places of envelopes, and in the names of folders. */
export type BrokerName = (typeof BROKER_NAMES)[number];
