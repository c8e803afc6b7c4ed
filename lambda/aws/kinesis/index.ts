import { KinesisClient } from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { Clock, Random } from '../../engine/ports';
import { CLIENT_OPTIONS } from '../client-options';
import { Stream } from './stream';

/** What Kinesis does for a workflow, over one client. */
export class Kinesis {
  // By itself, this client speaks HTTP/2, which knows none of the timeouts, and of whose streams nothing here has a use.
  private readonly client = new KinesisClient({ ...CLIENT_OPTIONS, requestHandler: new NodeHttpHandler(CLIENT_OPTIONS.requestHandler) });

  constructor(private readonly system: { readonly clock: Clock; readonly random: Random }) {}

  /** As an event source or a retry queue. */
  public stream({ streamName }: { readonly streamName: string }): Stream {
    return new Stream(this.client, streamName, this.system);
  }

  /** Closes its connections. */
  public close(): void {
    this.client.destroy();
  }
}
