import { SNSClient } from '@aws-sdk/client-sns';
import { CLIENT_OPTIONS } from '../client-options';
import { Topic } from './topic';

/** What SNS does for a workflow, over one client. */
export class Sns {
  private readonly client = new SNSClient(CLIENT_OPTIONS);

  /** As an event source or a retry queue. */
  public topic({ topicArn }: { readonly topicArn: string }): Topic {
    return new Topic(this.client, topicArn);
  }

  /** Closes its connections. */
  public close(): void {
    this.client.destroy();
  }
}
