import type { Construct } from 'constructs';
import { grantSendTo } from './access';
import type { Binding, TransportService, WorkflowParts, WorkflowPlan } from './binding';
import type { Problems } from './problems';
import { checkSqsOptions, createQueue, deliver, type SqsOptions } from './sqs-queue';

/** An SQS queue as a retry queue. */
export interface SqsRetryQueueOptions extends SqsOptions {}

export class SqsRetryQueue implements TransportService {
  public readonly delays = true;

  constructor(private readonly options: SqsRetryQueueOptions) {}

  public resource(): unknown {
    return this.options.queue?.queueArn ?? this;
  }

  public check(problems: Problems, plan: WorkflowPlan): void {
    const fifo = this.options.queue?.fifo ?? false;
    if (fifo) {
      problems.add('a FIFO queue cannot hold single messages back, so a retry would come at once. Give a standard queue.');
    }
    checkSqsOptions(problems, this.options, fifo, plan);
  }

  public bind(scope: Construct, workflow: WorkflowParts): Binding {
    const queue = this.options.queue ?? createQueue(scope, this.options, false, workflow);
    deliver(scope.node.id, queue, this.options, workflow);
    return {
      transport: { service: 'sqs', queue },
      configuration: { service: 'sqs', queueUrl: queue.queueUrl },
      grantSend: (grantee) => grantSendTo(queue, grantee),
    };
  }
}
