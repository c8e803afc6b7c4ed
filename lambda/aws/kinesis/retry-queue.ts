import { KinesisEventSource } from './event-source';

/** A Kinesis data stream as a retry queue. Kinesis cannot delay a record, so it delivers a retry immediately. */
export class KinesisRetryQueue extends KinesisEventSource {}
