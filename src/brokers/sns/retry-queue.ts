import { SnsBroker, type SnsOptions } from './topic';
import type { ValidationErrors } from '../../shared/validation-errors';
import type { ValidationContext } from '../broker';
import { refuseBackoff, type RetryAtOnceOptions } from '../immediate-retry';

/** An SNS topic as a retry queue without delays. */
export interface SnsRetryQueueOptions extends SnsOptions, RetryAtOnceOptions {}

export class SnsRetryQueue extends SnsBroker<SnsRetryQueueOptions> {
  public override check(errors: ValidationErrors, context: ValidationContext): void {
    super.check(errors, context);
    refuseBackoff(errors, 'SNS', this.options, context);
  }
}
