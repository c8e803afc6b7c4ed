import { SnsBroker, type SnsOptions } from './topic';

/** An SNS topic as an event source. */
export interface SnsEventSourceOptions extends SnsOptions {}

export class SnsEventSource extends SnsBroker<SnsEventSourceOptions> {}
