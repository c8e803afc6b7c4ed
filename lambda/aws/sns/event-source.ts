import { PublishBatchCommand, type SNSClient } from '@aws-sdk/client-sns';
import { MAX_BATCH_ENTRIES, MAX_MESSAGE_BYTES } from './limits';
import { escapeNoncharacters } from '../../engine/envelope/escape-noncharacters';
import type { OutgoingEnvelope, DispatchResult, Transport } from '../../engine/ports';
import { resultsById } from '../batches/results-by-id';
import { sendBatch } from '../batches/send-batch';

/** The errors with which SNS refuses the whole batch because of one message. */
const REFUSALS = ['BatchRequestTooLong', 'InvalidParameter', 'InvalidParameterValue'];

/** A standard SNS topic as an event source or a retry queue. */
export class SnsEventSource implements Transport {
  public readonly name = 'sns';
  public readonly maxBatchEntries = MAX_BATCH_ENTRIES;
  public readonly maxBatchBytes = MAX_MESSAGE_BYTES;
  public readonly maxBodyBytes = MAX_MESSAGE_BYTES;

  constructor(
    private readonly client: SNSClient,
    private readonly topicArn: string,
  ) {}

  public async send(dispatches: readonly OutgoingEnvelope[]): Promise<readonly DispatchResult[]> {
    const messages = dispatches.map(({ body }, index) => ({ Id: String(index), Message: escapeNoncharacters(body) }));
    return sendBatch(messages, {
      maxEntries: MAX_BATCH_ENTRIES,
      // The SDK appends "Exception" to some names of the service.
      isRefusal: ({ name }) => REFUSALS.includes(name.replace(/Exception$/, '')),
      send: async (entries) => {
        const output = await this.client.send(
          new PublishBatchCommand({ TopicArn: this.topicArn, PublishBatchRequestEntries: [...entries] }),
        );
        return resultsById(entries, output, { service: 'sns', resource: this.topicArn });
      },
    });
  }
}
