import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import {
  SendMessageCommand,
  type Message,
  type MessageAttributeValue,
  type SendMessageCommandInput,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { FORBIDDEN, MAX_MESSAGE_BYTES } from './limits';
import type { DeadLetter, DeadLetterStore, Place, Random } from '../../engine/ports';
import { toError } from '../../machine/to-error';
import { refusesContent } from '../refuses-content';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** The maximum length of a reason, in characters. A reason is a sentence; a longer one contains user data. */
const MAX_REASON = 2_048;

/** The same, for a queue that accepts only small messages. */
const MAX_REASON_OF_SMALL_QUEUE = 128;

const COMPRESSED_BODY = 'The message is in the attribute "body", compressed with gzip.';

const NO_REASON =
  'The message has no reason: its source moved it here after too many deliveries, or it left no room for a reason.';

const NO_BODY =
  'The message is too large for this queue, even compressed. The attribute "place" locates the original message.';

/**
 * Dead letters in an SQS queue. The body of a dead letter is the body of the original message, unchanged; message attributes hold the
 * metadata (`reason`, `executionId`, `machine`, `place` as JSON, `at`). A dead letter of this class therefore looks like one that the redrive
 * policy of a source moved here (which has no attributes), and the redrive of SQS can return both to their source.
 *
 * A body is never truncated. Every envelope leaves room for the attributes; a foreign message that does not is stored without them. A body
 * that SQS rejects (empty, with forbidden characters, or from a source with larger messages) is compressed into the attribute `body`. If
 * even the compressed body does not fit, or the queue accepts only small messages, the dead letter only locates the original message, as the
 * dead letters of Lambda itself do. It must not block the records behind it.
 */
export class DeadLetterQueue implements DeadLetterStore {
  private readonly isFifo: boolean;

  constructor(
    private readonly client: SQSClient,
    private readonly queueUrl: string,
    private readonly system: { readonly random: Random },
  ) {
    // SQS requires this suffix of FIFO queues, and a FIFO dead-letter queue for a FIFO queue.
    this.isFifo = queueUrl.endsWith('.fifo');
  }

  public async put(letter: DeadLetter): Promise<void> {
    try {
      await this.send(letter, await messageOf(letter));
    } catch (thrown) {
      if (!refusesContent(toError(thrown))) throw thrown;
      // The queue accepts only smaller messages than SQS does, and none is smaller than 1 KiB.
      const reason = letter.reason.slice(0, MAX_REASON_OF_SMALL_QUEUE);
      await this.send(letter, {
        MessageBody: `${NO_BODY} ${reason.replace(new RegExp(FORBIDDEN, 'gu'), '\ufffd')}`,
        MessageAttributes: attributesOf({ place: letter.place, at: letter.at, reason: '', body: '' }),
      });
    }
  }

  private async send(
    letter: DeadLetter,
    message: Pick<SendMessageCommandInput, 'MessageBody' | 'MessageAttributes'>,
  ): Promise<void> {
    await this.client.send(
      new SendMessageCommand({
        QueueUrl: this.queueUrl,
        ...message,
        ...(this.isFifo
          ? { MessageGroupId: letter.executionId ?? 'unknown', MessageDeduplicationId: this.system.random.id() }
          : {}),
      }),
    );
  }
}

/**
 * Reads a dead letter from a message of a dead-letter queue, whether this class or a redrive policy sent it.
 *
 * @param message a message of ReceiveMessage, with all its attributes and system attributes
 */
export async function readDeadLetter(message: Message, queueUrl: string): Promise<DeadLetter> {
  const { MessageAttributes: attributes = {}, Attributes: system = {} } = message;
  const body = attributes.body?.BinaryValue;
  const place = attributes.place?.StringValue;
  return {
    reason: attributes.reason?.StringValue ?? NO_REASON,
    executionId: attributes.executionId?.StringValue,
    machine: attributes.machine?.StringValue,
    body: body ? (await decompress(body)).toString() : (message.Body ?? ''),
    // `attributesOf` wrote the attribute.
    place: place
      ? (JSON.parse(place) as Place)
      : {
          service: 'sqs',
          resource: system.DeadLetterQueueSourceArn ?? queueUrl,
          messageId: message.MessageId,
        },
    at: Number(attributes.at?.StringValue ?? system.SentTimestamp ?? 0),
  };
}

async function messageOf(
  letter: DeadLetter,
): Promise<Pick<SendMessageCommandInput, 'MessageBody' | 'MessageAttributes'>> {
  const attributes = attributesOf(letter);
  const bytes = Buffer.byteLength(letter.body);
  const isBody = bytes > 0 && bytes <= MAX_MESSAGE_BYTES && !FORBIDDEN.test(letter.body);
  if (isBody) {
    const hasRoom = bytes + sizeOf(attributes) <= MAX_MESSAGE_BYTES;
    return { MessageBody: letter.body, MessageAttributes: hasRoom ? attributes : {} };
  }
  const compressed = { ...attributes, body: { DataType: 'Binary', BinaryValue: await compress(letter.body) } };
  const hasRoom = COMPRESSED_BODY.length + sizeOf(compressed) <= MAX_MESSAGE_BYTES;
  if (!hasRoom) return { MessageBody: NO_BODY, MessageAttributes: attributes };
  return { MessageBody: COMPRESSED_BODY, MessageAttributes: compressed };
}

function attributesOf(letter: DeadLetter): Record<string, MessageAttributeValue> {
  const texts = {
    reason: shortened(letter.reason),
    executionId: letter.executionId,
    machine: letter.machine,
    place: JSON.stringify(letter.place),
    at: String(letter.at),
  };
  return Object.fromEntries(
    Object.entries(texts)
      // SQS rejects empty values.
      .filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '')
      .map(([name, value]) => [
        name,
        { DataType: 'String', StringValue: value.replace(new RegExp(FORBIDDEN, 'gu'), '\ufffd') },
      ]),
  );
}

function shortened(reason: string): string {
  return reason.length <= MAX_REASON
    ? reason
    : `${reason.slice(0, MAX_REASON)}… (${reason.length - MAX_REASON} more characters)`;
}

/** The size of attributes as SQS counts it: their names, types and values, with binary values in Base64. */
function sizeOf(attributes: Record<string, MessageAttributeValue>): number {
  return Object.entries(attributes).reduce(
    (sum, [name, { DataType = '', StringValue = '', BinaryValue }]) =>
      sum + Buffer.byteLength(name + DataType + StringValue) + Math.ceil((BinaryValue?.length ?? 0) / 3) * 4,
    0,
  );
}
