import { SQSClient } from '@aws-sdk/client-sqs';
import type { Clock, Random } from '../../engine/ports';
import { CLIENT_OPTIONS } from '../client-options';
import { DeadLetterQueue } from './dead-letter-queue';
import { QueueEventSource } from './event-source';
import { RetryQueue } from './retry-queue';

/** What SQS does for a workflow, over one client. */
export class Sqs {
  // The queue is named in the request anyway. Without this, the client would connect to the host in the URL, and the endpoint that the
  // environment asks for would do nothing.
  private readonly client = new SQSClient({ ...CLIENT_OPTIONS, useQueueUrlAsEndpoint: false });

  constructor(private readonly system: { readonly clock: Clock; readonly random: Random }) {}

  public eventSource(queue: { readonly queueUrl: string; readonly fifo?: boolean }): QueueEventSource {
    return new QueueEventSource(this.client, queue, this.system);
  }

  public retryQueue(queue: { readonly queueUrl: string }): RetryQueue {
    return new RetryQueue(this.client, queue, this.system);
  }

  public deadLetterQueue(queue: { readonly queueUrl: string }): DeadLetterQueue {
    return new DeadLetterQueue(this.client, queue.queueUrl, this.system);
  }

  /** Closes its connections. */
  public close(): void {
    this.client.destroy();
  }
}
