import { KinesisBroker, type KinesisOptions } from './stream';
import type { ValidationErrors } from '../../shared/validation-errors';
import type { ValidationContext } from '../broker';
import { refuseBackoff, type RetryAtOnceOptions } from '../immediate-retry';

/** A Kinesis data stream as a retry queue without delays. */
export interface KinesisRetryQueueOptions extends KinesisOptions, RetryAtOnceOptions {}

export class KinesisRetryQueue extends KinesisBroker<KinesisRetryQueueOptions> {
  public override check(errors: ValidationErrors, context: ValidationContext): void {
    super.check(errors, context);
    refuseBackoff(errors, 'Kinesis', this.options, context);
  }
}
