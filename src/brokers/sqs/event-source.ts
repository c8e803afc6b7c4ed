import { Token } from 'aws-cdk-lib';
import { SqsBroker, type SqsOptions } from './queue';
import type { ValidationErrors } from '../../shared/validation-errors';
import type { ValidationContext } from '../broker';

/** An SQS queue as an event source. */
export interface SqsEventSourceOptions extends SqsOptions {
  /**
   * Whether the queue is a FIFO queue. The workflow does not need ordering from its queue. A FIFO queue costs more and delivers fewer
   * duplicates.
   *
   * @default - the type of the existing queue; false for a new queue
   */
  readonly fifo?: boolean;
}

export class SqsEventSource extends SqsBroker<SqsEventSourceOptions> {
  constructor(options: SqsEventSourceOptions) {
    super(options, options.queue?.fifo ?? options.fifo ?? false);
  }

  public override check(errors: ValidationErrors, context: ValidationContext): void {
    const { queue, fifo } = this.options;
    // A value that is no queue has no ARN, and `super.check` reports it.
    if (queue?.queueArn !== undefined && fifo !== undefined && fifo !== queue.fifo) {
      errors.add(
        Token.isUnresolved(queue.queueArn)
          ? `Invalid fifo ${fifo}: the existing queue has fifo ${queue.fifo}, because its ARN is unknown at synthesis. Import it with Queue.fromQueueAttributes(…, { queueArn, fifo: ${fifo} }).`
          : `Invalid fifo ${fifo}: the existing queue is a ${queue.fifo ? 'FIFO' : 'standard'} queue. Omit fifo.`,
      );
    }
    super.check(errors, context);
  }
}
