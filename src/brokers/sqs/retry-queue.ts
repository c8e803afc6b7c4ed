import { SqsBroker, type SqsOptions } from './queue';
import type { ValidationErrors } from '../../shared/validation-errors';
import type { ValidationContext } from '../broker';

/** An SQS queue as a retry queue. */
export interface SqsRetryQueueOptions extends SqsOptions {}

export class SqsRetryQueue extends SqsBroker<SqsRetryQueueOptions> {
  public readonly delays = true;

  constructor(options: SqsRetryQueueOptions) {
    super(options, options.queue?.fifo ?? false);
  }

  public override check(errors: ValidationErrors, context: ValidationContext): void {
    if (this.fifo) {
      errors.add('A FIFO queue cannot delay single messages, so retries would run immediately. Use a standard queue.');
    }
    super.check(errors, context);
  }
}
