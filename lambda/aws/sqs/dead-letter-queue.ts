import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { SendMessageCommand, type Message, type MessageAttributeValue, type SQSClient } from '@aws-sdk/client-sqs';
import { FORBIDDEN, MAX_MESSAGE_BYTES } from './limits';
import type { DeadLetter, DeadLetterStore, Place, Random } from '../../engine/ports';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** The longest reason that is kept, in characters. A reason is a sentence; what is longer has somebody's data in it. */
const MAX_REASON = 4_096;

const COMPRESSED_BODY = 'The message is in the attribute "body", compressed with gzip.';

const NATIVE_REASON = 'The source gave the message up: it was delivered again and again without being acknowledged.';

/** SQS takes no message that large. Only a source with larger messages than SQS has can deliver one. */
export class DeadLetterTooLargeError extends Error {
  public override readonly name = 'DeadLetterTooLargeError';

  constructor(bytes: number, compressed: number) {
    super(`A dead letter has ${bytes} bytes, compressed ${compressed}; an SQS queue takes ${MAX_MESSAGE_BYTES} with its attributes.`);
  }
}

/**
 * Dead letters in an SQS queue: the body of the message is the message as it came, unchanged, and what else is known of it stands in
 * message attributes (`reason`, `executionId`, `machine`, `place` as JSON, `at`). So letters look the same whether this class has put them
 * there or the source's own redrive policy (those have no attributes), and the redrive of SQS itself can send both back.
 *
 * A body is never cut. One that SQS would not take as it is, because the attributes make it too large or because it has characters that SQS
 * forbids, is put into the attribute `body`, compressed. That is enough for any message of SQS: text has at most 7.2 bits of information
 * a byte (there are 144.6ⁿ valid UTF-8 texts of n bytes), so compression makes room for the attributes even if the text is random.
 */
export class DeadLetterQueue implements DeadLetterStore {
  private readonly isFifo: boolean;

  constructor(private readonly client: SQSClient, private readonly queueUrl: string, private readonly system: { readonly random: Random }) {
    // The name of a FIFO queue must end so. The dead-letter queue of a FIFO queue must itself be one.
    this.isFifo = queueUrl.endsWith('.fifo');
  }

  /** @throws DeadLetterTooLargeError when the letter fits into no message, not even compressed */
  public async put(letter: DeadLetter): Promise<void> {
    const attributes = attributesOf(letter);
    const isSendable = letter.body.length > 0 && !FORBIDDEN.test(letter.body) && sizeOf(letter.body, attributes) <= MAX_MESSAGE_BYTES;
    const message = isSendable ? { MessageBody: letter.body, MessageAttributes: attributes } : await inAttribute(letter.body, attributes);
    await this.client.send(new SendMessageCommand({
      QueueUrl: this.queueUrl,
      ...message,
      ...this.isFifo ? { MessageGroupId: letter.executionId ?? 'unknown', MessageDeduplicationId: this.system.random.id() } : {},
    }));
  }
}

/**
 * The letter that a message of a dead-letter queue holds, whoever has put it there.
 *
 * @param message as ReceiveMessage returns it, with all its attributes and system attributes
 */
export async function readDeadLetter(message: Message, queueUrl: string): Promise<DeadLetter> {
  const { MessageAttributes: attributes = {}, Attributes: system = {} } = message;
  const body = attributes.body?.BinaryValue;
  const place = attributes.place?.StringValue;
  return {
    reason: attributes.reason?.StringValue ?? NATIVE_REASON,
    executionId: attributes.executionId?.StringValue,
    machine: attributes.machine?.StringValue,
    body: body ? (await decompress(body)).toString() : message.Body ?? '',
    // Written by `attributesOf`.
    place: place ? JSON.parse(place) as Place : {
      service: 'sqs',
      resource: system.DeadLetterQueueSourceArn ?? queueUrl,
      messageId: message.MessageId,
    },
    at: Number(attributes.at?.StringValue ?? system.SentTimestamp ?? 0),
  };
}

async function inAttribute(body: string, attributes: Record<string, MessageAttributeValue>) {
  const MessageAttributes = { ...attributes, body: { DataType: 'Binary', BinaryValue: await compress(body) } };
  const bytes = sizeOf(COMPRESSED_BODY, MessageAttributes);
  if (bytes > MAX_MESSAGE_BYTES) {
    throw new DeadLetterTooLargeError(Buffer.byteLength(body), bytes);
  }
  return { MessageBody: COMPRESSED_BODY, MessageAttributes };
}

function attributesOf(letter: DeadLetter): Record<string, MessageAttributeValue> {
  const texts = {
    reason: shortened(letter.reason),
    executionId: letter.executionId,
    machine: letter.machine,
    place: JSON.stringify(letter.place),
    at: String(letter.at),
  };
  return Object.fromEntries(Object.entries(texts)
    .filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '')
    .map(([name, value]) => [name, { DataType: 'String', StringValue: value.replace(new RegExp(FORBIDDEN, 'g'), '\ufffd') }]));
}

function shortened(reason: string): string {
  return reason.length <= MAX_REASON ? reason : `${reason.slice(0, MAX_REASON)}… (${reason.length - MAX_REASON} characters more)`;
}

/** What SQS counts: the body, and of each attribute the name, the type and the value. */
function sizeOf(body: string, attributes: Record<string, MessageAttributeValue>): number {
  return Object.entries(attributes).reduce((sum, [name, { DataType = '', StringValue = '', BinaryValue = '' }]) => (
    sum + Buffer.byteLength(name) + Buffer.byteLength(DataType) + Buffer.byteLength(StringValue) + Buffer.byteLength(BinaryValue)
  ), Buffer.byteLength(body));
}
