import { KinesisBroker, type KinesisOptions } from './stream';

/** A Kinesis data stream as an event source. */
export interface KinesisEventSourceOptions extends KinesisOptions {}

export class KinesisEventSource extends KinesisBroker<KinesisEventSourceOptions> {}
