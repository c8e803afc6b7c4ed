import { SnsEventSource } from './event-source';

/** A standard SNS topic as a retry queue. SNS cannot delay a message, so it delivers a retry immediately. */
export class SnsRetryQueue extends SnsEventSource {}
