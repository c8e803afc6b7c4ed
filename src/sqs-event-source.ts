import { Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { grantSendTo } from './access';
import type { Binding, TransportService, WorkflowParts, WorkflowPlan } from './binding';
import type { Problems } from './problems';
import { checkSqsOptions, createQueue, deliver, type SqsOptions } from './sqs-queue';

/** An SQS queue as an event source. */
export interface SqsEventSourceOptions extends SqsOptions {
  /**
   * Whether the queue is a FIFO queue. The workflow needs no order from its queue; a FIFO queue costs more, and delivers fewer duplicates.
   *
   * @default - as the given queue is; otherwise false
   */
  readonly fifo?: boolean;
}

export class SqsEventSource implements TransportService {
  private readonly fifo: boolean;

  constructor(private readonly options: SqsEventSourceOptions) {
    this.fifo = options.queue?.fifo ?? options.fifo ?? false;
  }

  public resource(): unknown {
    return this.options.queue?.queueArn ?? this;
  }

  public check(problems: Problems, plan: WorkflowPlan): void {
    const { queue, fifo } = this.options;
    if (queue && fifo !== undefined && fifo !== queue.fifo) {
      problems.add(Token.isUnresolved(queue.queueArn)
        ? `fifo is ${fifo}, but the queue says otherwise. For a queue whose ARN is not known at synth, import it with Queue.fromQueueAttributes(…, { queueArn, fifo: ${fifo} }).`
        : `fifo is ${fifo}, but the given queue is ${queue.fifo ? 'a FIFO' : 'a standard'} queue. Leave fifo out.`);
    }
    checkSqsOptions(problems, this.options, this.fifo, plan);
  }

  public bind(scope: Construct, workflow: WorkflowParts): Binding {
    const queue = this.options.queue ?? createQueue(scope, this.options, this.fifo, workflow);
    deliver(scope.node.id, queue, this.options, workflow);
    return {
      transport: { service: 'sqs', queue },
      configuration: { service: 'sqs', queueUrl: queue.queueUrl, ...(this.fifo && { fifo: true }) },
      grantSend: (grantee) => grantSendTo(queue, grantee),
    };
  }
}
